#pragma once
/// @file
/// The optimizers of the reference backend.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "coca/backend/differentiable.hpp"

namespace coca {

/// Updates of parameters as plain loops; sums are kept in double.
template <class T>
class ReferenceOptimizers {
 public:
  using Array = Tensor<T>;

  /// output += sum input².
  void run(const ops::SumOfSquares<T, HostMemory>& op) const {
    double sum = 0;
    for (std::size_t i = 0; i < op.input.size(); ++i)
      sum += double{op.input.data()[i]} * double{op.input.data()[i]};
    op.output.data()[0] = static_cast<T>(op.output.data()[0] + sum);
  }

  /// factor = min(1, largest_norm / (sqrt(sum_of_squares) + 1e-6)), NaN if the sum is; 1 if
  /// largest_norm is 0.
  void run(const ops::ClipFactor<T, HostMemory>& op) const {
    const double ratio = op.largest_norm / (std::sqrt(double{op.sum_of_squares.data()[0]}) + 1e-6);
    op.factor.data()[0] = op.largest_norm == 0 || ratio > 1 ? T{1} : static_cast<T>(ratio);
  }

  /// With g = factor gradient and t the step:
  /// weight *= 1 - learning_rate weight_decay,
  /// first = beta1 first + (1 - beta1) g, second = beta2 second + (1 - beta2) g²,
  /// weight -= learning_rate / (1 - beta1^t) first / (sqrt(second) / sqrt(1 - beta2^t) + epsilon).
  void run(const ops::AdamW<T, HostMemory>& op) const {
    const double beta1 = op.step.beta1, beta2 = op.step.beta2,
                 t = static_cast<double>(op.step.step);
    const double rate = op.step.learning_rate / (1.0 - std::pow(beta1, t));
    const double correction = std::sqrt(1.0 - std::pow(beta2, t));
    for (std::size_t i = 0; i < op.weight.size(); ++i) {
      const double g = double{op.factor.data()[0]} * double{op.gradient.data()[i]};
      const double first = beta1 * op.first_moment.data()[i] + (1.0 - beta1) * g;
      const double second = beta2 * op.second_moment.data()[i] + (1.0 - beta2) * g * g;
      const double decayed = op.weight.data()[i] *
                             (1.0 - double{op.step.learning_rate} * double{op.step.weight_decay});
      op.weight.data()[i] = static_cast<T>(
          decayed - rate * first / (std::sqrt(second) / correction + double{op.step.epsilon}));
      op.first_moment.data()[i] = static_cast<T>(first);
      op.second_moment.data()[i] = static_cast<T>(second);
    }
  }

  /// With g = factor gradient + weight_decay weight: velocity = momentum velocity + g (g in the
  /// first step), weight -= learning_rate velocity or, with Nesterov's momentum,
  /// learning_rate (g + momentum velocity).
  void run(const ops::Sgd<T, HostMemory>& op) const {
    const double momentum = op.step.momentum;
    for (std::size_t i = 0; i < op.weight.size(); ++i) {
      const double g = double{op.factor.data()[0]} * double{op.gradient.data()[i]} +
                       double{op.step.weight_decay} * double{op.weight.data()[i]};
      const double moved = op.step.step == 1 ? g : momentum * op.velocity.data()[i] + g;
      const double update = op.step.nesterov ? g + momentum * moved : moved;
      op.weight.data()[i] =
          static_cast<T>(op.weight.data()[i] - double{op.step.learning_rate} * update);
      op.velocity.data()[i] = static_cast<T>(moved);
    }
  }

  /// With g = factor gradient, t the step and beta2 = 1 - t^-decay_exponent:
  /// row = beta2 row + (1 - beta2) mean over columns of (g² + epsilon), column likewise over rows,
  /// update = g / sqrt(row column / mean(row)), of one row g / sqrt(column),
  /// update /= max(1, rms(update) / clipping_threshold),
  /// first = beta1 first + (1 - beta1) update, which takes the update's place where it is kept,
  /// weight *= 1 - learning_rate weight_decay, weight -= learning_rate update.
  void run(const ops::Adafactor<T, HostMemory>& op) const {
    const std::size_t columns = op.column_moment.size(), rows = op.weight.size() / columns;
    std::vector<double> update(op.weight.size());
    for (std::size_t i = 0; i < update.size(); ++i)
      update[i] = double{op.factor.data()[0]} * double{op.gradient.data()[i]};
    update_moments(op.step, update, rows, op.row_moment, op.column_moment);
    double mean = 0;
    for (std::size_t r = 0; r < rows && rows > 1; ++r)
      mean += op.row_moment.data()[r] / static_cast<double>(rows);
    double squares = 0;
    for (std::size_t i = 0; i < update.size(); ++i) {
      const double column = op.column_moment.data()[i % columns];
      update[i] /= std::sqrt(rows > 1 ? op.row_moment.data()[i / columns] * column / mean : column);
      squares += update[i] * update[i];
    }
    const double rms = std::sqrt(squares / static_cast<double>(update.size()));
    const double divisor = std::max(1.0, rms / op.step.clipping_threshold);
    for (std::size_t i = 0; i < update.size(); ++i)
      apply(op.step, update[i] / divisor, i, op.weight, op.first_moment);
  }

  /// values = min(max(values, low), high).
  void run(const ops::Clamp<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.values.size(); ++i)
      op.values.data()[i] =
          std::clamp(op.values.data()[i], static_cast<T>(op.low), static_cast<T>(op.high));
  }

  /// output = keep output + (1 - keep) input.
  void run(const ops::Blend<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.output.size(); ++i)
      op.output.data()[i] = static_cast<T>(double{op.keep} * double{op.output.data()[i]} +
                                           (1.0 - double{op.keep}) * double{op.input.data()[i]});
  }

 private:
  static void update_moments(const AdafactorStep& step, const std::vector<double>& gradient,
                             std::size_t rows, const Array& row_moment,
                             const Array& column_moment) {
    const std::size_t columns = column_moment.size();
    const double beta2 =
        1.0 - std::pow(static_cast<double>(step.step), -double{step.decay_exponent});
    std::vector<double> row_means(rows), column_means(columns);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      const double square = gradient[i] * gradient[i] + double{step.epsilon};
      row_means[i / columns] += square / static_cast<double>(columns);
      column_means[i % columns] += square / static_cast<double>(rows);
    }
    const auto blend = [&](const std::vector<double>& means, const Array& moment) {
      for (std::size_t i = 0; i < means.size(); ++i)
        moment.data()[i] = static_cast<T>(beta2 * moment.data()[i] + (1.0 - beta2) * means[i]);
    };
    blend(column_means, column_moment);
    if (rows > 1) blend(row_means, row_moment);
  }

  static void apply(const AdafactorStep& step, double update, std::size_t i, const Array& weight,
                    const Array& first_moment) {
    if (first_moment) {
      const double beta1 = step.beta1;
      update = beta1 * first_moment.data()[i] + (1.0 - beta1) * update;
      first_moment.data()[i] = static_cast<T>(update);
    }
    const double decay = 1.0 - double{step.learning_rate} * double{step.weight_decay};
    weight.data()[i] =
        static_cast<T>(weight.data()[i] * decay - double{step.learning_rate} * update);
  }
};

}  // namespace coca
