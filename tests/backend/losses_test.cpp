// Losses on every backend that trains, against Reference<double>.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "backend/bench.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;
using coca::Write;

namespace {

constexpr std::size_t sizes[] = {1, 3, 17, 33, 65, 130};

// Numbers of a row that add up to 1.
Floats probabilities(std::size_t rows, std::size_t classes, Random& random) {
  Floats values(rows * classes);
  for (std::size_t r = 0; r < rows; ++r) {
    float* row = values.data() + r * classes;
    float sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += row[c] = std::exp(random.normal());
    for (std::size_t c = 0; c < classes; ++c) row[c] /= sum;
  }
  return values;
}

// The loss is a sum over rows of logarithms, which are at most some 40; the gradient of each logit
// is a difference of probabilities.
std::vector<double> tolerances(std::size_t elements, const std::vector<double>& expected,
                               double scale = 1) {
  std::vector<double> all(expected.size(), 64 * scale * unit_roundoff<float>);
  for (std::size_t i = elements; i < expected.size(); ++i)
    all[i] = 64 * unit_roundoff<float> * (scale + std::abs(expected[i]));
  return all;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("cross_entropy_inplace", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(90);
  for (const std::size_t rows : sizes)
    for (const std::size_t classes : {1, 3, 17, 33, 65, 130, 1001})
      for (const float smoothing : {0.0f, 0.1f}) {
        CAPTURE(rows, classes, smoothing);
        const Floats logits = random.normals(rows * classes, 4);
        Indices labels(rows);
        for (std::int32_t& label : labels)
          label = random.below(4) == 0 ? -1 : static_cast<std::int32_t>(random.below(classes));
        const Results results = both(backend, [&](auto& bench) {
          const auto work = bench.inplace(logits, {rows, classes});
          const auto loss = bench.inplace({3.0f}, {1});
          bench.backend.cross_entropy_inplace(work, bench.indices(labels, {rows}),
                                              {.label_smoothing = smoothing, .weight = 0.25f},
                                              loss);
          return read_all(bench, work, loss);
        });
        CHECK(first_difference(results.actual, results.expected,
                               tolerances(rows * classes, results.expected)) == "");
      }
}

// A separate padding label, whose rows are NaN: they are ignored.
TEMPLATE_LIST_TEST_CASE("cross_entropy_inplace ignores rows", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(91);
  Floats logits = random.normals(5 * 33);
  std::fill_n(logits.begin() + 33, 33, not_a_number);
  for (const Indices& labels : {Indices{7, 9, 0, 32, 9}, Indices{9, 9, 9, 9, 9}}) {
    const Results results = both(backend, [&](auto& bench) {
      const auto work = bench.inplace(logits, {5, 33});
      const auto loss = bench.inplace({0.0f}, {1});
      bench.backend.cross_entropy_inplace(work, bench.indices(labels, {5}), {.ignored_label = 9},
                                          loss);
      return read_all(bench, work, loss);
    });
    CHECK(first_difference(results.actual, results.expected,
                           tolerances(5 * 33, results.expected)) == "");
    for (std::size_t i = 33; i < 66; ++i) CHECK(results.actual[i] == 0);
  }
}

// Exponentials that overflow unless the largest logit is taken off, and logits that are masked.
TEMPLATE_LIST_TEST_CASE("cross-entropies of extreme logits", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Floats logits{1000, 990, -1000, 500, 500, 500, -infinity, 2, 1};
  const Floats targets{1, 0, 0, 0.5f, 0.25f, 0.25f, 0, 0.5f, 0.5f};
  const Results results = both(backend, [&](auto& bench) {
    const auto work = bench.inplace(logits, {3, 3}), soft = bench.inplace(logits, {3, 3});
    const auto loss = bench.inplace({0.0f}, {1}), soft_loss = bench.inplace({0.0f}, {1});
    bench.backend.cross_entropy_inplace(work, bench.indices(Indices{1, 2, 1}, {3}), {}, loss);
    bench.backend.soft_cross_entropy_inplace(soft, bench.input(targets, {3, 3}), 1, soft_loss);
    return read_all(bench, work, soft, loss, soft_loss);
  });
  CHECK(first_difference(results.actual, results.expected, tolerances(18, results.expected)) == "");
}

TEMPLATE_LIST_TEST_CASE("soft_cross_entropy_inplace", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(92);
  for (const std::size_t rows : sizes)
    for (const std::size_t classes : sizes) {
      CAPTURE(rows, classes);
      const Floats logits = random.normals(rows * classes, 4);
      const Floats targets = probabilities(rows, classes, random);
      const Results results = both(backend, [&](auto& bench) {
        const auto work = bench.inplace(logits, {rows, classes});
        const auto loss = bench.inplace({-2.0f}, {1});
        bench.backend.soft_cross_entropy_inplace(work, bench.input(targets, {rows, classes}), 1.5f,
                                                 loss);
        return read_all(bench, work, loss);
      });
      CHECK(first_difference(results.actual, results.expected,
                             tolerances(rows * classes, results.expected)) == "");
    }
}

TEMPLATE_LIST_TEST_CASE("sigmoid_loss_inplace", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(93);
  for (const std::size_t rows : sizes)
    for (const std::size_t first : {0, 3, 65})
      for (const bool with_bias_gradient : {true, false}) {
        CAPTURE(rows, first, with_bias_gradient);
        const std::size_t columns = first + rows + first / 3;
        const Shape shape{rows, columns};
        Floats logits = random.normals(rows * columns, 6);
        logits[0] = 200;
        logits[columns - 1] = -200;
        const Results results = both(backend, [&](auto& bench) {
          const auto work = bench.inplace(logits, shape);
          const auto loss = bench.inplace({1.0f}, {1});
          const auto bias_gradient = added(bench, with_bias_gradient, {0.5f}, {1});
          bench.backend.sigmoid_loss_inplace(work, bench.input({-1.5f}, {1}),
                                             {.first_positive = first, .weight = 0.125f}, loss,
                                             bias_gradient);
          return read_all(bench, work, loss, bias_gradient);
        });
        // The bias' gradient is a sum of numbers of both signs, each at most the weight.
        std::vector<double> allowed = tolerances(rows * columns, results.expected);
        for (std::size_t i = rows * columns; i < allowed.size(); ++i)
          allowed[i] += unit_roundoff<float> * static_cast<double>(rows * columns) * 0.125;
        CHECK(first_difference(results.actual, results.expected, allowed) == "");
      }
}

TEMPLATE_LIST_TEST_CASE("scale_by_exp and its gradient", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(94);
  for (const std::size_t rows : sizes)
    for (const float exponent : {-1.0f, 0.0f, 2.6592f, 4.6052f})  // CLIP: from log 1 / 0.07 to 100
      for (const Write write : both_writes)
        for (const bool with_exponent : {true, false}) {
          CAPTURE(rows, exponent, static_cast<int>(write), with_exponent);
          const Shape shape{rows, 33};
          const Floats input = random.normals(shape.size()),
                       gradient = random.normals(shape.size()),
                       before = random.normals(shape.size());
          const Results results = both(backend, [&](auto& bench) {
            const auto x = bench.input(input, shape), power = bench.input({exponent}, {1});
            const auto output = bench.output(shape);
            bench.backend.scale_by_exp(x, power, output);
            const auto input_gradient = written(bench, write, before, shape);
            const auto exponent_gradient = added(bench, with_exponent, {1.0f}, {1});
            bench.backend.scale_by_exp_gradient(x, power, bench.input(gradient, shape), write,
                                                input_gradient, exponent_gradient);
            return read_all(bench, output, input_gradient, exponent_gradient);
          });
          const double factor = std::exp(double{exponent});
          CHECK(first_difference(results.actual, results.expected,
                                 (1 + factor) * 4 * sum_tolerance({}, shape.size())) == "");
        }
}

TEMPLATE_LIST_TEST_CASE("absent gradients of a learned scale", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Results results = both(backend, [](auto& bench) {
    const auto x = bench.input(Floats(33, 2), {33}), d = bench.input(Floats(33, 3), {33});
    const auto power = bench.input({0.5f}, {1}), exponent_gradient = bench.inplace({1.0f}, {1});
    bench.backend.scale_by_exp_gradient(x, power, d, Write::add, bench.nothing(),
                                        exponent_gradient);
    return bench.read(exponent_gradient);
  });
  CHECK(first_difference(results.actual, results.expected, sum_tolerance(results.expected, 33)) ==
        "");
}

TEMPLATE_LIST_TEST_CASE("large losses, and the same bits again", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const std::size_t rows = 150, classes = 5003;
  const auto run = [&](auto& bench) {
    Random random(95);
    const Floats logits = random.normals(rows * classes, 3);
    Indices labels(rows);
    for (std::int32_t& label : labels) label = static_cast<std::int32_t>(random.below(classes));
    const Shape shape{rows, classes};
    const auto hard = bench.inplace(logits, shape), soft = bench.inplace(logits, shape),
               pairs = bench.inplace(logits, shape);
    const auto losses = bench.inplace({0.0f, 0.0f, 0.0f, 0.0f}, {4});
    const auto zero = bench.input({0.0f}, {1});
    const float weight = 1.0f / static_cast<float>(rows);
    bench.backend.cross_entropy_inplace(hard, bench.indices(labels, {rows}), {.weight = weight},
                                        losses.slice(0, 1));
    bench.backend.soft_cross_entropy_inplace(
        soft, bench.input(probabilities(rows, classes, random), shape), weight, losses.slice(1, 1));
    bench.backend.sigmoid_loss_inplace(pairs, zero, {.first_positive = 1000, .weight = weight},
                                       losses.slice(2, 1), losses.slice(3, 1));
    return read_all(bench, hard, soft, pairs, losses);
  };
  const Results results = both(backend, run);
  CHECK(first_difference(results.actual, results.expected,
                         tolerances(3 * rows * classes, results.expected)) == "");
  Bench again(backend);
  CHECK(first_inequality(run(again), results.actual) == "");
}
