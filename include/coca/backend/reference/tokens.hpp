#pragma once
/// @file
/// Tokens of sequences and their probabilities, on the reference backend.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradients.hpp"

namespace coca {

/// Slices and means of tokens, and softmax, as plain loops; sums are kept in double.
template <class T>
class ReferenceTokens {
 public:
  /// y_i = e^x_i / sum_j e^x_j.
  void run(const ops::Softmax<T, HostMemory>& op) const {
    const std::size_t width = op.input.shape().back();
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      T* y = op.output.data() + r * width;
      const double largest = *std::max_element(x, x + width);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - largest);
      for (std::size_t i = 0; i < width; ++i) y[i] = static_cast<T>(std::exp(x[i] - largest) / sum);
    }
  }

  /// d x_i = y_i (d y_i - sum_j y_j d y_j).
  void run(const ops::SoftmaxGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t width = op.output.shape().back();
    for (std::size_t r = 0; r < op.output.size() / width; ++r) {
      const T* y = op.output.data() + r * width;
      const T* gradient = op.output_gradient.data() + r * width;
      double mean = 0;
      for (std::size_t i = 0; i < width; ++i) mean += double{y[i]} * double{gradient[i]};
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(op.input_gradient.data()[r * width + i], y[i] * (gradient[i] - mean),
                               op.input_gradient.write);
    }
  }

  void run(const ops::SliceTokens<T, HostMemory>& op) const {
    const std::size_t length = op.input.shape()[1], width = op.input.shape()[2];
    for (std::size_t b = 0; b < op.input.shape()[0]; ++b)
      std::copy_n(op.input.data() + (b * length + op.first) * width, op.tokens * width,
                  op.output.data() + b * op.tokens * width);
  }

  void run(const ops::SliceTokensGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t tokens = op.output_gradient.shape()[1], width = op.output_gradient.shape()[2];
    const std::size_t length = op.input_gradient.shape()[1];
    for (std::size_t i = 0; i < op.output_gradient.size(); ++i) {
      const std::size_t b = i / (tokens * width), rest = i % (tokens * width);
      op.input_gradient.data()[(b * length + op.first) * width + rest] +=
          op.output_gradient.data()[i];
    }
  }

  void run(const ops::MeanTokens<T, HostMemory>& op) const {
    const std::size_t tokens = op.input.shape()[1], width = op.input.shape()[2];
    for (std::size_t b = 0; b < op.input.shape()[0]; ++b) {
      const double share = share_of(op.hidden, b, tokens);
      for (std::size_t c = 0; c < width; ++c) {
        double sum = 0;
        for (std::size_t t = 0; t < tokens; ++t)
          if (sees(op.hidden, b * tokens + t)) sum += op.input.data()[(b * tokens + t) * width + c];
        op.output.data()[b * width + c] = static_cast<T>(sum * share);
      }
    }
  }

  void run(const ops::MeanTokensGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t tokens = op.input_gradient.shape()[1], width = op.input_gradient.shape()[2];
    for (std::size_t i = 0; i < op.input_gradient.size(); ++i) {
      const std::size_t token = i / width, b = token / tokens;
      const double share = sees(op.hidden, token) ? share_of(op.hidden, b, tokens) : 0.0;
      detail::write_gradient(op.input_gradient.data()[i],
                             share * op.output_gradient.data()[b * width + i % width],
                             op.input_gradient.write);
    }
  }

 private:
  using Hidden = Tensor<std::uint8_t>;

  static bool sees(const Hidden& hidden, std::size_t token) {
    return !hidden || hidden.data()[token] == 0;
  }
  // 1 / the number of tokens of a sequence that are not hidden; 0 if all are.
  static double share_of(const Hidden& hidden, std::size_t b, std::size_t tokens) {
    std::size_t count = 0;
    for (std::size_t t = 0; t < tokens; ++t) count += sees(hidden, b * tokens + t) ? 1 : 0;
    return count == 0 ? 0.0 : 1.0 / static_cast<double>(count);
  }
};

}  // namespace coca
