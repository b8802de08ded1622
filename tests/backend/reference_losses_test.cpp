// The losses of Reference<double> against torch 2.15, in double, and their gradients against
// central differences.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "backend/call.hpp"
#include "backend/differences.hpp"
#include "catch.hpp"
#include "coca/backend/reference/losses.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

namespace {

using Double = coca::Reference<double>;
using DoubleArray = coca::Tensor<double>;

const Double losses;
const std::vector<double> logits{0.5, -1.25, 2, 0, 1, -2, 3, 3, -1, -0.5, 0.25, 0.125};
const std::vector<double> targets{0.5,   0.25, 0.25,  0,      1,      0,
                                  0.125, 0,    0.875, 1. / 3, 1. / 3, 1. / 3};

coca::Tensor<std::int32_t> labels(const std::vector<std::int32_t>& values) {
  const auto result = losses.allocate<std::int32_t>({values.size()});
  losses.copy_in<std::int32_t>(values, result);
  return result;
}

// What a loss function adds to a loss of 10, and the gradient it leaves.
struct Found {
  double loss;
  std::vector<double> gradient;
};

template <class Run>
Found run(const DoubleArray& x, const Run& inplace) {
  const DoubleArray work = array_of(copy_of(x), x.shape()), loss = array_of({10}, {1});
  inplace(work, loss);
  return {loss.data()[0] - 10, copy_of(work)};
}

template <class Run>
void check_gradient(const DoubleArray& x, const Run& inplace) {
  const auto loss = [&] { return run(x, inplace).loss; };
  CHECK(relative_error(run(x, inplace).gradient, central_differences(x, loss)) < 1e-6);
}

auto cross_entropy(const coca::Tensor<std::int32_t>& chosen, const coca::CrossEntropy& options) {
  return [=](const DoubleArray& x, const DoubleArray& loss) {
    call<ops::CrossEntropy>(losses, x, chosen, options, loss);
  };
}

auto soft_cross_entropy(const DoubleArray& chosen, float weight) {
  return [=](const DoubleArray& x, const DoubleArray& loss) {
    call<ops::SoftCrossEntropy>(losses, x, chosen, weight, loss);
  };
}

}  // namespace

// 0.5 * torch.nn.functional.cross_entropy(logits, [2, -1, 0, 1], ignore_index=-1,
// label_smoothing=..., reduction="sum") and its gradient by autograd.
TEST_CASE("cross-entropy as torch computes it", "[reference][losses]") {
  const DoubleArray x = array_of(logits, {4, 3});
  const auto chosen = labels({2, -1, 0, 1});
  const Found sharp = run(x, cross_entropy(chosen, {.weight = 0.5f}));
  CHECK(close(sharp.loss, 0.8956840247875517, 1e-14));
  const std::vector<double> sharp_gradient{0.08841009105372215,
                                           0.015363370163218216,
                                           -0.10377346121694037,
                                           0,
                                           0,
                                           0,
                                           -0.25226867871107844,
                                           0.24773132128892156,
                                           0.004537357422156873,
                                           0.1002959538211739,
                                           -0.2876734640943908,
                                           0.18737751027321697};
  CHECK(first_difference(sharp.gradient, sharp_gradient, 1e-15) == "");

  const Found smooth = run(x, cross_entropy(chosen, {.label_smoothing = 0.25f, .weight = 0.5f}));
  CHECK(close(smooth.loss, 1.2967256914542182, 1e-14));
  const std::vector<double> smooth_gradient{0.046743424387055484,
                                            -0.026303296503448446,
                                            -0.02044012788360705,
                                            0,
                                            0,
                                            0,
                                            -0.16893534537774513,
                                            0.2060646546222549,
                                            -0.037129309244509794,
                                            0.058629287154507236,
                                            -0.2043401307610575,
                                            0.14571084360655032};
  CHECK(first_difference(smooth.gradient, smooth_gradient, 1e-15) == "");
}

// The same function with `targets` instead of labels.
TEST_CASE("soft cross-entropy as torch computes it", "[reference][losses]") {
  const Found found =
      run(array_of(logits, {4, 3}), soft_cross_entropy(array_of(targets, {4, 3}), 0.5f));
  CHECK(close(found.loss, 3.747273466504978, 1e-14));
  const std::vector<double> gradient{
      -0.16158990894627784, -0.10963662983678178, 0.27122653878305963,  0.12974823017120957,
      -0.1473077436508794,  0.017559513479669865, 0.18523132128892156,  0.24773132128892156,
      -0.4329626425778431,  -0.06637071284549276, 0.045659869238942524, 0.020710843606550317};
  CHECK(first_difference(found.gradient, gradient, 1e-15) == "");
}

