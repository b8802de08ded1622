// Steps of optimizers one after another, on every backend that trains, against Reference<double>;
// the cases of single steps are in cases/optimizers.hpp.

#include "backend/cases/optimizers.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
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

}  // namespace

TEMPLATE_LIST_TEST_CASE("clip_factor of what is not a number", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend);
  const auto factor = bench.output({1}), none = bench.output({1});
  call<ops::ClipFactor>(bench.backend, bench.input({not_a_number}, {1}), 1, factor);
  call<ops::ClipFactor>(bench.backend, bench.input({infinity}, {1}), 1, none);
  CHECK(std::isnan(bench.read(factor)[0]));
  CHECK(bench.read(none)[0] == 0);
  CHECK(bench.damage() == "");
}

TEMPLATE_LIST_TEST_CASE("adamw step after step", "[optimizers]", TrainingSubjects) {
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
          call<ops::AdamW>(bench.backend, step, bench.input(all[step.step - 1], {size}), factor,
                           weight, first, second);
        return read_all(bench, weight, first, second);
      });
      CHECK(first_difference(results.actual, results.expected, step_tolerance(0.1)) == "");
    }
}

TEMPLATE_LIST_TEST_CASE("sgd step after step", "[optimizers]", TrainingSubjects) {
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
            call<ops::Sgd>(bench.backend, step, bench.input(all[step.step - 1], {size}), factor,
                           weight, velocity);
          return read_all(bench, weight, velocity);
        });
        CHECK(first_difference(results.actual, results.expected, step_tolerance(1)) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("adafactor step after step", "[optimizers]", TrainingSubjects) {
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
              call<ops::Adafactor>(bench.backend, step, bench.input(all[step.step - 1], shape),
                                   factor, weight, row_moment, column_moment, first);
            return read_all(bench, weight, row_moment, column_moment, first);
          });
          // Updates may be ten times their root mean square, and are where a row has few columns.
          CHECK(first_difference(results.actual, results.expected,
                                 10 * step_tolerance(1) +
                                     sum_tolerance(results.expected, rows + columns)) == "");
        }
}

// Gradients of nothing are no division by 0: their squares have epsilon.
TEMPLATE_LIST_TEST_CASE("adafactor of a gradient of 0", "[optimizers]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  for (const std::size_t rows : {1, 3}) {
    CAPTURE(rows);
    Bench bench(backend);
    const Shape shape{rows, 17};
    const auto weight = bench.inplace(Floats(shape.size(), 2), shape);
    const auto row_moment = bench.inplace(Floats(rows, 0), {rows});
    const auto column_moment = bench.inplace(Floats(17, 0), {17});
    call<ops::Adafactor>(bench.backend, coca::AdafactorStep{},
                         bench.input(Floats(shape.size(), 0), shape), bench.input({1.0f}, {1}),
                         weight, row_moment, column_moment, bench.nothing());
    CHECK(first_inequality(bench.read(weight), std::vector<double>(shape.size(), 2)) == "");
    CHECK(bench.damage() == "");
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
    call<ops::SumOfSquares>(bench.backend, gradient, squares);
    call<ops::ClipFactor>(bench.backend, squares, 10, factor);
    call<ops::Adafactor>(bench.backend, coca::AdafactorStep{.learning_rate = 0.125f}, gradient,
                         factor, weight, rows, columns, bench.nothing());
    return read_all(bench, factor, weight, rows, columns);
  };
  const Results results = both(backend, run);
  CHECK(first_difference(results.actual, results.expected,
                         10 * step_tolerance(1) + sum_tolerance(results.expected, 517)) == "");
  Bench again(backend);
  CHECK(first_inequality(run(again), results.actual) == "");
}
