#pragma once
/// @file
/// Updates of parameters: AdamW, stochastic gradient descent, Adafactor.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "coca/backend/cpu/columns.hpp"
#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// See AdamWStep; the numbers that all elements share.
struct AdamWUpdate {
  const float* gradient = nullptr;
  float factor = 1.0f;  ///< of the gradient
  float* weight = nullptr;
  float* first = nullptr;   ///< moment
  float* second = nullptr;  ///< moment
  float beta1 = 0, beta2 = 0, epsilon = 0;
  float rest1 = 0, rest2 = 0;  ///< 1 - beta
  float keep = 1.0f;           ///< 1 - learning rate * weight decay
  float rate = 0;              ///< learning rate / (1 - beta1^step)
  float root = 0;              ///< 1 / sqrt(1 - beta2^step)

  AdamWUpdate(const AdamWStep& step, float gradient_factor)
      : factor(gradient_factor),
        beta1(step.beta1),
        beta2(step.beta2),
        epsilon(step.epsilon),
        rest1(static_cast<float>(1.0 - double{step.beta1})),
        rest2(static_cast<float>(1.0 - double{step.beta2})),
        keep(static_cast<float>(1.0 - double{step.learning_rate} * double{step.weight_decay})) {
    const auto steps = static_cast<double>(step.step);
    rate = static_cast<float>(double{step.learning_rate} /
                              (1.0 - std::pow(double{step.beta1}, steps)));
    root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(double{step.beta2}, steps)));
  }

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F g, w, m, v;
    simd::load_up_to<S>(g, gradient + i, count);
    simd::load_up_to<S>(w, weight + i, count);
    simd::load_up_to<S>(m, first + i, count);
    simd::load_up_to<S>(v, second + i, count);
    g = g * factor;
    m = m * beta1 + g * rest1;
    v = v * beta2 + g * g * rest2;
    simd::store_up_to<S>(first + i, m, count);
    simd::store_up_to<S>(second + i, v, count);
    simd::sqrt_inplace<S>(v);
    w = w * keep - m * rate / (v * root + epsilon);
    simd::store_up_to<S>(weight + i, w, count);
  }
};

inline void run(const ops::AdamW<float, HostMemory>& op, const CpuContext& context) {
  AdamWUpdate update(op.step, op.factor.data()[0]);
  update.gradient = op.gradient.data();
  update.weight = op.weight.data();
  update.first = op.first_moment.data();
  update.second = op.second_moment.data();
  for_each_vector(update, op.weight.size(), context, 4);
}

/// See SgdStep.
struct SgdUpdate {
  const float* gradient = nullptr;
  float factor = 1.0f;  ///< of the gradient
  float* weight = nullptr;
  float* velocity = nullptr;  ///< or null without momentum
  SgdStep step{};

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F g, w, v;
    simd::load_up_to<S>(g, gradient + i, count);
    simd::load_up_to<S>(w, weight + i, count);
    g = g * factor + w * step.weight_decay;
    if (velocity != nullptr) {
      v = g;
      if (step.step != 1) {
        simd::load_up_to<S>(v, velocity + i, count);
        v = v * step.momentum + g;
      }
      simd::store_up_to<S>(velocity + i, v, count);
      if (step.nesterov)
        g = g + v * step.momentum;
      else
        g = v;
    }
    w = w - g * step.learning_rate;
    simd::store_up_to<S>(weight + i, w, count);
  }
};

inline void run(const ops::Sgd<float, HostMemory>& op, const CpuContext& context) {
  const SgdUpdate update{op.gradient.data(), op.factor.data()[0], op.weight.data(),
                         data_of(op.velocity), op.step};
  for_each_vector(update, op.weight.size(), context, 3);
}

/// Adafactor for one matrix, pass by pass.
class Adafactor {
 public:
  /// What the passes share; moments of a row or of columns as in AdafactorStep.
  struct Arrays {
    const float* gradient = nullptr;  ///< [rows, columns]
    float* weight = nullptr;          ///< [rows, columns]
    float* row_moment = nullptr;      ///< [rows]; not used if there is one row
    float* column_moment = nullptr;   ///< [columns]
    float* first_moment = nullptr;    ///< [rows, columns] or null
    std::size_t rows = 0, columns = 0;
  };

