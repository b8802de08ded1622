#pragma once
/// @file
/// Arrays added to others.

#include "coca/backend/operands.hpp"

namespace coca::ops {

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

}  // namespace coca::ops
