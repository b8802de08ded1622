#pragma once
/// @file
/// Products with a weight matrix.

#include <string>

#include "coca/backend/operands.hpp"
#include "coca/backend/ops/elementwise.hpp"
#include "coca/core/activation.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// What happens to a matrix product before it is written:
/// output = residual + scale * activation(product + bias), each part optional.
template <class T, class M>
struct Epilogue {
  ops::In<T, M> bias{};                      ///< [out]
  Activation activation = Activation::none;  ///< applied after the bias
  ops::In<T, M> scale{};                     ///< [out], layer scale
  ops::In<T, M> residual{};                  ///< [rows, out]; may be the output itself

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("bias", self.bias...);
    visit("activation", self.activation...);
    visit("scale", self.scale...);
    visit("residual", self.residual...);
  }
};

namespace ops {

/// input gradient = output gradient weight. The weight must be a view.
template <class T, class M, class Matrix>
struct MatmulInputGradient {
  static constexpr const char* name = "matmul_input_gradient";
  In<T, M> output_gradient;     ///< [rows, out]
  Matrix weight;                ///< [out, in]
  Update<T, M> input_gradient;  ///< [rows, in]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("weight", self.weight...);
    visit("input_gradient", self.input_gradient...);
  }

  /// @throws ShapeError if the widths do not fit.
  void check() const {
    const std::size_t out = weight.out_features(), in = weight.in_features();
    if (output_gradient.shape().back() != out ||
        (input_gradient && input_gradient.size() * out != output_gradient.size() * in))
      throw ShapeError("matmul_input_gradient: gradients " + to_string(output_gradient.shape()) +
                       " and " + to_string(input_gradient.shape()) + " do not fit a weight of " +
                       to_string(Shape{out, in}));
  }
};

/// weight gradient = output gradientᵀ input.
template <class T, class M>
struct MatmulWeightGradient {
  static constexpr const char* name = "matmul_weight_gradient";
  In<T, M> output_gradient;      ///< [rows, out]
  In<T, M> input;                ///< [rows, in]
  Update<T, M> weight_gradient;  ///< [out, in]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("input", self.input...);
    visit("weight_gradient", self.weight_gradient...);
  }

  /// @throws ShapeError if the widths or the numbers of rows differ.
  void check() const {
    const Shape expected{output_gradient.shape().back(), input.shape().back()};
    if (output_gradient.shape().rows() != input.shape().rows())
      throw ShapeError("matmul_weight_gradient: " + to_string(output_gradient.shape()) +
                       " and an input of " + to_string(input.shape()) +
                       " have different numbers of rows");
    if (weight_gradient)
      expect_shape(weight_gradient, expected, "matmul_weight_gradient: weight gradient");
  }
};

/// output = input weightᵀ, and what the epilogue says.
template <class T, class M, class Matrix>
struct Matmul {
  static constexpr const char* name = "matmul";
  using Gradients = OperationList<MatmulInputGradient<T, M, Matrix>, MatmulWeightGradient<T, M>>;
  In<T, M> input;             ///< [..., in]
  Matrix weight;              ///< [out, in]
  Epilogue<T, M> epilogue{};  ///< its residual is shaped as the output
  Out<T, M> output{};         ///< [..., out]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("epilogue", self.epilogue...);
    visit("output", self.output...);
  }

  Shape output_shape() const {
    Shape shape;
    for (std::size_t axis = 0; axis + 1 < input.shape().rank(); ++axis)
      shape.push_back(input.shape()[axis]);
    shape.push_back(weight.out_features());
    return shape;
  }

  /// @throws ShapeError if the widths or the epilogue do not fit.
  void check() const {
    const Shape row{weight.out_features()};
    if (!input || input.shape().back() != weight.in_features())
      throw ShapeError("linear: the input has shape " + to_string(input.shape()) +
                       ", the weight expects rows of " + std::to_string(weight.in_features()));
    if (epilogue.bias) expect_shape(epilogue.bias, row, "linear: bias");
    if (epilogue.scale) expect_shape(epilogue.scale, row, "linear: scale");
    if (epilogue.residual) expect_shape(epilogue.residual, output_shape(), "linear: residual");
  }

  /// Of output = input weightᵀ + bias + residual: the rest of an epilogue is recorded as
  /// separate operations.
  template <class Pass>
  void backward(Pass& g) const {
    const auto gradient = g.of(output);
    if (g.follows(epilogue.bias)) g.run(SumRows<T, M>{gradient, g.add(epilogue.bias)});
    if (g.follows(weight.values())) {
      if (weight.transposed())
        g.run(MatmulWeightGradient<T, M>{input, gradient, g.update(weight.values())});
      else
        g.run(MatmulWeightGradient<T, M>{gradient, input, g.update(weight.values())});
    }
    if (g.follows(input))
      g.run(MatmulInputGradient<T, M, Matrix>{gradient, weight, g.update(input)});
    g.give(epilogue.residual, gradient);
  }
};

/// With the matrices of a backend.
template <class B>
using MatmulOn = Matmul<typename B::value_type, typename B::memory_type, typename B::Matrix>;
template <class B>
using MatmulInputGradientOn =
    MatmulInputGradient<typename B::value_type, typename B::memory_type, typename B::Matrix>;

/// What every backend runs of these.
template <class B>
using ProductOperations = OperationList<MatmulOn<B>>;

}  // namespace ops
}  // namespace coca
