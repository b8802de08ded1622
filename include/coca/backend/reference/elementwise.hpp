#pragma once
/// @file
/// Elementwise operations of the reference backend: each formula as the loop below it.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

namespace coca {

namespace detail {

// √(2/π) (x + 0.044715 x³)
inline double gelu_tanh_argument(double x) {
  return std::sqrt(2.0 * std::numbers::inv_pi) * (x + 0.044715 * x * x * x);
}

inline double reference_activation(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case Activation::quick_gelu:
      return x / (1.0 + std::exp(-1.702 * x));
    case Activation::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(gelu_tanh_argument(x)));
    case Activation::relu:
      return x < 0 ? 0.0 : x;
    case Activation::silu:
      return x / (1.0 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
  }
  return x;
}

// gelu: Φ(x) + x φ(x); quick_gelu: s + 1.702 x s (1 - s), s = σ(1.702 x); relu: 0 at 0, as torch.
inline double reference_activation_slope(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return 1.0;
    case Activation::gelu: {
      const double density =
          std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return 0.5 * (1.0 + std::erf(x / std::numbers::sqrt2)) + x * density;
    }
    case Activation::quick_gelu: {
      const double s = 1.0 / (1.0 + std::exp(-1.702 * x));
      return s + 1.702 * x * s * (1.0 - s);
    }
    case Activation::gelu_tanh: {
      const double t = std::tanh(gelu_tanh_argument(x));
      const double inner = std::sqrt(2.0 * std::numbers::inv_pi) * (1.0 + 3.0 * 0.044715 * x * x);
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
    }
    case Activation::relu:
      return x > 0 ? 1.0 : 0.0;
    case Activation::silu: {
      const double s = 1.0 / (1.0 + std::exp(-x));
      return s + x * s * (1.0 - s);
    }
    case Activation::tanh: {
      const double t = std::tanh(x);
      return 1.0 - t * t;
    }
    case Activation::sigmoid: {
      const double s = 1.0 / (1.0 + std::exp(-x));
      return s * (1.0 - s);
    }
  }
  return 1.0;
}

}  // namespace detail

/// Copies, sums, products, activations and dropout as plain loops.
template <class T>
class ReferenceElementwise {
 public:
  /// output = input.
  void run(const ops::Copy<T, HostMemory>& op) const {
    std::copy_n(op.input.data(), op.input.size(), op.output.data());
  }

  /// output[r, c] = left[r, c] + right[r, c] or right[c].
  void run(const ops::Sum<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.left.size(); ++i)
      op.output.data()[i] = op.left.data()[i] + op.right.data()[i % op.right.size()];
  }

  /// output[c] += sum_r input[r, c].
  void run(const ops::SumRows<T, HostMemory>& op) const {
    if (!op.output) return;
    const std::size_t width = op.output.size();
    for (std::size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < op.input.size() / width; ++r)
        sum += op.input.data()[r * width + c];
      detail::write_gradient(op.output.data()[c], sum, Write::add);
    }
  }

  /// output[r, c] = residual[r, c] + left[r, c] right[r, c] or right[c]; the residual may be
  /// absent.
  void run(const ops::Product<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.left.size(); ++i) {
      const double product =
          double{op.left.data()[i]} * double{op.right.data()[i % op.right.size()]};
      op.output.data()[i] = static_cast<T>(op.residual ? op.residual.data()[i] + product : product);
    }
  }

  /// d left = right d output, d right = left d output, of a row sum_r left d output.
  void run(const ops::ProductGradient<T, HostMemory>& op) const {
    std::vector<double> right_sums(op.right.size());
    for (std::size_t i = 0; i < op.left.size(); ++i) {
      const double gradient = op.output_gradient.data()[i];
      right_sums[i % op.right.size()] += op.left.data()[i] * gradient;
      if (op.left_gradient)
        detail::write_gradient(op.left_gradient.data()[i],
                               op.right.data()[i % op.right.size()] * gradient,
                               op.left_gradient.write);
    }
    for (std::size_t i = 0; i < op.right_gradient.size(); ++i)
      detail::write_gradient(op.right_gradient.data()[i], right_sums[i], op.right_gradient.write);
  }

  /// output = activation(input).
  void run(const ops::Activate<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input.size(); ++i)
      op.output.data()[i] =
          static_cast<T>(detail::reference_activation(op.input.data()[i], op.activation));
  }

  /// d input = d output activation'(input).
  void run(const ops::ActivationGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    for (std::size_t i = 0; i < op.input.size(); ++i)
      detail::write_gradient(op.input_gradient.data()[i],
                             op.output_gradient.data()[i] * detail::reference_activation_slope(
                                                                op.input.data()[i], op.activation),
                             op.input_gradient.write);
  }

  /// output = value.
  void run(const ops::Fill<T, HostMemory>& op) const {
    std::fill_n(op.output.data(), op.output.size(), static_cast<T>(op.value));
  }

  /// output += input.
  void run(const ops::Accumulate<T, HostMemory>& op) const {
    detail::add_row(op.input.data(), op.input.size(), op.output, 0);
  }

  /// output *= factor.
  void run(const ops::Scale<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.values.size(); ++i)
      op.values.data()[i] *= static_cast<T>(op.factor);
  }

  /// output = factor input, see Dropping.
  void run(const ops::Dropout<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input.size(); ++i)
      op.output.data()[i] = static_cast<T>(drop_factor(op.dropping, i) * op.input.data()[i]);
  }

  /// d input = factor d output.
  void run(const ops::DropoutGradient<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input_gradient.size(); ++i)
      detail::write_gradient(op.input_gradient.data()[i],
                             drop_factor(op.dropping, i) * op.output_gradient.data()[i],
                             op.input_gradient.write);
  }

 private:
  static double drop_factor(const Dropping& dropping, std::size_t element) {
    const std::size_t draw = element / dropping.group;
    return dropping.factors(draw / 4)[draw % 4];
  }
};

}  // namespace coca
