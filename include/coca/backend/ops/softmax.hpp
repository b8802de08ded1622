#pragma once
/// @file
/// Probabilities of scores.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// With y = output: input gradient = y (output gradient - sum of y output gradient), row by row.
template <class T, class M>
struct SoftmaxGradient {
  static constexpr const char* name = "softmax_gradient";
  In<T, M> output;              ///< [..., width], the output of Softmax
  In<T, M> output_gradient;     ///< as output
  Update<T, M> input_gradient;  ///< as output; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output", self.output...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    expect_shape(output_gradient, output.shape(), "softmax_gradient: output gradient");
    if (input_gradient)
      expect_shape(input_gradient, output.shape(), "softmax_gradient: input gradient");
  }
};

/// output = e^input / sum of e^input, row by row; NaN if all of a row is minus infinity.
template <class T, class M>
struct Softmax {
  static constexpr const char* name = "softmax";
  In<T, M> input;      ///< [..., width]
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {}

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(SoftmaxGradient<T, M>{output.tensor(), g.of(output), g.update(input)});
  }
};

}  // namespace coca::ops
