#pragma once
/// @file
/// The losses of the reference backend, each with the gradient that replaces the
/// logits.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/backend/differentiable.hpp"

namespace coca {

/// Losses as plain loops; sums are kept in double.
template <class T>
class ReferenceLosses {
 public:
  using Array = Tensor<T>;

  /// With p = softmax(logits[r]) and q the target, (1 - smoothing) at the label plus
  /// smoothing / classes everywhere: loss += weight sum_r sum_c -q_c log p_c,
  /// logits = weight (p - q). Rows with the ignored label become 0.
  void cross_entropy_inplace(const Array& logits, const Tensor<std::int32_t>& labels,
                             const CrossEntropy& options, const Array& loss) const {
    const std::size_t classes = logits.shape().back();
    const double smooth = double{options.label_smoothing} / static_cast<double>(classes);
    double sum = 0;
    for (std::size_t r = 0; r < labels.size(); ++r) {
      T* x = logits.data() + r * classes;
      const std::int32_t label = labels.data()[r];
      if (label == options.ignored_label) {
        std::fill_n(x, classes, T{0});
        continue;
      }
      sum += row_loss(x, classes, options.weight, [&](std::size_t c) {
        const bool chosen = c == static_cast<std::size_t>(label);
        return smooth + (chosen ? 1.0 - double{options.label_smoothing} : 0.0);
      });
    }
    add_loss(sum, loss);
  }

  /// The same with q = targets[r].
  void soft_cross_entropy_inplace(const Array& logits, const Array& targets, float weight,
                                  const Array& loss) const {
    const std::size_t classes = logits.shape().back();
    double sum = 0;
    for (std::size_t r = 0; r < logits.size() / classes; ++r) {
      const T* target = targets.data() + r * classes;
      sum += row_loss(logits.data() + r * classes, classes, weight,
                      [&](std::size_t c) { return static_cast<double>(target[c]); });
    }
    add_loss(sum, loss);
  }

  /// With y = z (logits + bias), z = 1 for pairs and -1 for others:
  /// loss += weight sum log(1 + e^-y), logits = d = -weight z / (1 + e^y), d bias += sum d.
  void sigmoid_loss_inplace(const Array& logits, const Array& bias, const SigmoidLoss& options,
                            const Array& loss, const Array& bias_gradient) const {
    const std::size_t columns = logits.shape().back();
    double sum = 0, bias_sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const bool pair = i % columns == options.first_positive + i / columns;
      const double z = pair ? 1.0 : -1.0;
      const double y = z * (double{logits.data()[i]} + double{bias.data()[0]});
      const double gradient = -options.weight * z / (1.0 + std::exp(y));
      sum += options.weight * (std::max(-y, 0.0) + std::log1p(std::exp(-std::abs(y))));
      bias_sum += gradient;
      logits.data()[i] = static_cast<T>(gradient);
    }
    add_loss(sum, loss);
    add_loss(bias_sum, bias_gradient);
  }

  /// output = e^exponent input.
  void scale_by_exp(const Array& input, const Array& exponent, const Array& output) const {
    const double factor = std::exp(double{exponent.data()[0]});
    for (std::size_t i = 0; i < input.size(); ++i)
      output.data()[i] = static_cast<T>(factor * input.data()[i]);
  }

  /// d input = e^exponent d output; d exponent += sum e^exponent input d output.
  void scale_by_exp_gradient(const Array& input, const Array& exponent,
                             const Array& output_gradient, Write write, const Array& input_gradient,
                             const Array& exponent_gradient) const {
    const double factor = std::exp(double{exponent.data()[0]});
    double sum = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
      const double gradient = factor * output_gradient.data()[i];
      sum += gradient * input.data()[i];
      if (!input_gradient) continue;
      T& place = input_gradient.data()[i];
      place = static_cast<T>(write == Write::add ? place + gradient : gradient);
    }
    add_loss(sum, exponent_gradient);
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
