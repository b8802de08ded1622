#pragma once
/// @file
/// Sums of squares.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// output += sum of input².
template <class T, class M>
struct SumOfSquares {
  static constexpr const char* name = "sum_of_squares";
  In<T, M> input;
  Add<T, M> output;  ///< [1]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  void check() const { expect_shape(output, {1}, "sum_of_squares: output"); }
};

}  // namespace coca::ops
