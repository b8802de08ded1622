#pragma once
/// @file
/// Products of arrays, element by element.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// left gradient = output gradient right; right gradient = output gradient left.
template <class T, class M>
struct ProductGradient {
  static constexpr const char* name = "product_gradient";
  In<T, M> left;
  In<T, M> right;               ///< as left
  In<T, M> output_gradient;     ///< as left
  Update<T, M> left_gradient;   ///< as left; nothing: not computed
  Update<T, M> right_gradient;  ///< as left; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("left", self.left...);
    visit("right", self.right...);
    visit("output_gradient", self.output_gradient...);
    visit("left_gradient", self.left_gradient...);
    visit("right_gradient", self.right_gradient...);
  }

  void check() const {
    expect_shape(right, left.shape(), "product_gradient: right");
    expect_shape(output_gradient, left.shape(), "product_gradient: output gradient");
    if (left_gradient) expect_shape(left_gradient, left.shape(), "product_gradient: left gradient");
    if (right_gradient)
      expect_shape(right_gradient, left.shape(), "product_gradient: right gradient");
  }
};

/// output = left * right.
template <class T, class M>
struct Product {
  static constexpr const char* name = "product";
  In<T, M> left;
  In<T, M> right;      ///< as left
  Out<T, M> output{};  ///< as left

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("left", self.left...);
    visit("right", self.right...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return left.shape(); }

  void check() const { expect_shape(right, left.shape(), "product: right"); }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(ProductGradient<T, M>{.left = left,
                                .right = right,
                                .output_gradient = g.of(output),
                                .left_gradient = g.update(left),
                                .right_gradient = g.update(right)});
  }
};

}  // namespace coca::ops
