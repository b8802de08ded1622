#pragma once
/// @file
/// Adafactor.

#include <cstdint>

#include "coca/backend/operands.hpp"

namespace coca {

/// One step of Adafactor (Shazeer and Stern 2018) for a tensor seen as a matrix [rows, columns],
/// with the second moment kept as row and column means; a tensor of one row keeps it whole, in
/// `column_moment`. No first moment, as in the CoCa paper, unless beta1 > 0.
struct AdafactorStep {
  float learning_rate = 1e-3f;
  float beta1 = 0.0f;               ///< of the first moment; 0: none is kept
  float decay_exponent = 0.8f;      ///< beta2 of step t is 1 - t^-decay_exponent
  float epsilon = 1e-30f;           ///< added to squared gradients
  float clipping_threshold = 1.0f;  ///< of the root mean square of an update
  float weight_decay = 0.0f;        ///< decoupled: weight -= learning_rate * weight_decay * weight
  std::uint64_t step = 1;
};

namespace ops {

/// With g = factor gradient, t the step and beta2 = 1 - t^-decay_exponent:
/// row = beta2 row + (1 - beta2) mean over columns of (g² + epsilon), column likewise over rows,
/// update = g / sqrt(row column / mean(row)), of one row g / sqrt(column),
/// update /= max(1, rms(update) / clipping_threshold),
/// first = beta1 first + (1 - beta1) update, which takes the update's place if it is kept,
/// weight *= 1 - learning_rate weight_decay, weight -= learning_rate update.
template <class T, class M>
struct Adafactor {
  static constexpr const char* name = "adafactor";
  AdafactorStep step;
  In<T, M> gradient;          ///< [rows, columns]
  In<T, M> factor;            ///< [1], of the gradient
  InOut<T, M> weight;         ///< as gradient
  InOut<T, M> row_moment;     ///< [rows]; not used if there is one row
  InOut<T, M> column_moment;  ///< [columns]
  InOut<T, M> first_moment;   ///< as gradient, or nothing

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("step", self.step...);
    visit("gradient", self.gradient...);
    visit("factor", self.factor...);
    visit("weight", self.weight...);
    visit("row_moment", self.row_moment...);
    visit("column_moment", self.column_moment...);
    visit("first_moment", self.first_moment...);
  }

  void check() const {
    expect_shape(gradient, weight.shape(), "adafactor: gradient");
    expect_shape(factor, {1}, "adafactor: factor");
    if (first_moment) expect_shape(first_moment, weight.shape(), "adafactor: first moment");
  }
};

}  // namespace ops
}  // namespace coca
