#pragma once
/// @file
/// Arrays times a number.

#include "coca/backend/operands.hpp"

namespace coca::ops {

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

}  // namespace coca::ops