  Adafactor(const AdafactorStep& step, const Arrays& arrays, float factor,
            const CpuContext& context)
      : step_(step),
        a_(arrays),
        factor_(factor),
        context_(context),
        keep_(static_cast<float>(
            1.0 - std::pow(static_cast<double>(step.step), -double{step.decay_exponent}))) {}

  void run() {
    update_row_moments();
    update_column_moments();
    prepare_scales();
    const auto size = static_cast<double>(a_.rows * a_.columns);
    const double root_mean_square = std::sqrt(sum_of_squared_updates() / size);
    const double excess = root_mean_square / double{step_.clipping_threshold};
    clip_ = excess > 1.0 ? static_cast<float>(1.0 / excess) : 1.0f;
    apply();
  }

 private:
  struct RowScales;  // tags of scratch memory
  struct ColumnScales;
  struct Sums;

  // Sums (factor * gradient)².
  struct SquareStep {
    const float* gradient = nullptr;
    float factor = 1.0f;

    template <class S>
    [[gnu::always_inline]] inline void run(typename S::F& sum, std::size_t i,
                                           std::size_t count) const {
      typename S::F g;
      simd::load_up_to<S>(g, gradient + i, count);
      g = g * factor;
      sum += g * g;
    }
  };

  // output += (factor * gradient)² of one row.
  struct AddSquareStep {
    const float* gradient = nullptr;
    float* output = nullptr;
    float factor = 1.0f;

    template <class S>
    [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
      typename S::F g;
      simd::load_up_to<S>(g, gradient + i, count);
      g = g * factor;
      g = g * g;
      simd::write_up_to<S>(output + i, g, count, Write::add);
    }
  };

  // Sums the squares of one row of updates: gradient * scale of the column.
  struct UpdateStep {
    const float* gradient = nullptr;
    const float* scales = nullptr;
    float factor = 1.0f;

    template <class S>
    [[gnu::always_inline]] inline void run(typename S::F& sum, std::size_t i,
                                           std::size_t count) const {
      typename S::F g, scale;
      simd::load_up_to<S>(g, gradient + i, count);
      simd::load_up_to<S>(scale, scales + i, count);
      g = g * factor * scale;
      sum += g * g;
    }
  };

  // Updates one row of weights.
  struct ApplyStep {
    const float* gradient = nullptr;
    const float* scales = nullptr;
    float* weight = nullptr;
    float* first_moment = nullptr;
    float factor = 1.0f, beta1 = 0.0f, rest1 = 1.0f, keep = 1.0f, rate = 0.0f;

    template <class S>
    [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
      typename S::F g, x;
      simd::load_up_to<S>(g, gradient + i, count);
      simd::load_up_to<S>(x, scales + i, count);
      g = g * factor * x;
      if (first_moment != nullptr) {
        simd::load_up_to<S>(x, first_moment + i, count);
        g = x * beta1 + g * rest1;
        simd::store_up_to<S>(first_moment + i, g, count);
      }
      simd::load_up_to<S>(x, weight + i, count);
      x = x * keep - g * rate;
      simd::store_up_to<S>(weight + i, x, count);
    }
  };

