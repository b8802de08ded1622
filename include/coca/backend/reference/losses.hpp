#pragma once
/// @file
/// The losses of the reference backend, each with the gradient that replaces the
/// logits.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

namespace coca {

/// Losses as plain loops; sums are kept in double.
template <class T>
class ReferenceLosses {
 public:
  using Array = Tensor<T>;

  /// With p = softmax(logits[r]) and q the target, (1 - smoothing) at the label plus
  /// smoothing / classes everywhere: loss += weight sum_r sum_c -q_c log p_c,
  /// logits = weight (p - q). Rows with the ignored label become 0.
  void run(const ops::CrossEntropy<T, HostMemory>& op) const {
    const std::size_t classes = op.logits.shape().back();
    const double smooth = double{op.options.label_smoothing} / static_cast<double>(classes);
    double sum = 0;
    for (std::size_t r = 0; r < op.labels.size(); ++r) {
      T* x = op.logits.data() + r * classes;
      const std::int32_t label = op.labels.data()[r];
      if (label == op.options.ignored_label) {
        std::fill_n(x, classes, T{0});
        continue;
      }
      sum += row_loss(x, classes, op.options.weight, [&](std::size_t c) {
        const bool chosen = c == static_cast<std::size_t>(label);
        return smooth + (chosen ? 1.0 - double{op.options.label_smoothing} : 0.0);
      });
    }
    add_loss(sum, op.loss);
  }

  /// The same with q = targets[r].
  void run(const ops::SoftCrossEntropy<T, HostMemory>& op) const {
    const std::size_t classes = op.logits.shape().back();
    double sum = 0;
    for (std::size_t r = 0; r < op.logits.size() / classes; ++r) {
      const T* target = op.targets.data() + r * classes;
      sum += row_loss(op.logits.data() + r * classes, classes, op.weight,
                      [&](std::size_t c) { return static_cast<double>(target[c]); });
    }
    add_loss(sum, op.loss);
  }

  /// With p = 1 / (1 + e^-logits): loss += weight sum -t log p - (1 - t) log(1 - p),
  /// logits = weight (p - t).
  void run(const ops::BinaryCrossEntropy<T, HostMemory>& op) const {
    double sum = 0;
    for (std::size_t i = 0; i < op.logits.size(); ++i) {
      const double x = op.logits.data()[i], t = op.targets.data()[i];
      sum += op.weight * (std::max(x, 0.0) - x * t + std::log1p(std::exp(-std::abs(x))));
      op.logits.data()[i] = static_cast<T>(op.weight * (1.0 / (1.0 + std::exp(-x)) - t));
    }
    add_loss(sum, op.loss);
  }

  /// With y = z (logits + bias), z = 1 for pairs and -1 for others:
  /// loss += weight sum log(1 + e^-y), logits = d = -weight z / (1 + e^y), d bias += sum d.
  void run(const ops::SigmoidLoss<T, HostMemory>& op) const {
    const std::size_t columns = op.logits.shape().back();
    double sum = 0, bias_sum = 0;
    for (std::size_t i = 0; i < op.logits.size(); ++i) {
      const bool pair = i % columns == op.options.first_positive + i / columns;
      const double z = pair ? 1.0 : -1.0;
      const double y = z * (double{op.logits.data()[i]} + double{op.bias.data()[0]});
      const double gradient = -op.options.weight * z / (1.0 + std::exp(y));
      sum += op.options.weight * (std::max(-y, 0.0) + std::log1p(std::exp(-std::abs(y))));
      bias_sum += gradient;
      op.logits.data()[i] = static_cast<T>(gradient);
    }
    add_loss(sum, op.loss);
    add_loss(bias_sum, op.bias_gradient);
  }

  /// output = e^exponent input.
  void run(const ops::ScaleByExp<T, HostMemory>& op) const {
    const double factor = std::exp(double{op.exponent.data()[0]});
    for (std::size_t i = 0; i < op.input.size(); ++i)
      op.output.data()[i] = static_cast<T>(factor * op.input.data()[i]);
  }

  /// d input = e^exponent d output; d exponent += sum e^exponent input d output.
  void run(const ops::ScaleByExpGradient<T, HostMemory>& op) const {
    const double factor = std::exp(double{op.exponent.data()[0]});
    double sum = 0;
    for (std::size_t i = 0; i < op.input.size(); ++i) {
      const double gradient = factor * op.output_gradient.data()[i];
      sum += gradient * op.input.data()[i];
      if (op.input_gradient)
        detail::write_gradient(op.input_gradient.data()[i], gradient, op.input_gradient.write);
    }
    add_loss(sum, op.exponent_gradient);
  }

 private:
  // weight sum_c -q_c log p_c; leaves weight (p_c sum_j q_j - q_c) in x. A target of 0 counts for
  // nothing, even where p_c is 0.
  template <class Target>
  static double row_loss(T* x, std::size_t classes, double weight, const Target& target) {
    const double largest = *std::max_element(x, x + classes);
    double exponentials = 0, targets = 0, loss = 0;
    for (std::size_t c = 0; c < classes; ++c) exponentials += std::exp(x[c] - largest);
    const double logarithm = largest + std::log(exponentials);
    for (std::size_t c = 0; c < classes; ++c) {
      const double q = target(c);
      targets += q;
      if (q != 0) loss += q * (logarithm - x[c]);
    }
    for (std::size_t c = 0; c < classes; ++c)
      x[c] = static_cast<T>(weight * (std::exp(x[c] - logarithm) * targets - target(c)));
    return weight * loss;
  }

  static void add_loss(double sum, const Array& output) {
    if (output) output.data()[0] = static_cast<T>(output.data()[0] + sum);
  }
};

}  // namespace coca
