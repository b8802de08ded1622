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
  void sum_of_squares(const Array& input, const Array& output) const {
    double sum = 0;
    for (std::size_t i = 0; i < input.size(); ++i)
      sum += double{input.data()[i]} * double{input.data()[i]};
    output.data()[0] = static_cast<T>(output.data()[0] + sum);
  }

  /// factor = min(1, largest_norm / (sqrt(sum_of_squares) + 1e-6)), NaN where the sum is; 1 where
  /// largest_norm is 0.
  void clip_factor(const Array& sum_of_squares, float largest_norm, const Array& factor) const {
    const double ratio = largest_norm / (std::sqrt(double{sum_of_squares.data()[0]}) + 1e-6);
    factor.data()[0] = largest_norm == 0 || ratio > 1 ? T{1} : static_cast<T>(ratio);
  }

  /// With g = factor gradient and t the step:
  /// weight *= 1 - learning_rate weight_decay,
  /// first = beta1 first + (1 - beta1) g, second = beta2 second + (1 - beta2) g²,
  /// weight -= learning_rate / (1 - beta1^t) first / (sqrt(second) / sqrt(1 - beta2^t) + epsilon).
  void adamw_inplace(const AdamWStep& step, const Array& gradient, const Array& factor,
                     const Array& weight, const Array& first_moment,
                     const Array& second_moment) const {
    const double beta1 = step.beta1, beta2 = step.beta2, t = static_cast<double>(step.step);
    const double rate = step.learning_rate / (1.0 - std::pow(beta1, t));
    const double correction = std::sqrt(1.0 - std::pow(beta2, t));
    for (std::size_t i = 0; i < weight.size(); ++i) {
      const double g = double{factor.data()[0]} * double{gradient.data()[i]};
      const double first = beta1 * first_moment.data()[i] + (1.0 - beta1) * g;
      const double second = beta2 * second_moment.data()[i] + (1.0 - beta2) * g * g;
      const double decayed =
          weight.data()[i] * (1.0 - double{step.learning_rate} * double{step.weight_decay});
      weight.data()[i] = static_cast<T>(
          decayed - rate * first / (std::sqrt(second) / correction + double{step.epsilon}));
      first_moment.data()[i] = static_cast<T>(first);
      second_moment.data()[i] = static_cast<T>(second);
    }
  }

  /// With g = factor gradient + weight_decay weight: velocity = momentum velocity + g (g in the
  /// first step), weight -= learning_rate velocity or, with Nesterov's momentum,
  /// learning_rate (g + momentum velocity).
  void sgd_inplace(const SgdStep& step, const Array& gradient, const Array& factor,
                   const Array& weight, const Array& velocity) const {
    const double momentum = step.momentum;
    for (std::size_t i = 0; i < weight.size(); ++i) {
      const double g = double{factor.data()[0]} * double{gradient.data()[i]} +
                       double{step.weight_decay} * double{weight.data()[i]};
      const double moved = step.step == 1 ? g : momentum * velocity.data()[i] + g;
      const double update = step.nesterov ? g + momentum * moved : moved;
      weight.data()[i] = static_cast<T>(weight.data()[i] - double{step.learning_rate} * update);
      velocity.data()[i] = static_cast<T>(moved);
    }
  }

  /// With g = factor gradient, t the step and beta2 = 1 - t^-decay_exponent:
  /// row = beta2 row + (1 - beta2) mean over columns of (g² + epsilon), column likewise over rows,
  /// update = g / sqrt(row column / mean(row)), of one row g / sqrt(column),
  /// update /= max(1, rms(update) / clipping_threshold),
  /// first = beta1 first + (1 - beta1) update, which takes the update's place where it is kept,
  /// weight *= 1 - learning_rate weight_decay, weight -= learning_rate update.
  void adafactor_inplace(const AdafactorStep& step, const Array& gradient, const Array& factor,
                         const Array& weight, const Array& row_moment, const Array& column_moment,
                         const Array& first_moment) const {
    const std::size_t columns = column_moment.size(), rows = weight.size() / columns;
    std::vector<double> update(weight.size());
    for (std::size_t i = 0; i < update.size(); ++i)
      update[i] = double{factor.data()[0]} * double{gradient.data()[i]};
    update_moments(step, update, rows, row_moment, column_moment);
    double mean = 0;
    for (std::size_t r = 0; r < rows && rows > 1; ++r)
      mean += row_moment.data()[r] / static_cast<double>(rows);
    double squares = 0;
    for (std::size_t i = 0; i < update.size(); ++i) {
      const double column = column_moment.data()[i % columns];
      update[i] /= std::sqrt(rows > 1 ? row_moment.data()[i / columns] * column / mean : column);
      squares += update[i] * update[i];
    }
    const double rms = std::sqrt(squares / static_cast<double>(update.size()));
    const double divisor = std::max(1.0, rms / step.clipping_threshold);
    for (std::size_t i = 0; i < update.size(); ++i)
      apply(step, update[i] / divisor, i, weight, first_moment);
  }

  /// values = min(max(values, low), high).
  void clamp_inplace(const Array& values, float low, float high) const {
    for (std::size_t i = 0; i < values.size(); ++i)
      values.data()[i] = std::clamp(values.data()[i], static_cast<T>(low), static_cast<T>(high));
  }

  /// output = keep output + (1 - keep) input.
  void blend_inplace(const Array& input, float keep, const Array& output) const {
    for (std::size_t i = 0; i < output.size(); ++i)
      output.data()[i] = static_cast<T>(double{keep} * double{output.data()[i]} +
                                        (1.0 - double{keep}) * double{input.data()[i]});
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
