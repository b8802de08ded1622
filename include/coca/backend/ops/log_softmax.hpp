#pragma once
/// @file
/// Logarithms of probabilities.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// x - log(sum of exp(x)), row by row.
template <class T, class M>
struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  InOut<T, M> scores;  ///< [..., width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("scores", self.scores...);
  }

  void check() const {}
};

}  // namespace coca::ops
