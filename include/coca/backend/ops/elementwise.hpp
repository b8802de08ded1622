#pragma once
/// @file
/// Operations on elements: copies, sums, products, activations.

#include "coca/backend/operands.hpp"
#include "coca/core/activation.hpp"

namespace coca::ops {

/// output = input, every bit.
template <class T, class M>
struct Copy {
  static constexpr const char* name = "copy";
  In<T, M> input;
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {
    if (output) expect_shape(output, input.shape(), "copy: output");
  }

  template <class Pass>
  void backward(Pass& g) const {
    g.give(input, g.of(output));
  }
};

/// output += input.
template <class T, class M>
struct Accumulate {
  static constexpr const char* name = "accumulate";
  In<T, M> input;
  Add<T, M> output;  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  void check() const { expect_shape(output, input.shape(), "accumulate: output"); }
};

/// output[c] += sum over rows of input[r, c].
template <class T, class M>
struct SumRows {
  static constexpr const char* name = "sum_rows";
  In<T, M> input;    ///< [..., width]
  Add<T, M> output;  ///< [width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  void check() const {
    if (output) expect_shape(output, {input.shape().back()}, "sum_rows: output");
  }
};

/// Whether `right` is one row, [width], that is combined with every row of `left`, [..., width].
template <class T, class M>
bool is_row_of(const Tensor<T, M>& right, const Tensor<T, M>& left) {
  return right && left.shape().rank() > 1 && right.shape() == Shape{left.shape().back()};
}

/// output = left + right.
template <class T, class M>
struct Sum {
  static constexpr const char* name = "sum";
  In<T, M> left;       ///< [..., width]
  In<T, M> right;      ///< as left, or [width]
  Out<T, M> output{};  ///< as left

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("left", self.left...);
    visit("right", self.right...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return left.shape(); }

  /// @throws ShapeError unless `right` has the shape of `left` or of its rows.
  void check() const {
    if (!is_row_of(right, left)) expect_shape(right, left.shape(), "sum: right");
  }

  template <class Pass>
  void backward(Pass& g) const {
    const auto gradient = g.of(output);
    if (g.follows(left)) g.run(Accumulate<T, M>{gradient, g.add(left)});
    if (!is_row_of(right, left))
      g.give(right, gradient);
    else if (g.follows(right))
      g.run(SumRows<T, M>{gradient, g.add(right)});
  }
};

/// left gradient = output gradient right; right gradient = output gradient left, of a row the sum
/// over all rows of it.
template <class T, class M>
struct ProductGradient {
  static constexpr const char* name = "product_gradient";
  In<T, M> left;                ///< [..., width]
  In<T, M> right;               ///< as left, or [width]
  In<T, M> output_gradient;     ///< as left
  Update<T, M> left_gradient;   ///< as left; nothing: not computed
  Update<T, M> right_gradient;  ///< as right; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("left", self.left...);
    visit("right", self.right...);
    visit("output_gradient", self.output_gradient...);
    visit("left_gradient", self.left_gradient...);
    visit("right_gradient", self.right_gradient...);
  }

  void check() const {
    if (!is_row_of(right, left)) expect_shape(right, left.shape(), "product_gradient: right");
    expect_shape(output_gradient, left.shape(), "product_gradient: output gradient");
    if (left_gradient) expect_shape(left_gradient, left.shape(), "product_gradient: left gradient");
    if (right_gradient)
      expect_shape(right_gradient, right.shape(), "product_gradient: right gradient");
  }
};

/// output = residual + left * right. With a row on the right this is layer scale.
template <class T, class M>
struct Product {
  static constexpr const char* name = "product";
  using Gradients = OperationList<ProductGradient<T, M>>;
  In<T, M> left;        ///< [..., width]
  In<T, M> right;       ///< as left, or [width]
  In<T, M> residual{};  ///< as left, or nothing
  Out<T, M> output{};   ///< as left

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("left", self.left...);
    visit("right", self.right...);
    visit("residual", self.residual...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return left.shape(); }

  /// @throws ShapeError unless `right` has the shape of `left` or of its rows.
  void check() const {
    if (!is_row_of(right, left)) expect_shape(right, left.shape(), "product: right");
    if (residual) expect_shape(residual, left.shape(), "product: residual");
  }

  template <class Pass>
  void backward(Pass& g) const {
    const auto gradient = g.of(output);
    g.run(ProductGradient<T, M>{.left = left,
                                .right = right,
                                .output_gradient = gradient,
                                .left_gradient = g.update(left),
                                .right_gradient = g.update(right)});
    g.give(residual, gradient);
  }
};

/// input gradient = output gradient activation'(input).
template <class T, class M>
struct ActivationGradient {
  static constexpr const char* name = "activation_gradient";
  In<T, M> input;
  Activation activation;
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("activation", self.activation...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const { expect_gradients(*this, input.shape()); }
};

/// output = activation(input).
template <class T, class M>
struct Activate {
  static constexpr const char* name = "activate";
  using Gradients = OperationList<ActivationGradient<T, M>>;
  In<T, M> input;
  Activation activation;
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("activation", self.activation...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {}

  template <class Pass>
  void backward(Pass& g) const {
    g.run(ActivationGradient<T, M>{input, activation, g.of(output), g.update(input)});
  }
};

/// output = value.
template <class T, class M>
struct Fill {
  static constexpr const char* name = "fill";
  Out<T, M> output;
  float value = 0.0f;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output", self.output...);
    visit("value", self.value...);
  }

  void check() const {}
};

/// values *= factor.
template <class T, class M>
struct Scale {
  static constexpr const char* name = "scale";
  InOut<T, M> values;
  float factor;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("values", self.values...);
    visit("factor", self.factor...);
  }

  void check() const {}
};

/// What every backend runs of these.
template <class B>
using ElementwiseOperations =
    OperationList<On<B, Copy>, On<B, Sum>, On<B, Product>, On<B, Activate>>;

/// What a backend that trains runs of these in addition.
template <class B>
using ElementwiseTrainingOperations =
    OperationList<On<B, Fill>, On<B, Accumulate>, On<B, Scale>, On<B, SumRows>>;

}  // namespace coca::ops
