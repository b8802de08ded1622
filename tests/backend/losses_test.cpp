// Losses on every backend that trains, against Reference<double>.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;
using coca::Write;

namespace {

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

// A separate padding label, with NaN in its rows: they do not count.
TEMPLATE_LIST_TEST_CASE("cross_entropy ignores rows", "[losses]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(91);
  Floats logits = random.normals(5 * 33);
  std::fill_n(logits.begin() + 33, 33, not_a_number);
  for (const Indices& labels : {Indices{7, 9, 0, 32, 9}, Indices{9, 9, 9, 9, 9}}) {
    const Results results = both(backend, [&](auto& bench) {
      const auto work = bench.inplace(logits, {5, 33});
      const auto loss = bench.inplace({0.0f}, {1});
      call<ops::CrossEntropy>(bench.backend, work, bench.indices(labels, {5}),
                              coca::CrossEntropy{.ignored_label = 9}, loss);
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
    call<ops::CrossEntropy>(bench.backend, work, bench.indices(Indices{1, 2, 1}, {3}),
                            coca::CrossEntropy{}, loss);
    call<ops::SoftCrossEntropy>(bench.backend, soft, bench.input(targets, {3, 3}), 1, soft_loss);
    return read_all(bench, work, soft, loss, soft_loss);
  });
  CHECK(first_difference(results.actual, results.expected, tolerances(18, results.expected)) == "");
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
    call<ops::CrossEntropy>(bench.backend, hard, bench.indices(labels, {rows}),
                            coca::CrossEntropy{.weight = weight}, losses.slice(0, 1));
    call<ops::SoftCrossEntropy>(bench.backend, soft,
                                bench.input(probabilities(rows, classes, random), shape), weight,
                                losses.slice(1, 1));
    call<ops::SigmoidLoss>(bench.backend, pairs, zero,
                           coca::SigmoidLoss{.first_positive = 1000, .weight = weight},
                           losses.slice(2, 1), losses.slice(3, 1));
    return read_all(bench, hard, soft, pairs, losses);
  };
  const Results results = both(backend, run);
  CHECK(first_difference(results.actual, results.expected,
                         tolerances(3 * rows * classes, results.expected)) == "");
  Bench again(backend);
  CHECK(first_inequality(run(again), results.actual) == "");
}
