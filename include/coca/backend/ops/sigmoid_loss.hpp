#pragma once
/// @file
/// SigLIP's loss.

#include <cstddef>

#include "coca/backend/operands.hpp"

namespace coca {

/// What SigLIP's loss (arXiv 2303.15343) computes: row r belongs to column first_positive + r.
struct SigmoidLoss {
  std::size_t first_positive = 0;
  float weight = 1.0f;  ///< factor of the loss and of its gradient
};

namespace ops {

/// With y = z (logits + bias), z = 1 for pairs and -1 for others: loss += weight * sum of log(1 +
/// e^-y), logits = d = -weight z / (1 + e^y), bias gradient += sum of d.
template <class T, class M>
struct SigmoidLoss {
  static constexpr const char* name = "sigmoid_loss";
  InOut<T, M> logits;  ///< [rows, columns], turned into their gradient
  In<T, M> bias;       ///< [1]
  coca::SigmoidLoss options;
  Add<T, M> loss;           ///< [1]
  Add<T, M> bias_gradient;  ///< [1]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("logits", self.logits...);
    visit("bias", self.bias...);
    visit("options", self.options...);
    visit("loss", self.loss...);
    visit("bias_gradient", self.bias_gradient...);
  }

  void check() const { expect_shape(loss, {1}, "sigmoid_loss: loss"); }
};

}  // namespace ops
}  // namespace coca
