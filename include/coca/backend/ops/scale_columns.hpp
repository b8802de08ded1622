#pragma once
/// @file
/// Layer scale.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// input gradient[r, c] = scale[c] output gradient[r, c];
/// scale gradient[c] += sum over rows of input[r, c] output gradient[r, c].
template <class T, class M>
struct ScaleColumnsGradient {
  static constexpr const char* name = "scale_columns_gradient";
  In<T, M> input;               ///< [..., width]
  In<T, M> scale;               ///< [width]
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed
  Add<T, M> scale_gradient;     ///< [width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("scale", self.scale...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
    visit("scale_gradient", self.scale_gradient...);
  }

  void check() const {
    const Shape row{input.shape().back()};
    expect_shape(scale, row, "scale_columns_gradient: scale");
    expect_shape(output_gradient, input.shape(), "scale_columns_gradient: output gradient");
    if (input_gradient)
      expect_shape(input_gradient, input.shape(), "scale_columns_gradient: input gradient");
    if (scale_gradient) expect_shape(scale_gradient, row, "scale_columns_gradient: scale gradient");
  }
};

/// output[r, c] = residual[r, c] + scale[c] input[r, c].
template <class T, class M>
struct ScaleColumns {
  static constexpr const char* name = "scale_columns";
  In<T, M> input;      ///< [..., width]
  In<T, M> scale;      ///< [width]
  In<T, M> residual;   ///< as input, or nothing
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("scale", self.scale...);
    visit("residual", self.residual...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {
    expect_shape(scale, {input.shape().back()}, "scale_columns: scale");
    if (residual) expect_shape(residual, input.shape(), "scale_columns: residual");
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    const auto gradient = g.of(output);
    g.run(ScaleColumnsGradient<T, M>{.input = input,
                                     .scale = scale,
                                     .output_gradient = gradient,
                                     .input_gradient = g.update(input),
                                     .scale_gradient = g.add(scale)});
    g.give(residual, gradient);
  }
};

}  // namespace coca::ops
