#pragma once
/// @file
/// AdamW.

#include <cstdint>

#include "coca/backend/operands.hpp"

namespace coca {

/// One step of AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW.
struct AdamWStep {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f, beta2 = 0.98f, epsilon = 1e-6f;
  float weight_decay = 0.0f;
  std::uint64_t step = 1;  ///< counted from 1
};

namespace ops {

/// With g = factor gradient and t the step: weight *= 1 - learning_rate weight_decay,
/// first = beta1 first + (1 - beta1) g, second = beta2 second + (1 - beta2) g²,
/// weight -= learning_rate / (1 - beta1^t) first / (sqrt(second) / sqrt(1 - beta2^t) + epsilon).
template <class T, class M>
struct AdamW {
  static constexpr const char* name = "adamw";
  AdamWStep step;
  In<T, M> gradient;  ///< as weight
  In<T, M> factor;    ///< [1], of the gradient
  InOut<T, M> weight;
  InOut<T, M> first_moment;   ///< as weight
  InOut<T, M> second_moment;  ///< as weight

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("step", self.step...);
    visit("gradient", self.gradient...);
    visit("factor", self.factor...);
    visit("weight", self.weight...);
    visit("first_moment", self.first_moment...);
    visit("second_moment", self.second_moment...);
  }

  void check() const {
    expect_shape(gradient, weight.shape(), "adamw: gradient");
    expect_shape(factor, {1}, "adamw: factor");
    expect_shape(first_moment, weight.shape(), "adamw: first moment");
    expect_shape(second_moment, weight.shape(), "adamw: second moment");
  }
};

}  // namespace ops
}  // namespace coca
