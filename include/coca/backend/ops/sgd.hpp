#pragma once
/// @file
/// Stochastic gradient descent.

#include <cstdint>

#include "coca/backend/operands.hpp"

namespace coca {

/// One step of stochastic gradient descent, as torch.optim.SGD: velocity = momentum * velocity +
/// gradient + weight_decay * weight (the first step sets it), weight -= learning_rate * velocity.
struct SgdStep {
  float learning_rate = 1e-2f;
  float momentum = 0.9f;
  float weight_decay = 0.0f;
  bool nesterov = false;
  std::uint64_t step = 1;
};

namespace ops {

/// With g = factor gradient + weight_decay weight: velocity = momentum velocity + g (g in the first
/// step), weight -= learning_rate velocity or, with Nesterov's momentum, learning_rate (g +
/// momentum velocity).
template <class T, class M>
struct Sgd {
  static constexpr const char* name = "sgd";
  SgdStep step;
  In<T, M> gradient;  ///< as weight
  In<T, M> factor;    ///< [1], of the gradient
  InOut<T, M> weight;
  InOut<T, M> velocity;  ///< as weight

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("step", self.step...);
    visit("gradient", self.gradient...);
    visit("factor", self.factor...);
    visit("weight", self.weight...);
    visit("velocity", self.velocity...);
  }

  void check() const {
    expect_shape(gradient, weight.shape(), "sgd: gradient");
    expect_shape(factor, {1}, "sgd: factor");
    expect_shape(velocity, weight.shape(), "sgd: velocity");
  }
};

}  // namespace ops
}  // namespace coca
