#pragma once
/// @file
/// Sums over rows: the gradient of a bias.

#include "coca/backend/operands.hpp"

namespace coca::ops {

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

}  // namespace coca::ops
