// Gradients of norms, activations, embeddings, windows and rows on every backend that trains,
// against Reference<double>. Matrix products, attention, losses and optimizers have separate
// files.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/bench.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Activation;
using coca::Shape;
using coca::Write;

namespace {

constexpr std::size_t widths[] = {1, 3, 17, 33, 65, 130, 768};
constexpr Activation activations[] = {Activation::none, Activation::gelu, Activation::quick_gelu};

}  // namespace

TEMPLATE_LIST_TEST_CASE("sum_rows", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(50);
  for (const std::size_t width : widths)
    for (const std::size_t rows : {1, 3, 65, 333}) {
      CAPTURE(width, rows);
      const Floats input = random.normals(rows * width), before = random.normals(width);
      const Results results = both(backend, [&](auto& bench) {
        const auto output = bench.inplace(before, {width});
        bench.backend.sum_rows(bench.input(input, {rows, width}), output);
        return bench.read(output);
      });
      CHECK(first_difference(results.actual, results.expected,
                             sum_tolerance(results.expected, rows)) == "");
    }
}

TEMPLATE_LIST_TEST_CASE("activations and their gradients", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(51);
  for (const Activation activation : activations)
    for (const std::size_t width : widths)
      for (const Write write : both_writes) {
        CAPTURE(static_cast<int>(activation), width, static_cast<int>(write));
        const Shape shape{3, width};
        Floats input = random.normals(shape.size(), 3);
        input[0] = width % 2 == 0 ? 40.0f : -40.0f;
        input[1] = 0.0f;
        const Floats gradient = random.normals(shape.size()), before = random.normals(shape.size());
        const Results results = both(backend, [&](auto& bench) {
          const auto x = bench.input(input, shape);
          const auto output = bench.output(shape);
          const auto input_gradient = written(bench, write, before, shape);
          bench.backend.activate(x, activation, output);
          bench.backend.activation_gradient(x, activation, bench.input(gradient, shape), write,
                                            input_gradient);
          return read_all(bench, output, input_gradient);
        });
        CHECK(first_difference(results.actual, results.expected,
                               sum_tolerance(results.expected, 1)) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("scaled columns and their gradients", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(52);
  for (const std::size_t width : widths)
    for (const std::size_t rows : {1, 33})
      for (const Write write : both_writes)
        for (const bool with_residual : {false, true}) {
          CAPTURE(width, rows, static_cast<int>(write), with_residual);
          const Shape shape{rows, width};
          const Floats input = random.normals(rows * width), scale = random.normals(width),
                       residual = random.normals(rows * width),
                       gradient = random.normals(rows * width),
                       before = random.normals(rows * width), scale_before = random.normals(width);
          const Results results = both(backend, [&](auto& bench) {
            const auto x = bench.input(input, shape), factors = bench.input(scale, {width});
            auto plus = bench.nothing();
            if (with_residual) plus = bench.input(residual, shape);
            const auto output = bench.output(shape);
            bench.backend.scale_columns(x, factors, plus, output);
            const auto input_gradient = written(bench, write, before, shape);
            const auto scale_gradient = bench.inplace(scale_before, {width});
            bench.backend.scale_columns_gradient(x, factors, bench.input(gradient, shape), write,
                                                 input_gradient, scale_gradient);
            return read_all(bench, output, input_gradient, scale_gradient);
          });
          CHECK(first_difference(results.actual, results.expected,
                                 sum_tolerance(results.expected, rows)) == "");
        }
}

// A mean that is large makes x - mean inexact, and with it the normalised value.
TEMPLATE_LIST_TEST_CASE("layer_norm_gradient", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(53);
  for (const std::size_t width : widths)
    for (const std::size_t rows : {1, 3, 65})
      for (const Write write : both_writes)
        for (const float offset : {0.0f, -30.0f}) {
          CAPTURE(width, rows, static_cast<int>(write), offset);
          const Shape shape{rows, width};
          const Floats input = random.normals(rows * width, 1, offset),
                       weight = random.normals(width), gradient = random.normals(rows * width),
                       before = random.normals(rows * width), weight_before = random.normals(width),
                       bias_before = random.normals(width);
          const Results results = both(backend, [&](auto& bench) {
            const auto input_gradient = written(bench, write, before, shape);
            const auto weight_gradient = bench.inplace(weight_before, {width});
            const auto bias_gradient = bench.inplace(bias_before, {width});
            bench.backend.layer_norm_gradient(bench.input(input, shape),
                                              bench.input(weight, {width}),
                                              bench.input(gradient, shape), write, input_gradient,
                                              weight_gradient, bias_gradient);
            return read_all(bench, input_gradient, weight_gradient, bias_gradient);
          });
          // Of a row of one element all that is left of d n - mean(d n) is its rounding, times 316.
          const double inexact = (1 + std::abs(double{offset})) * (width == 1 ? 316 : 1);
          CHECK(first_difference(results.actual, results.expected,
                                 inexact * sum_tolerance(results.expected, rows)) == "");
        }
}

TEMPLATE_LIST_TEST_CASE("l2_normalize_gradient", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(54);
  for (const std::size_t width : widths)
    for (const Write write : both_writes)
      for (const float scale : {1.0f, 100.0f, 0.01f}) {
        CAPTURE(width, static_cast<int>(write), scale);
        const Shape shape{9, width};
        const Floats input = random.normals(9 * width, scale),
                     gradient = random.normals(9 * width, scale),
                     before = random.normals(9 * width);
        const Results results = both(backend, [&](auto& bench) {
          const auto input_gradient = written(bench, write, before, shape);
          bench.backend.l2_normalize_gradient(bench.input(input, shape),
                                              bench.input(gradient, shape), write, input_gradient);
          return bench.read(input_gradient);
        });
        // What is left of d y - y (y · d y) is divided by the norm, which may be small.
        double shortest = scale;
        for (std::size_t r = 0; r < 9; ++r) {
          double squares = 0;
          for (std::size_t i = 0; i < width; ++i)
            squares += std::pow(double{input[r * width + i]}, 2);
          shortest = std::min(shortest, std::sqrt(squares));
        }
        CHECK(first_difference(results.actual, results.expected,
                               scale / shortest * sum_tolerance(results.expected, width)) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("l2_normalize_gradient of nothing", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Floats input{0, 0, 0, 1e-13f, 3, 4};  // norms 0, 1e-13 and 5
  const Floats gradient{1e-12f, -2e-12f, 3e-12f, 1e-12f, 5, 0};
  const Results results = both(backend, [&](auto& bench) {
    const auto input_gradient = bench.output({3, 2});
    bench.backend.l2_normalize_gradient(bench.input(input, {3, 2}), bench.input(gradient, {3, 2}),
                                        Write::assign, input_gradient);
    return bench.read(input_gradient);
  });
  CHECK(first_difference(results.actual, results.expected, sum_tolerance(results.expected, 2)) ==
        "");
}

TEMPLATE_LIST_TEST_CASE("embed_gradient", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(55);
  for (const std::size_t width : widths)
    for (const std::size_t first : {0, 3}) {
      CAPTURE(width, first);
      const std::size_t vocabulary = 11, batch = 5, tokens = 7;
      Indices ids(batch * tokens);
      for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(vocabulary - 1));
      const Shape table_shape{vocabulary, width}, positions_shape{first + tokens + 2, width};
      const Floats gradient = random.normals(batch * tokens * width),
                   table = random.normals(table_shape.size()),
                   positions = random.normals(positions_shape.size());
      for (const bool with_table : {true, false})
        for (const bool with_positions : {true, false}) {
          const Results results = both(backend, [&](auto& bench) {
            const auto table_gradient = added(bench, with_table, table, table_shape);
            const auto positions_gradient =
                added(bench, with_positions, positions, positions_shape);
            bench.backend.embed_gradient(bench.indices(ids, {batch, tokens}),
                                         bench.input(gradient, {batch, tokens, width}), first,
                                         table_gradient, positions_gradient);
            return read_all(bench, table_gradient, positions_gradient);
          });
          CHECK(first_difference(results.actual, results.expected,
                                 sum_tolerance(results.expected, batch)) == "");
        }
    }
}

TEMPLATE_LIST_TEST_CASE("unfold_gradient", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(56);
  const coca::Unfold cases[] = {
      {.channels = 3, .height = 32, .width = 32, .kernel = 16, .stride = 16},
      {.channels = 3, .height = 14, .width = 21, .kernel = 7, .stride = 7},
      {.channels = 1, .height = 5, .width = 6, .kernel = 1, .stride = 1},
      {.channels = 2, .height = 5, .width = 6, .kernel = 3, .stride = 1, .padding = 1},
      {.channels = 3, .height = 9, .width = 8, .kernel = 3, .stride = 2, .padding = 1},
      {.channels = 4, .height = 7, .width = 10, .kernel = 4, .stride = 3, .padding = 2},
      {.channels = 1, .height = 2, .width = 2, .kernel = 5, .stride = 1, .padding = 2},
      {.channels = 2, .height = 9, .width = 9, .kernel = 2, .stride = 3},  // gaps
      {.channels = 3, .height = 17, .width = 19, .kernel = 4, .stride = 4}};
  for (const coca::Unfold& one : cases)
    for (const bool channels_last : {false, true})
      for (const std::size_t batch : {1, 3}) {
        coca::Unfold windows = one;
        windows.channels_last = channels_last;
        CAPTURE(windows.height, windows.width, windows.kernel, channels_last, batch);
        const Shape shape = channels_last
                                ? Shape{batch, windows.height, windows.width, windows.channels}
                                : Shape{batch, windows.channels, windows.height, windows.width};
        const Shape unfolded{batch * windows.rows() * windows.columns(),
                             windows.channels * windows.kernel * windows.kernel};
        const Floats gradient = random.normals(unfolded.size()),
                     before = random.normals(shape.size());
        const Results results = both(backend, [&](auto& bench) {
          const auto input_gradient = bench.inplace(before, shape);
          bench.backend.unfold_gradient(bench.input(gradient, unfolded), windows, input_gradient);
          return bench.read(input_gradient);
        });
        CHECK(first_difference(results.actual, results.expected,
                               sum_tolerance(results.expected, 25)) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("write_tokens_gradient", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(57);
  for (const std::size_t width : widths)
    for (const std::size_t sources : {1, 3})
      for (const std::size_t tokens : {1, 4})
        for (const std::size_t first : {0, 2})
          for (const bool with_positions : {false, true}) {
            CAPTURE(width, sources, tokens, first, with_positions);
            const std::size_t batch = 3, length = 7;
            const Shape source_shape{sources, tokens, width}, positions_shape{length, width};
            const Floats gradient = random.normals(batch * length * width),
                         source = random.normals(source_shape.size()),
                         positions = random.normals(positions_shape.size());
            const Results results = both(backend, [&](auto& bench) {
              const auto source_gradient = bench.inplace(source, source_shape);
              const auto positions_gradient =
                  added(bench, with_positions, positions, positions_shape);
              bench.backend.write_tokens_gradient(bench.input(gradient, {batch, length, width}),
                                                  first, source_gradient, positions_gradient);
              return read_all(bench, source_gradient, positions_gradient);
            });
            CHECK(first_difference(results.actual, results.expected,
                                   sum_tolerance(results.expected, batch)) == "");
          }
}

TEMPLATE_LIST_TEST_CASE("write_tokens_gradient of only positions", "[gradients]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(58);
  const std::size_t batch = 3, first = 2, length = 7, width = 33;
  const Floats gradient = random.normals(batch * length * width),
               positions = random.normals(length * width);
  const Results results = both(backend, [&](auto& bench) {
    const auto positions_gradient = bench.inplace(positions, {length, width});
    bench.backend.write_tokens_gradient(bench.input(gradient, {batch, length, width}), first,
                                        bench.nothing(), positions_gradient);
    return bench.read(positions_gradient);
  });
  CHECK(first_difference(results.actual, results.expected,
                         sum_tolerance(results.expected, batch)) == "");
}

TEMPLATE_LIST_TEST_CASE("gather_rows_gradient", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(59);
  for (const std::size_t width : widths) {
    CAPTURE(width);
    const Indices rows{5, 0, 3, 3, 2, 5, 0, 1, 5};  // 4 is not read
    const Floats gradient = random.normals(rows.size() * width), before = random.normals(6 * width);
    const Results results = both(backend, [&](auto& bench) {
      const auto input_gradient = bench.inplace(before, {6, width});
      bench.backend.gather_rows_gradient(bench.input(gradient, {rows.size(), width}),
                                         bench.indices(rows, {rows.size()}), input_gradient);
      return bench.read(input_gradient);
    });
    CHECK(first_difference(results.actual, results.expected, sum_tolerance(results.expected, 3)) ==
          "");
  }
}

TEMPLATE_LIST_TEST_CASE("fill, add and scale_inplace", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(60);
  for (const std::size_t size : {1, 3, 17, 33, 65, 130, 100001}) {
    CAPTURE(size);
    const Floats input = random.normals(size), before = random.normals(size);
    const Results results = both(backend, [&](auto& bench) {
      const auto filled = bench.output({size}), sum = bench.inplace(before, {size}),
                 scaled = bench.inplace(before, {size});
      bench.backend.fill(filled, 0.25f);
      bench.backend.add(bench.input(input, {size}), sum);
      bench.backend.scale_inplace(scaled, -1.5f);
      return read_all(bench, filled, sum, scaled);
    });
    CHECK(first_difference(results.actual, results.expected, 4 * unit_roundoff<float> * 8) == "");
  }
}

// Each combination of outputs gives what all together give.
TEMPLATE_LIST_TEST_CASE("absent gradients are not computed", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(61);
  const std::size_t rows = 9, width = 33;
  const Shape shape{rows, width};
  const Floats input = random.normals(rows * width), weight = random.normals(width),
               gradient = random.normals(rows * width), before = random.normals(rows * width);
  for (unsigned present = 0; present < 8; ++present) {
    CAPTURE(present);
    const bool with_input = (present & 1) != 0, with_weight = (present & 2) != 0,
               with_bias = (present & 4) != 0;
    const Results results = both(backend, [&](auto& bench) {
      const auto x = bench.input(input, shape), w = bench.input(weight, {width}),
                 d = bench.input(gradient, shape);
      const auto norm_input = added(bench, with_input, before, shape),
                 norm_weight = added(bench, with_weight, weight, {width}),
                 norm_bias = added(bench, with_bias, weight, {width}),
                 scaled_input = added(bench, with_input, before, shape),
                 scale = added(bench, with_weight, weight, {width});
      bench.backend.layer_norm_gradient(x, w, d, Write::add, norm_input, norm_weight, norm_bias);
      bench.backend.scale_columns_gradient(x, w, d, Write::add, scaled_input, scale);
      return read_all(bench, norm_input, norm_weight, norm_bias, scaled_input, scale);
    });
    CHECK(first_difference(results.actual, results.expected,
                           sum_tolerance(results.expected, rows)) == "");
  }
}

namespace {

// Every operation of this file once, with enough work for every thread.
template <class B>
std::vector<double> large_gradients(Bench<B>& bench) {
  Random random(62);
  const std::size_t batch = 7, tokens = 61, width = 517, rows = batch * tokens, words = 100;
  const Shape shape{rows, width};
  const auto x = bench.input(random.normals(shape.size()), shape);
  const auto d = bench.input(random.normals(shape.size()), shape);
  const auto vector = bench.input(random.normals(width), {width});
  Indices picked(rows);
  for (std::int32_t& id : picked) id = static_cast<std::int32_t>(random.below(words));
  const auto ids = bench.indices(picked, {batch, tokens});
  std::vector<double> all;
  const auto collect = [&](const Shape& output_shape, const auto& run) {
    const auto output = bench.inplace(Floats(output_shape.size(), 0.5f), output_shape);
    run(output);
    const std::vector<double> values = bench.read(output);
    all.insert(all.end(), values.begin(), values.end());
  };
  const auto& on = bench.backend;
  const auto none = bench.nothing();
  collect({width}, [&](auto& out) { on.sum_rows(d, out); });
  collect(shape,
          [&](auto& out) { on.activation_gradient(x, Activation::gelu, d, Write::add, out); });
  collect({width},
          [&](auto& out) { on.scale_columns_gradient(x, vector, d, Write::add, none, out); });
  collect({width},
          [&](auto& out) { on.layer_norm_gradient(x, vector, d, Write::add, none, out, none); });
  collect(shape,
          [&](auto& out) { on.layer_norm_gradient(x, vector, d, Write::add, out, none, none); });
  collect(shape, [&](auto& out) { on.l2_normalize_gradient(x, d, Write::add, out); });
  collect({words, width}, [&](auto& out) { on.embed_gradient(ids, d, 0, out, none); });
  collect({tokens, width}, [&](auto& out) { on.embed_gradient(ids, d, 0, none, out); });
  collect({1, tokens, width}, [&](auto& out) {
    on.write_tokens_gradient(d.reshaped({batch, tokens, width}), 0, out, none);
  });
  collect({words, width},
          [&](auto& out) { on.gather_rows_gradient(d, ids.reshaped({rows}), out); });
  const coca::Unfold windows{.channels = 3, .height = 70, .width = 84, .kernel = 14, .stride = 7};
  const std::size_t unfolded = 2 * windows.rows() * windows.columns();
  const auto patches = bench.input(random.normals(unfolded * 588), {unfolded, 588});
  collect({2, 3, 70, 84}, [&](auto& out) { on.unfold_gradient(patches, windows, out); });
  return all;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("gradients of large arrays", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Results results = both(backend, [](auto& bench) { return large_gradients(bench); });
  CHECK(first_difference(results.actual, results.expected, sum_tolerance(results.expected, 427)) ==
        "");
}

TEMPLATE_LIST_TEST_CASE("the same gradients give the same bits", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend), again(backend);
  CHECK(first_inequality(large_gradients(again), large_gradients(bench)) == "");
}
