#pragma once
/// @file
/// Updates of parameters, and what comes before and after them.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// One step of AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW.
struct AdamWStep {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f, beta2 = 0.98f, epsilon = 1e-6f;
  float weight_decay = 0.0f;
  std::uint64_t step = 1;  ///< counted from 1
};

/// One step of stochastic gradient descent, as torch.optim.SGD: velocity = momentum * velocity +
/// gradient + weight_decay * weight (the first step sets it), weight -= learning_rate * velocity.
struct SgdStep {
  float learning_rate = 1e-2f;
  float momentum = 0.9f;
  float weight_decay = 0.0f;
  bool nesterov = false;
  std::uint64_t step = 1;
};

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

/// What the updates of all optimizers expect of the gradient and of its factor.
/// @throws ShapeError unless they fit the weight.
template <class Operation>
void expect_update(const Operation& update) {
  const std::string name = Operation::name;
  expect_shape(update.gradient, update.weight.shape(), (name + ": gradient").c_str());
  expect_shape(update.factor, {1}, (name + ": factor").c_str());
}

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
    expect_update(*this);
    expect_shape(first_moment, weight.shape(), "adamw: first moment");
    expect_shape(second_moment, weight.shape(), "adamw: second moment");
  }
};

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
    expect_update(*this);
    expect_shape(velocity, weight.shape(), "sgd: velocity");
  }
};

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
    expect_update(*this);
    if (first_moment) expect_shape(first_moment, weight.shape(), "adafactor: first moment");
    const std::size_t columns = column_moment.size(), rows = row_moment.size();
    const bool whole = columns == weight.size();  // one row, whose moment is not used
    if (!whole && columns * rows != weight.size())
      throw ShapeError("adafactor: moments of " + to_string(row_moment.shape()) + " rows and " +
                       to_string(column_moment.shape()) + " columns do not fit a weight of " +
                       to_string(weight.shape()));
  }
};

/// output += sum of input².
template <class T, class M>
struct SumOfSquares {
  static constexpr const char* name = "sum_of_squares";
  In<T, M> input;
  Add<T, M> output;  ///< [1]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  void check() const { expect_shape(output, {1}, "sum_of_squares: output"); }
};

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

  void check() const {
    expect_shape(sum_of_squares, {1}, "clip_factor: sum of squares");
    expect_shape(factor, {1}, "clip_factor: factor");
  }
};

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

/// What a backend that trains runs of these.
template <class B>
using OptimizerOperations = OperationList<On<B, SumOfSquares>, On<B, ClipFactor>, On<B, AdamW>,
                                          On<B, Sgd>, On<B, Adafactor>, On<B, Clamp>, On<B, Blend>>;

}  // namespace ops
}  // namespace coca
