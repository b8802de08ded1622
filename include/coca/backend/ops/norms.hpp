#pragma once
/// @file
/// Normalised rows: layer norm, root mean square norm, rows of length 1, probabilities.

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
    expect_gradients(*this, input.shape());
    if (weight_gradient) expect_shape(weight_gradient, row, "layer_norm_gradient: weight gradient");
    if (bias_gradient) expect_shape(bias_gradient, row, "layer_norm_gradient: bias gradient");
  }
};

/// output = (input - mean) / sqrt(variance + epsilon) * weight + bias, row by row.
template <class T, class M>
struct LayerNorm {
  static constexpr const char* name = "layer_norm";
  using Gradients = OperationList<LayerNormGradient<T, M>>;
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

  template <class Pass>
  void backward(Pass& g) const {
    g.run(LayerNormGradient<T, M>{.input = input,
                                  .weight = weight,
                                  .output_gradient = g.of(output),
                                  .input_gradient = g.update(input),
                                  .weight_gradient = g.add(weight),
                                  .bias_gradient = g.add(bias),
                                  .epsilon = epsilon});
  }
};

/// With n = x / r, r = sqrt(mean of x² + epsilon), and d n = weight d output:
/// d x = (d n - n mean(n d n)) / r, d weight = sum over rows of n d output.
template <class T, class M>
struct RmsNormGradient {
  static constexpr const char* name = "rms_norm_gradient";
  In<T, M> input;               ///< [..., width]
  In<T, M> weight;              ///< [width]
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed
  Add<T, M> weight_gradient;    ///< [width]; nothing: not computed
  double epsilon = 1e-6;        ///< of the mean of squares

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
    visit("weight_gradient", self.weight_gradient...);
    visit("epsilon", self.epsilon...);
  }

  void check() const {
    const Shape row{input.shape().back()};
    expect_shape(weight, row, "rms_norm_gradient: weight");
    expect_gradients(*this, input.shape());
    if (weight_gradient) expect_shape(weight_gradient, row, "rms_norm_gradient: weight gradient");
  }
};

/// output = input / sqrt(mean of input² + epsilon) * weight, row by row (arXiv 1910.07467, as
/// torch.nn.RMSNorm).
template <class T, class M>
struct RmsNorm {
  static constexpr const char* name = "rms_norm";
  using Gradients = OperationList<RmsNormGradient<T, M>>;
  In<T, M> input;      ///< [..., width]
  In<T, M> weight;     ///< [width]
  Out<T, M> output{};  ///< as input
  double epsilon = 1e-6;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("output", self.output...);
    visit("epsilon", self.epsilon...);
  }

  Shape output_shape() const { return input.shape(); }

  /// @throws ShapeError if the weight is not a row of the input.
  void check() const { expect_shape(weight, {input.shape().back()}, "rms_norm: weight"); }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(RmsNormGradient<T, M>{.input = input,
                                .weight = weight,
                                .output_gradient = g.of(output),
                                .input_gradient = g.update(input),
                                .weight_gradient = g.add(weight),
                                .epsilon = epsilon});
  }
};

/// With y = x / norm: d x = (d y - y (y · d y)) / norm; if the norm is below 1e-12, which
/// replaces it, d y / 1e-12.
template <class T, class M>
struct L2NormalizeGradient {
  static constexpr const char* name = "l2_normalize_gradient";
  In<T, M> input;               ///< [..., width]
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const { expect_gradients(*this, input.shape()); }
};

/// Each row divided by its Euclidean norm (at least 1e-12, as torch.nn.functional.normalize).
template <class T, class M>
struct L2Normalize {
  static constexpr const char* name = "l2_normalize";
  using Gradients = OperationList<L2NormalizeGradient<T, M>>;
  In<T, M> input;      ///< [..., width]
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {}

  template <class Pass>
  void backward(Pass& g) const {
    g.run(L2NormalizeGradient<T, M>{input, g.of(output), g.update(input)});
  }
};

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

  void check() const { expect_gradients(*this, output.shape()); }
};

/// output = e^input / sum of e^input, row by row; NaN if all of a row is minus infinity.
template <class T, class M>
struct Softmax {
  static constexpr const char* name = "softmax";
  using Gradients = OperationList<SoftmaxGradient<T, M>>;
  In<T, M> input;      ///< [..., width]
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {}

  template <class Pass>
  void backward(Pass& g) const {
    g.run(SoftmaxGradient<T, M>{output.tensor(), g.of(output), g.update(input)});
  }
};

/// What every backend runs of these.
template <class B>
using NormOperations =
    OperationList<On<B, LayerNorm>, On<B, RmsNorm>, On<B, L2Normalize>, On<B, Softmax>>;

}  // namespace coca::ops
