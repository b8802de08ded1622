#pragma once
/// @file
/// Cases of losses, whose gradients take the place of their logits.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t loss_sizes[] = {1, 3, 17, 33, 65, 130};

/// The loss is a sum over rows of logarithms, which are at most some 40; the gradient of each logit
/// is a difference of probabilities. `sum` is added for sums over all elements.
inline Tolerance within_loss(double sum = 0) {
  return [sum](const std::string& output, const std::vector<double>& expected) {
    std::vector<double> all(expected.size(), 64 * u);
    if (output != "logits")
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = 64 * u * (1 + std::abs(expected[i])) + sum;
    return all;
  };
}

template <>
struct Cases<Judged<ops::CrossEntropy>> {
  static void each(const Take<Judged<ops::CrossEntropy>>& take) {
    Arguments with(90);
    for (const std::size_t rows : loss_sizes)
      for (const std::size_t classes : {1, 3, 17, 33, 65, 130, 1001})
        for (const float smoothing : {0.0f, 0.1f}) {
          Indices labels(rows);
          for (std::int32_t& label : labels)
            label = with.random().below(4) == 0
                        ? -1
                        : static_cast<std::int32_t>(with.random().below(classes));
          take({.logits = ops::InOut(with.normals({rows, classes}, 4)),
                .labels = with.ids(labels, {rows}),
                .options = {.label_smoothing = smoothing, .weight = 0.25f},
                .loss = ops::Add(with.array({3}, {1}))},
               within_loss());
        }
  }
};

template <>
struct Cases<Judged<ops::SoftCrossEntropy>> {
  static void each(const Take<Judged<ops::SoftCrossEntropy>>& take) {
    Arguments with(92);
    for (const std::size_t rows : loss_sizes)
      for (const std::size_t classes : loss_sizes)
        take({.logits = ops::InOut(with.normals({rows, classes}, 4)),
              .targets = probabilities(with, {rows, classes}),
              .weight = 1.5f,
              .loss = ops::Add(with.array({-2}, {1}))},
             within_loss());
  }

 private:
  // Numbers of a row that add up to 1.
  static HostArray probabilities(Arguments& with, const Shape& shape) {
    Floats values = with.random().normals(shape.size());
    for (std::size_t r = 0; r < shape[0]; ++r) {
      float* row = values.data() + r * shape[1];
      float sum = 0;
      for (std::size_t c = 0; c < shape[1]; ++c) sum += row[c] = std::exp(row[c]);
      for (std::size_t c = 0; c < shape[1]; ++c) row[c] /= sum;
    }
    return with.array(values, shape);
  }
};

template <>
struct Cases<Judged<ops::BinaryCrossEntropy>> {
  static void each(const Take<Judged<ops::BinaryCrossEntropy>>& take) {
    Arguments with(95);
    for (const std::size_t rows : loss_sizes)
      for (const std::size_t classes : loss_sizes) {
        const HostArray logits = with.normals({rows, classes}, 6);
        logits.data()[0] = 200;
        logits.data()[rows * classes - 1] = -200;
        Floats targets(rows * classes);  // 0, 0.3, 0.6, 0.9 or 1, as for answers of ten people
        for (float& target : targets)
          target = std::min(1.0f, 0.3f * static_cast<float>(with.random().below(5)));
        take({.logits = ops::InOut(logits),
              .targets = with.array(targets, {rows, classes}),
              .weight = 0.125f,
              .loss = ops::Add(with.array({2}, {1}))},
             within_loss(u * static_cast<double>(rows * classes)));
      }
  }
};

// The bias' gradient is a sum of numbers of both signs, each at most the weight.
template <>
struct Cases<Judged<ops::SigmoidLoss>> {
  static void each(const Take<Judged<ops::SigmoidLoss>>& take) {
    Arguments with(93);
    for (const std::size_t rows : loss_sizes)
      for (const std::size_t first : {0, 3, 65})
        for (const bool with_bias_gradient : {true, false}) {
          const std::size_t columns = first + rows + first / 3;
          const HostArray logits = with.normals({rows, columns}, 6);
          logits.data()[0] = 200;
          logits.data()[columns - 1] = -200;
          take({.logits = ops::InOut(logits),
                .bias = with.array({-1.5f}, {1}),
                .options = {.first_positive = first, .weight = 0.125f},
                .loss = ops::Add(with.array({1}, {1})),
                .bias_gradient = with.add(with_bias_gradient, {1})},
               within_loss(u * static_cast<double>(rows * columns) * 0.125));
        }
  }
};

/// CLIP's logarithms of a factor: from log 1 / 0.07 to log 100.
inline constexpr float exponents[] = {-1.0f, 0.0f, 2.6592f, 4.6052f};

template <>
struct Cases<Judged<ops::ScaleByExp>> {
  static void each(const Take<Judged<ops::ScaleByExp>>& take) {
    Arguments with(94);
    for (const std::size_t rows : loss_sizes)
      for (const float exponent : exponents)
        take({.input = with.normals({rows, 33}),
              .exponent = with.array({exponent}, {1}),
              .output = with.out({rows, 33})},
             within((1 + std::exp(exponent)) * 4 * sum_tolerance({}, rows * 33)));
  }
};

template <>
struct Cases<Judged<ops::ScaleByExpGradient>> {
  static void each(const Take<Judged<ops::ScaleByExpGradient>>& take) {
    Arguments with(94);
    for (const std::size_t rows : loss_sizes)
      for (const float exponent : exponents)
        for (const Write write : both_writes)
          for (const bool with_exponent : {true, false})
            take({.input = with.normals({rows, 33}),
                  .exponent = with.array({exponent}, {1}),
                  .output_gradient = with.normals({rows, 33}),
                  .input_gradient = with.update(write, {rows, 33}),
                  .exponent_gradient = with.add(with_exponent, {1})},
                 within((1 + std::exp(exponent)) * 4 * sum_tolerance({}, rows * 33)));
    take({.input = with.normals({33}),
          .exponent = with.array({0.5f}, {1}),
          .output_gradient = with.normals({33}),
          .input_gradient = {},
          .exponent_gradient = with.add({1})},
         within_sum(33, 2));
  }
};

}  // namespace coca::testing
