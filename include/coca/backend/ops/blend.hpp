#pragma once
/// @file
/// Running averages.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// output = keep output + (1 - keep) input.
template <class T, class M>
struct Blend {
  static constexpr const char* name = "blend";
  In<T, M> input;
  float keep;
  InOut<T, M> output;  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("keep", self.keep...);
    visit("output", self.output...);
  }

  void check() const { expect_shape(output, input.shape(), "blend: output"); }
};

}  // namespace coca::ops
