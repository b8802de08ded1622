// Optimizers on every backend that trains, against Reference<double>.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/bench.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

namespace {

constexpr std::size_t lengths[] = {1, 3, 17, 33, 65, 130, 10007};

// Random gradients with a few zeros.
std::vector<Floats> gradients(std::size_t count, std::size_t size, Random& random) {
  std::vector<Floats> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(random.normals(size));
    for (std::size_t k = 0; k < size; k += 5) all.back()[k] = 0;
  }
  return all;
}

// Updates are about as large as the learning rate, weights a few units.
double step_tolerance(double learning_rate) { return (16 + 256 * learning_rate) * u; }

}  // namespace

TEMPLATE_LIST_TEST_CASE("sum_of_squares and clip_factor", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(100);
  for (const std::size_t size : {1, 3, 17, 33, 65, 130, 10007, 300001})
    for (const float largest : {0.0f, 1.0f, 1e6f}) {
      CAPTURE(size, largest);
      const Floats input = random.normals(size);
      const Results results = both(backend, [&](auto& bench) {
        const auto squares = bench.inplace({2.5f}, {1}), factor = bench.output({1});
        bench.backend.sum_of_squares(bench.input(input, {size}), squares);
        bench.backend.clip_factor(squares, largest, factor);
        return read_all(bench, squares, factor);
      });
      // Terms of one sign: the error is relative.
      const std::vector<double> allowed{sum_tolerance({results.expected[0]}, size),
                                        sum_tolerance({results.expected[1]}, size)};
      CHECK(first_difference(results.actual, results.expected, allowed) == "");
      if (largest != 1.0f) CHECK(results.actual[1] == 1);
    }
}

TEMPLATE_LIST_TEST_CASE("clip_factor of what is not a number", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend);
  const auto factor = bench.output({1}), none = bench.output({1});
  bench.backend.clip_factor(bench.input({not_a_number}, {1}), 1, factor);
  bench.backend.clip_factor(bench.input({infinity}, {1}), 1, none);
  CHECK(std::isnan(bench.read(factor)[0]));
  CHECK(bench.read(none)[0] == 0);
  CHECK(bench.damage() == "");
}

TEMPLATE_LIST_TEST_CASE("adamw_inplace", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(101);
  for (const std::size_t size : lengths)
    for (const float decay : {0.0f, 0.2f}) {
      CAPTURE(size, decay);
      const Floats start = random.normals(size), zero(size, 0.0f);
      const auto all = gradients(4, size, random);
      const Results results = both(backend, [&](auto& bench) {
        const auto weight = bench.inplace(start, {size});
        const auto first = bench.inplace(zero, {size}), second = bench.inplace(zero, {size});
        const auto factor = bench.input({0.75f}, {1});
        coca::AdamWStep step{.learning_rate = 0.01f, .weight_decay = decay};
        for (step.step = 1; step.step <= all.size(); ++step.step)
          bench.backend.adamw_inplace(step, bench.input(all[step.step - 1], {size}), factor, weight,
                                      first, second);
        return read_all(bench, weight, first, second);
      });
      CHECK(first_difference(results.actual, results.expected, step_tolerance(0.1)) == "");
    }
}

// The first step moves each weight by the learning rate; late ones are not corrected any more.
TEMPLATE_LIST_TEST_CASE("adamw_inplace of early and late steps", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(102);
  const std::size_t size = 65;
  const Floats start = random.normals(size), gradient = random.normals(size),
               first = random.normals(size);
  Floats second = random.normals(size);
  for (float& value : second) value = 0.5f + value * value;
  for (const std::uint64_t number : {1ull, 2ull, 1000ull, 10000000000ull}) {
    CAPTURE(number);
    const Results results = both(backend, [&](auto& bench) {
      const auto weight = bench.inplace(start, {size});
      const auto moments = bench.inplace(first, {size}), squares = bench.inplace(second, {size});
      bench.backend.adamw_inplace({.learning_rate = 0.125f, .step = number},
                                  bench.input(gradient, {size}), bench.input({1.0f}, {1}), weight,
                                  moments, squares);
      return read_all(bench, weight, moments, squares);
    });
    CHECK(first_difference(results.actual, results.expected, step_tolerance(1)) == "");
  }
}

