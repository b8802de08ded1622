// Norms, embedding, windows and rows on every backend against Reference<double>. Matrix products,
// attention and the vocabulary have separate files. u is the unit roundoff of float.

#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/bench.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

// The mean is off by a few u of the values, and so is x - mean where the mean is large; the rest is
// a few roundings of the normalised value, which no width makes larger than its root.
TEMPLATE_LIST_TEST_CASE("layer_norm", "[primitives][layer_norm]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(6);
  for (const std::size_t width : {1, 2, 7, 16, 31, 48, 100, 512, 768, 1030})
    for (const std::size_t rows : {1, 5, 50})
      for (const float offset : {0.0f, -3.0f, 1000.0f, 30000.0f}) {
        CAPTURE(width, rows, offset);
        const Floats input = random.normals(rows * width, 1, offset);
        const Floats weight = random.normals(width), bias = random.normals(width);
        const Results results = both(backend, [&](auto& bench) {
          const auto output = bench.output({rows, width});
          bench.backend.layer_norm(bench.input(input, {rows, width}), bench.input(weight, {width}),
                                   bench.input(bias, {width}), output);
          return bench.read(output);
        });
        std::vector<double> tolerance(rows * width);
        for (std::size_t r = 0; r < rows; ++r) {
          double mean = 0, variance = 0;
          for (std::size_t i = 0; i < width; ++i)
            mean += double{input[r * width + i]} / static_cast<double>(width);
          for (std::size_t i = 0; i < width; ++i)
            variance +=
                std::pow(double{input[r * width + i]} - mean, 2) / static_cast<double>(width);
          const double deviation = std::sqrt(variance + 1e-5);
          for (std::size_t i = 0; i < width; ++i) {
            const double normal = std::abs(double{input[r * width + i]} - mean) / deviation;
            const double error = 16 * u * normal + 4 * u * std::abs(mean) / deviation;
            tolerance[r * width + i] =
                (error + u) * std::abs(double{weight[i]}) + 4 * u * std::abs(double{bias[i]});
          }
        }
        CHECK(first_difference(results.actual, results.expected, tolerance) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("l2_normalize", "[primitives][l2_normalize]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(7);
  for (const std::size_t width : {1, 5, 16, 31, 512, 770})
    for (const float scale : {1.0f, 1e-16f, 1e15f, 0.0f}) {
      CAPTURE(width, scale);
      const Floats input = random.normals(9 * width, scale);
      const Results results = both(backend, [&](auto& bench) {
        const auto output = bench.output({9, width});
        bench.backend.l2_normalize(bench.input(input, {9, width}), output);
        return bench.read(output);
      });
      CHECK(first_difference(results.actual, results.expected, 16 * u) == "");
    }
}

TEMPLATE_LIST_TEST_CASE("embed", "[primitives][embed]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Backend::weight_type;
  Random random(8);
  for (const std::size_t width : {1, 7, 48, 129})
    for (const std::size_t first : {0, 3}) {
      CAPTURE(width, first);
      const std::size_t vocabulary = 11, batch = 3, tokens = 4;
      const Floats table = rounded_to<W>(random.normals(vocabulary * width));
      const Floats positions = random.normals((first + tokens) * width);
      const Indices ids{0, 10, 5, 5, 1, 2, 3, 4, 10, 0, 9, 7};
      const Results results = both(backend, [&](auto& bench) {
        const auto output = bench.output({batch, tokens, width});
        bench.backend.embed(bench.indices(ids, {batch, tokens}),
                            bench.table(table, {vocabulary, width}),
                            bench.input(positions, {first + tokens, width}), first, output);
        return bench.read(output);
      });
      CHECK(first_difference(results.actual, results.expected, 16 * u) == "");  // one rounding
    }
}

TEMPLATE_LIST_TEST_CASE("unfold", "[primitives][unfold]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(9);
  const coca::Unfold cases[] = {
      {.channels = 3, .height = 32, .width = 32, .kernel = 16, .stride = 16},
      {.channels = 3, .height = 14, .width = 21, .kernel = 7, .stride = 7},
      {.channels = 1, .height = 5, .width = 6, .kernel = 1, .stride = 1},
      {.channels = 2, .height = 5, .width = 6, .kernel = 3, .stride = 1, .padding = 1},
      {.channels = 3, .height = 9, .width = 8, .kernel = 3, .stride = 2, .padding = 1},
      {.channels = 4, .height = 7, .width = 10, .kernel = 4, .stride = 3, .padding = 2},
      {.channels = 1, .height = 2, .width = 2, .kernel = 5, .stride = 1, .padding = 2},
      {.channels = 3, .height = 17, .width = 19, .kernel = 4, .stride = 4}};  // a rest is left out
  for (const coca::Unfold& one : cases)
    for (const bool channels_last : {false, true})
      for (const std::size_t batch : {1, 3}) {
        coca::Unfold windows = one;
        windows.channels_last = channels_last;
        CAPTURE(windows.height, windows.width, windows.kernel, channels_last, batch);
        const Shape shape = channels_last
                                ? Shape{batch, windows.height, windows.width, windows.channels}
                                : Shape{batch, windows.channels, windows.height, windows.width};
        const Floats picture = random.normals(shape.size());
        const Results results = both(backend, [&](auto& bench) {
          const auto output = bench.output({batch * windows.rows() * windows.columns(),
                                            windows.channels * windows.kernel * windows.kernel});
          bench.backend.unfold(bench.input(picture, shape), windows, output);
          return bench.read(output);
        });
        CHECK(first_difference(results.actual, results.expected, 0) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("write_tokens", "[primitives][rows]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(10);
  for (const std::size_t width : {1, 7, 48})
    for (const std::size_t sources : {1, 3})
      for (const std::size_t tokens : {1, 4})
        for (const std::size_t first : {0, 2})
          for (const bool with_positions : {false, true}) {
            CAPTURE(width, sources, tokens, first, with_positions);
            const std::size_t batch = 3, length = 7;
            const Floats source = random.normals(sources * tokens * width);
            const Floats positions = random.normals((first + tokens) * width);
            const Results results = both(backend, [&](auto& bench) {
              const auto output = bench.output({batch, length, width});
              auto added = bench.nothing();
              if (with_positions) added = bench.input(positions, {first + tokens, width});
              bench.backend.write_tokens(bench.input(source, {sources, tokens, width}), added,
                                         first, output);
              return bench.read(output);
            });
            // What is not written stays NaN; a sum is one rounding.
            std::vector<double> actual = results.actual, expected = results.expected;
            for (std::size_t i = 0; i < expected.size(); ++i)
              if (std::isnan(expected[i]) && std::isnan(actual[i])) actual[i] = expected[i] = 0;
            CHECK(first_difference(actual, expected, 16 * u) == "");
          }
}

TEMPLATE_LIST_TEST_CASE("gather_rows", "[primitives][rows]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(11);
  for (const std::size_t width : {1, 5, 16, 129}) {
    CAPTURE(width);
    const Floats input = random.normals(6 * width);
    const Indices rows{5, 0, 3, 3, 2, 5, 0, 1, 4};
    const Results results = both(backend, [&](auto& bench) {
      const auto output = bench.output({rows.size(), width});
      bench.backend.gather_rows(bench.input(input, {6, width}), bench.indices(rows, {rows.size()}),
                                output);
      return bench.read(output);
    });
    CHECK(first_difference(results.actual, results.expected, 0) == "");
  }
}

TEMPLATE_LIST_TEST_CASE("scatter_rows", "[primitives][rows]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(12);
  for (const std::size_t width : {1, 5, 16, 129})
    for (const std::size_t first : {std::size_t{0}, std::size_t{3}, width}) {
      CAPTURE(width, first);
      const std::size_t stride = first + width + 2;
      const Floats input = random.normals(4 * stride);
      const Results results = both(backend, [&](auto& bench) {
        const auto output = bench.output({9, width});
        bench.backend.scatter_rows({bench.input(input, {4, stride}), first, width},
                                   bench.indices(Indices{8, 0, 5, 2}, {4}), output);
        return bench.read(output);
      });
      CHECK(first_inequality(results.actual, results.expected) == "");  // other rows stay NaN
    }
}

TEMPLATE_LIST_TEST_CASE("norms keep NaN to its row", "[primitives][layer_norm]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(13);
  for (const std::size_t place : {0, 20, 34}) {
    CAPTURE(place);
    Floats input = random.normals(4 * 35);
    input[2 * 35 + place] = not_a_number;
    Bench bench(backend);
    const auto normed = bench.output({4, 35}), unit = bench.output({4, 35});
    const auto ones = bench.input(Floats(35, 1.0f), {35});
    bench.backend.layer_norm(bench.input(input, {4, 35}), ones, ones, normed);
    bench.backend.l2_normalize(bench.input(input, {4, 35}), unit);
    std::size_t wrong = 0;
    for (const std::vector<double>& values : {bench.read(normed), bench.read(unit)})
      for (std::size_t i = 0; i < values.size(); ++i)
        wrong += std::isnan(values[i]) != (i / 35 == 2);
    CHECK(wrong == 0);
  }
}

// Enough work for every thread.
TEMPLATE_LIST_TEST_CASE("norms and rows of large arrays", "[primitives][rows]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Backend::weight_type;
  Random random(14);
  const std::size_t batch = 7, tokens = 61, width = 517, rows = batch * tokens, words = 100;
  const Floats input = random.normals(rows * width),
               table = rounded_to<W>(random.normals(words * width));
  Indices ids(rows);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(words));
  const Indices order = random.permutation(rows);
  const Results results = both(backend, [&](auto& bench) {
    const auto x = bench.input(input, {batch, tokens, width});
    const auto vector = bench.input(Floats(input.begin(), input.begin() + width), {width});
    const auto flat = x.reshaped({rows, width});
    const auto places = bench.indices(order, {rows});
    std::vector<double> all;
    const auto collect = [&](auto run) {
      const auto output = bench.output({batch, tokens, width});
      run(output);
      const std::vector<double> values = bench.read(output);
      all.insert(all.end(), values.begin(), values.end());
    };
    const auto& device = bench.backend;
    collect([&](auto& out) { device.layer_norm(x, vector, vector, out); });
    collect([&](auto& out) { device.l2_normalize(x, out); });
    collect([&](auto& out) {
      device.embed(bench.indices(ids, {batch, tokens}), bench.table(table, {words, width}), flat, 5,
                   out);
    });
    collect([&](auto& out) { device.write_tokens(x, flat, 0, out); });
    collect([&](auto& out) { device.gather_rows(flat, places, out); });
    collect([&](auto& out) { device.scatter_rows({flat, 0, width}, places, out); });
    return all;
  });
  CHECK(first_difference(results.actual, results.expected, 64 * u) == "");
}

TEMPLATE_LIST_TEST_CASE("unfold of large pictures", "[primitives][unfold]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(15);
  const coca::Unfold windows{
      .channels = 3, .height = 224, .width = 224, .kernel = 14, .stride = 14};
  const Floats pictures = random.normals(2 * 3 * 224 * 224);
  const Results results = both(backend, [&](auto& bench) {
    const auto output = bench.output({2 * 16 * 16, 3 * 14 * 14});
    bench.backend.unfold(bench.input(pictures, {2, 3, 224, 224}), windows, output);
    return bench.read(output);
  });
  CHECK(first_difference(results.actual, results.expected, 0) == "");
}
