#pragma once
/// @file
/// Layer norm.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// With n = (x - mean) / deviation and d n = weight d output:
/// d x = (d n - mean(d n) - n mean(n d n)) / deviation, d weight = sum over rows of n d output,
/// d bias = sum over rows of d output.
template <class T, class M>
struct LayerNormGradient {
  static constexpr const char* name = "layer_norm_gradient";
  In<T, M> input;               ///< [..., width]
  In<T, M> weight;              ///< [width]
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed
  Add<T, M> weight_gradient;    ///< [width]; nothing: not computed
  Add<T, M> bias_gradient;      ///< [width]; nothing: not computed
  double epsilon = 1e-5;        ///< of the variance

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
    visit("weight_gradient", self.weight_gradient...);
    visit("bias_gradient", self.bias_gradient...);
    visit("epsilon", self.epsilon...);
  }

  void check() const {
    const Shape row{input.shape().back()};
    expect_shape(weight, row, "layer_norm_gradient: weight");
    expect_shape(output_gradient, input.shape(), "layer_norm_gradient: output gradient");
    if (input_gradient)
      expect_shape(input_gradient, input.shape(), "layer_norm_gradient: input gradient");
    if (weight_gradient) expect_shape(weight_gradient, row, "layer_norm_gradient: weight gradient");
    if (bias_gradient) expect_shape(bias_gradient, row, "layer_norm_gradient: bias gradient");
  }
};

/// output = (input - mean) / sqrt(variance + epsilon) * weight + bias, row by row.
template <class T, class M>
struct LayerNorm {
  static constexpr const char* name = "layer_norm";
  In<T, M> input;      ///< [..., width]
  In<T, M> weight;     ///< [width]
  In<T, M> bias;       ///< [width], or nothing
  Out<T, M> output{};  ///< as input
  double epsilon = 1e-5;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("bias", self.bias...);
    visit("output", self.output...);
    visit("epsilon", self.epsilon...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {
    expect_shape(weight, {input.shape().back()}, "layer_norm: weight");
    if (bias) expect_shape(bias, {input.shape().back()}, "layer_norm: bias");
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(LayerNormGradient<T, M>{.input = input,
                                  .weight = weight,
                                  .output_gradient = g.of(output),
                                  .input_gradient = g.update(input),
                                  .weight_gradient = g.add(weight),
                                  .bias_gradient = g.add(bias),
                                  .epsilon = epsilon});
  }
};

}  // namespace coca::ops