TEMPLATE_LIST_TEST_CASE("sgd_inplace", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(103);
  for (const std::size_t size : lengths)
    for (const float momentum : {0.0f, 0.9f})
      for (const bool nesterov : {false, true}) {
        CAPTURE(size, momentum, nesterov);
        const Floats start = random.normals(size);
        const auto all = gradients(3, size, random);
        const Results results = both(backend, [&](auto& bench) {
          const auto weight = bench.inplace(start, {size});
          const auto velocity = bench.output({size});  // NaN: the first step does not read it
          const auto factor = bench.input({0.5f}, {1});
          coca::SgdStep step{.learning_rate = 0.1f,
                             .momentum = momentum,
                             .weight_decay = 0.05f,
                             .nesterov = nesterov};
          for (step.step = 1; step.step <= all.size(); ++step.step)
            bench.backend.sgd_inplace(step, bench.input(all[step.step - 1], {size}), factor, weight,
                                      velocity);
          return read_all(bench, weight, velocity);
        });
        CHECK(first_difference(results.actual, results.expected, step_tolerance(1)) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("adafactor_inplace", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(104);
  for (const std::size_t rows : {1, 3, 17, 33, 130})
    for (const std::size_t columns : {1, 3, 17, 33, 65, 130})
      for (const float beta1 : {0.0f, 0.9f})
        for (const float threshold : {1.0f, 0.5f, 100.0f}) {
          CAPTURE(rows, columns, beta1, threshold);
          const Shape shape{rows, columns};
          const Floats start = random.normals(shape.size());
          const std::vector<Floats> all{random.normals(shape.size()), random.normals(shape.size()),
                                        random.normals(shape.size(), 3)};
          const Results results = both(backend, [&](auto& bench) {
            const auto weight = bench.inplace(start, shape);
            const auto row_moment = bench.inplace(Floats(rows, 0), {rows});
            const auto column_moment = bench.inplace(Floats(columns, 0), {columns});
            const auto first = added(bench, beta1 > 0, Floats(shape.size(), 0), shape);
            const auto factor = bench.input({0.5f}, {1});
            coca::AdafactorStep step{.learning_rate = 0.05f,
                                     .beta1 = beta1,
                                     .clipping_threshold = threshold,
                                     .weight_decay = 0.1f};
            for (step.step = 1; step.step <= all.size(); ++step.step)
              bench.backend.adafactor_inplace(step, bench.input(all[step.step - 1], shape), factor,
                                              weight, row_moment, column_moment, first);
            return read_all(bench, weight, row_moment, column_moment, first);
          });
          // Updates may be ten times their root mean square, and are where a row has few columns.
          CHECK(first_difference(results.actual, results.expected,
                                 10 * step_tolerance(1) +
                                     sum_tolerance(results.expected, rows + columns)) == "");
        }
}

// Zero gradients do not divide by 0: their squares have epsilon.
TEMPLATE_LIST_TEST_CASE("adafactor_inplace of a gradient of 0", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  for (const std::size_t rows : {1, 3}) {
    CAPTURE(rows);
    Bench bench(backend);
    const Shape shape{rows, 17};
    const auto weight = bench.inplace(Floats(shape.size(), 2), shape);
    const auto row_moment = bench.inplace(Floats(rows, 0), {rows});
    const auto column_moment = bench.inplace(Floats(17, 0), {17});
    bench.backend.adafactor_inplace({}, bench.input(Floats(shape.size(), 0), shape),
                                    bench.input({1.0f}, {1}), weight, row_moment, column_moment,
                                    bench.nothing());
    CHECK(first_inequality(bench.read(weight), std::vector<double>(shape.size(), 2)) == "");
    CHECK(bench.damage() == "");
  }
}

TEMPLATE_LIST_TEST_CASE("clamp_inplace and blend_inplace", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(105);
  for (const std::size_t size : lengths) {
    CAPTURE(size);
    const Floats values = random.normals(size, 3), average = random.normals(size);
    const Results results = both(backend, [&](auto& bench) {
      const auto clamped = bench.inplace(values, {size}), kept = bench.inplace(average, {size});
      bench.backend.clamp_inplace(clamped, -1.5f, 2.25f);
      bench.backend.blend_inplace(bench.input(values, {size}), 0.9f, kept);
      return read_all(bench, clamped, kept);
    });
    CHECK(first_difference(results.actual, results.expected, 32 * u) == "");
  }
}

TEMPLATE_LIST_TEST_CASE("large optimizer steps give the same bits", "[optimizers]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Shape shape{517, 333};
  const auto run = [&](auto& bench) {
    Random random(106);
    const auto gradient = bench.input(random.normals(shape.size()), shape);
    const auto squares = bench.inplace({0.0f}, {1}), factor = bench.output({1});
    const auto weight = bench.inplace(random.normals(shape.size()), shape);
    const auto rows = bench.inplace(Floats(517, 0), {517}),
               columns = bench.inplace(Floats(333, 0), {333});
    bench.backend.sum_of_squares(gradient, squares);
    bench.backend.clip_factor(squares, 10, factor);
    bench.backend.adafactor_inplace({.learning_rate = 0.125f}, gradient, factor, weight, rows,
                                    columns, bench.nothing());
    return read_all(bench, factor, weight, rows, columns);
  };
  const Results results = both(backend, run);
  CHECK(first_difference(results.actual, results.expected,
                         10 * step_tolerance(1) + sum_tolerance(results.expected, 517)) == "");
  Bench again(backend);
  CHECK(first_inequality(run(again), results.actual) == "");
}
