#pragma once
/// @file
/// Some tokens of each sequence.

#include <cstddef>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// input gradient[b, first + t] += output gradient[b, t].
template <class T, class M>
struct SliceTokensGradient {
  static constexpr const char* name = "slice_tokens_gradient";
  In<T, M> output_gradient;  ///< [batch, tokens, width]
  std::size_t first;
  Add<T, M> input_gradient;  ///< [batch, T, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("first", self.first...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    const Shape &from = output_gradient.shape(), &to = input_gradient.shape();
    if (input_gradient && (from.rank() != 3 || to.rank() != 3 || from[0] != to[0] ||
                           from[2] != to[2] || first + from[1] > to[1]))
      throw ShapeError("slice_tokens_gradient: " + to_string(from) + " from token " +
                       std::to_string(first) + " on is no part of " + to_string(to));
  }
};

/// output[b, t] = input[b, first + t], for t below `tokens`.
template <class T, class M>
struct SliceTokens {
  static constexpr const char* name = "slice_tokens";
  In<T, M> input;  ///< [batch, T, width]
  std::size_t first;
  std::size_t tokens;
  Out<T, M> output{};  ///< [batch, tokens, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("first", self.first...);
    visit("tokens", self.tokens...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {input.shape()[0], tokens, input.shape()[2]}; }

  /// @throws ShapeError if there are too few tokens.
  void check() const {
    const Shape& shape = input.shape();
    if (shape.rank() != 3 || first > shape[1] || tokens > shape[1] - first)
      throw ShapeError("slice_tokens: no " + std::to_string(tokens) + " tokens from token " +
                       std::to_string(first) + " on in " + to_string(shape));
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(SliceTokensGradient<T, M>{g.of(output), first, g.add(input)});
  }
};

}  // namespace coca::ops
