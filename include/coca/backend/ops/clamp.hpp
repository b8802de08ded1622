#pragma once
/// @file
/// Clamping to a range.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// values = min(max(values, low), high); NaN stays.
template <class T, class M>
struct Clamp {
  static constexpr const char* name = "clamp";
  InOut<T, M> values;
  float low;
  float high;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("values", self.values...);
    visit("low", self.low...);
    visit("high", self.high...);
  }

  void check() const {}
};

}  // namespace coca::ops