// 0.5 * torch.nn.functional.binary_cross_entropy_with_logits(x, targets, reduction="sum").
TEST_CASE("binary cross-entropy as torch computes it", "[reference][losses]") {
  const DoubleArray x = array_of({0.5, -1.25, 3, -0.75, 2, 0}, {2, 3});
  const DoubleArray wanted = array_of({1, 0, 0.3, 0.6, 0.9, 0}, {2, 3});
  const Found found = run(x, [&](const DoubleArray& work, const DoubleArray& loss) {
    call<ops::BinaryCrossEntropy>(losses, work, wanted, 0.5f, loss);
  });
  CHECK(close(found.loss, 2.3657698074085194, 1e-14));
  const std::vector<double> gradient{-0.1887703343990727,   0.11135006941265442,
                                     0.3262870634112167,    -0.13958934958769648,
                                     -0.009601461011058854, 0.25};
  CHECK(first_difference(found.gradient, gradient, 1e-15) == "");
}

// -0.5 * torch.nn.functional.logsigmoid(z * (logits + bias)).sum(), bias -0.5, z = 1 at [0, 1] and
// [1, 2].
TEST_CASE("the sigmoid loss as torch computes it", "[reference][losses]") {
  const DoubleArray bias = array_of({-0.5}, {1}), bias_gradient = array_of({100}, {1});
  const DoubleArray x = array_of(std::vector<double>(logits.begin(), logits.begin() + 6), {2, 3});
  const Found found = run(x, [&](const DoubleArray& work, const DoubleArray& loss) {
    call<ops::SigmoidLoss>(losses, work, bias,
                           coca::SigmoidLoss{.first_positive = 1, .weight = 0.5f}, loss,
                           bias_gradient);
  });
  CHECK(close(found.loss, 4.165914155816774, 1e-14));
  const std::vector<double> gradient{0.25,
                                     -0.42597640098415523,
                                     0.4087872380968218,
                                     0.18877033439907273,
                                     0.31122966560092724,
                                     -0.4620709099893782};
  CHECK(first_difference(found.gradient, gradient, 1e-15) == "");
  CHECK(close(bias_gradient.data()[0], 100.2707399271232883, 1e-13));
}

TEST_CASE("the sigmoid loss of large logits does not overflow", "[reference][losses]") {
  const DoubleArray x = array_of({1e4, -1e4}, {1, 2}), zero = array_of({0}, {1});
  const Found paired = run(x, [&](const DoubleArray& work, const DoubleArray& loss) {
    call<ops::SigmoidLoss>(losses, work, zero, coca::SigmoidLoss{.first_positive = 0}, loss,
                           absent);
  });
  CHECK(close(paired.loss, 0, 1e-11));
  CHECK(first_difference(paired.gradient, std::vector<double>{0, 0}, 1e-15) == "");
  const Found unpaired = run(x, [&](const DoubleArray& work, const DoubleArray& loss) {
    call<ops::SigmoidLoss>(losses, work, zero, coca::SigmoidLoss{.first_positive = 1}, loss,
                           absent);
  });
  CHECK(close(unpaired.loss, 2e4, 1e-11));
  CHECK(first_difference(unpaired.gradient, std::vector<double>{1, -1}, 1e-15) == "");
}

TEST_CASE("gradients of cross-entropies", "[reference][losses]") {
  const auto chosen = labels({2, 4, -7, 0, 3, 3});
  for (const float smoothing : {0.0f, 0.1f}) {
    CAPTURE(smoothing);
    check_gradient(random_array({6, 5}, 2), cross_entropy(chosen, {.ignored_label = -7,
                                                                   .label_smoothing = smoothing,
                                                                   .weight = 0.25f}));
  }
  const DoubleArray target = random_array({6, 5});
  for (std::size_t i = 0; i < target.size(); ++i)
    target.data()[i] = std::abs(target.data()[i]);  // their sum need not be 1
  check_gradient(random_array({6, 5}, 2), soft_cross_entropy(target, 1.5f));
}

TEST_CASE("gradients of the sigmoid loss", "[reference][losses]") {
  const DoubleArray x = random_array({3, 5}, 2), bias = random_array({1});
  const DoubleArray bias_gradient = array_of({0}, {1});
  const auto inplace = [&](const DoubleArray& work, const DoubleArray& loss) {
    call<ops::Fill>(losses, bias_gradient, 0);
    call<ops::SigmoidLoss>(losses, work, bias,
                           coca::SigmoidLoss{.first_positive = 2, .weight = 0.75f}, loss,
                           bias_gradient);
  };
  check_gradient(x, inplace);
  run(x, inplace);
  const std::vector<double> gradient = copy_of(bias_gradient);
  CHECK(relative_error(gradient, central_differences(bias, [&] { return run(x, inplace).loss; })) <
        1e-6);
}
