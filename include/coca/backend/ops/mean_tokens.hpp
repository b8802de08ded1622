#pragma once
/// @file
/// The mean of the tokens of each sequence.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// input gradient[b, t] = output gradient[b] / the number of tokens of b that are not hidden, 0 for
/// those that are.
template <class T, class M>
struct MeanTokensGradient {
  static constexpr const char* name = "mean_tokens_gradient";
  In<T, M> output_gradient;     ///< [batch, width]
  In<std::uint8_t, M> hidden;   ///< [batch, tokens], or nothing
  Update<T, M> input_gradient;  ///< [batch, tokens, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("hidden", self.hidden...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    if (!input_gradient) return;
    const Shape& shape = input_gradient.shape();
    if (shape.rank() != 3)
      throw ShapeError("mean_tokens_gradient: got " + to_string(shape) +
                       ", expected [batch, tokens, width]");
    expect_shape(output_gradient, {shape[0], shape[2]}, "mean_tokens_gradient: output gradient");
    if (hidden) expect_shape(hidden, {shape[0], shape[1]}, "mean_tokens_gradient: hidden");
  }
};

/// output[b] = the mean of input[b, t] over the tokens that are not hidden; 0 if all are.
template <class T, class M>
struct MeanTokens {
  static constexpr const char* name = "mean_tokens";
  In<T, M> input;              ///< [batch, tokens, width]
  In<std::uint8_t, M> hidden;  ///< [batch, tokens], 1: left out; or nothing
  Out<T, M> output{};          ///< [batch, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("hidden", self.hidden...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {input.shape()[0], input.shape()[2]}; }

  /// @throws ShapeError unless these are sequences, and as many tokens hidden or not.
  void check() const {
    const Shape& shape = input.shape();
    if (shape.rank() != 3)
      throw ShapeError("mean_tokens: got " + to_string(shape) +
                       ", expected [batch, tokens, width]");
    if (hidden) expect_shape(hidden, {shape[0], shape[1]}, "mean_tokens: hidden");
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(MeanTokensGradient<T, M>{g.of(output), hidden, g.update(input)});
  }
};

}  // namespace coca::ops