  template <class Function>
  void for_rows(const Function& function) const {
    parallel_for(worthwhile_threads(context_.threads, a_.rows * a_.columns / 4), a_.rows,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t r = begin; r < end; ++r) function(r);
                 });
  }

  double sum_of_row(const SquareStep& step) const {
    double sum = 0;
    dispatch<SumKernel<SquareStep>>(context_.set, step, std::size_t{0}, a_.columns, &sum);
    return sum;
  }

  bool factored() const { return a_.rows > 1; }

  void blend(float& moment, double mean) const {
    moment = static_cast<float>(double{keep_} * double{moment} +
                                (1.0 - double{keep_}) * (mean + double{step_.epsilon}));
  }

  void update_row_moments() {
    if (!factored()) return;
    for_rows([&](std::size_t r) {
      const double sum = sum_of_row({a_.gradient + r * a_.columns, factor_});
      blend(a_.row_moment[r], sum / static_cast<double>(a_.columns));
    });
  }

  // Threads share the columns.
  void update_column_moments() {
    float* sums = scratch<Sums>().get<float>(a_.columns + 1);
    const std::size_t lines = (a_.columns + 15) / 16;
    const auto update = [&](std::size_t first, std::size_t last) {
      const std::size_t begin = first * 16, end = std::min(a_.columns, last * 16);
      std::fill(sums + begin, sums + end, 0.0f);
      for (std::size_t r = 0; r < a_.rows; ++r)
        dispatch<EachVectorKernel<AddSquareStep>>(
            context_.set, AddSquareStep{a_.gradient + r * a_.columns, sums, factor_}, begin, end);
      for (std::size_t c = begin; c < end; ++c)
        blend(a_.column_moment[c], double{sums[c]} / static_cast<double>(a_.rows));
    };
    parallel_for(worthwhile_threads(context_.threads, a_.rows * a_.columns / 4), lines, update);
  }

  // The second moment of an element is row moment * column moment / mean of the row moments.
  void prepare_scales() {
    double mean = 0;
    for (std::size_t r = 0; factored() && r < a_.rows; ++r) mean += double{a_.row_moment[r]};
    mean /= static_cast<double>(a_.rows);
    row_scales_ = scratch<RowScales>().get<float>(a_.rows + 1);
    column_scales_ = scratch<ColumnScales>().get<float>(a_.columns + 1);
    for (std::size_t r = 0; r < a_.rows; ++r)
      row_scales_[r] =
          factored() ? static_cast<float>(1.0 / std::sqrt(double{a_.row_moment[r]} / mean)) : 1.0f;
    for (std::size_t c = 0; c < a_.columns; ++c)
      column_scales_[c] = 1.0f / std::sqrt(a_.column_moment[c]);
  }

  double sum_of_squared_updates() const {
    double* sums = scratch<Adafactor>().get<double>(a_.rows + 1);
    for_rows([&](std::size_t r) {
      const UpdateStep step{a_.gradient + r * a_.columns, column_scales_, factor_ * row_scales_[r]};
      dispatch<SumKernel<UpdateStep>>(context_.set, step, std::size_t{0}, a_.columns, sums + r);
    });
    double sum = 0;
    for (std::size_t r = 0; r < a_.rows; ++r) sum += sums[r];
    return sum;
  }

  void apply() const {
    const auto keep =
        static_cast<float>(1.0 - double{step_.learning_rate} * double{step_.weight_decay});
    for_rows([&](std::size_t r) {
      const std::size_t row = r * a_.columns;
      const ApplyStep step{a_.gradient + row,
                           column_scales_,
                           a_.weight + row,
                           a_.first_moment == nullptr ? nullptr : a_.first_moment + row,
                           factor_ * row_scales_[r] * clip_,
                           step_.beta1,
                           1.0f - step_.beta1,
                           keep,
                           step_.learning_rate};
      dispatch<EachVectorKernel<ApplyStep>>(context_.set, step, std::size_t{0}, a_.columns);
    });
  }

  AdafactorStep step_;
  Arrays a_;
  float factor_;
  CpuContext context_;
  float keep_, clip_ = 1.0f;  // beta2; the factor that clips
  float *row_scales_ = nullptr, *column_scales_ = nullptr;
};

inline void run(const ops::Adafactor<float, HostMemory>& op, const CpuContext& context) {
  Adafactor::Arrays arrays;
  arrays.columns = op.column_moment.size();
  if (arrays.columns == 0) return;
  arrays.rows = op.gradient.size() / arrays.columns;
  if (arrays.rows == 0) return;
  arrays.gradient = op.gradient.data();
  arrays.weight = op.weight.data();
  arrays.row_moment = data_of(op.row_moment);
  arrays.column_moment = op.column_moment.data();
  arrays.first_moment = data_of(op.first_moment);
  Adafactor(op.step, arrays, op.factor.data()[0], context).run();
}

}  // namespace coca::detail
