#pragma once
/// @file
/// Sums of arrays.

#include "coca/backend/operands.hpp"
#include "coca/backend/ops/accumulate.hpp"

namespace coca::ops {

/// output = left + right.
template <class T, class M>
struct Sum {
  static constexpr const char* name = "sum";
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

  void check() const { expect_shape(right, left.shape(), "sum: right"); }

  template <class Gradients>
  void backward(Gradients& g) const {
    const auto gradient = g.of(output);
    if (g.follows(left)) g.run(Accumulate<T, M>{gradient, g.add(left)});
    g.give(right, gradient);
  }
};

}  // namespace coca::ops
