#pragma once
/// @file
/// Filling arrays with one number.

#include "coca/backend/operands.hpp"

namespace coca::ops {

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

}  // namespace coca::ops
