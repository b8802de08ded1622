#pragma once
/// @file
/// Copies.

#include "coca/backend/operands.hpp"

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
};

}  // namespace coca::ops
