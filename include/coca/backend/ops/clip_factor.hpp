#pragma once
/// @file
/// The factor that clips gradients.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// factor = min(1, largest_norm / (sqrt(sum_of_squares) + 1e-6)), as
/// torch.nn.utils.clip_grad_norm_; NaN if the sum is; 1 if largest_norm is 0.
template <class T, class M>
struct ClipFactor {
  static constexpr const char* name = "clip_factor";
  In<T, M> sum_of_squares;  ///< [1]
  float largest_norm;
  Out<T, M> factor;  ///< [1]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("sum_of_squares", self.sum_of_squares...);
    visit("largest_norm", self.largest_norm...);
    visit("factor", self.factor...);
  }

  void check() const { expect_shape(factor, {1}, "clip_factor: factor"); }
};

}  // namespace coca::ops
