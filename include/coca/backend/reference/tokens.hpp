#pragma once
/// @file
/// Tokens of sequences on the reference backend.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

namespace coca {

/// Slices, means and written tokens as plain loops; sums are kept in double.
template <class T>
class ReferenceTokens {
 public:
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

  /// source [batch or 1, tokens, width] into output [batch, T, width] from token `first` on, plus
  /// rows `first` and following of positions [at least first + tokens, width] where there are any.
  void run(const ops::WriteTokens<T, HostMemory>& op) const {
    const std::size_t batch = op.output.shape()[0], length = op.output.shape()[1];
    const std::size_t tokens = op.source.shape()[1], width = op.output.shape()[2];
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t c = 0; c < width; ++c) {
          const std::size_t from = op.source.shape()[0] == 1 ? t : b * tokens + t;
          const T position = op.positions ? op.positions.data()[(op.first + t) * width + c] : T{0};
          op.output.data()[(b * length + op.first + t) * width + c] =
              op.source.data()[from * width + c] + position;
        }
  }

  /// d source[b or 0, t] and d positions[first + t] += d output[b, first + t].
  void run(const ops::WriteTokensGradient<T, HostMemory>& op) const {
    if (!op.source_gradient && !op.positions_gradient) return;
    const std::size_t batch = op.output_gradient.shape()[0], length = op.output_gradient.shape()[1];
    const std::size_t width = op.output_gradient.shape()[2];
    const std::size_t tokens = op.tokens;
    const bool shared = op.source_gradient && op.source_gradient.shape()[0] == 1;
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t t = 0; t < tokens; ++t) {
        const T* gradient = op.output_gradient.data() + (b * length + op.first + t) * width;
        detail::add_row(gradient, width, op.source_gradient, shared ? t : b * tokens + t);
        detail::add_row(gradient, width, op.positions_gradient, op.first + t);
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
