#pragma once
/// @file
/// Losses: each turns logits into their gradient and adds its value to a sum.
///
/// Rows are shared by threads; their losses are kept and added up in order, in double.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/vectors.hpp"
#include "coca/backend/cpu/vocabulary.hpp"

namespace coca::detail {

/// One row of logits and its target.
struct LossRow {
  float* logits = nullptr;  ///< become their gradient
  std::size_t width = 0;
  const float* targets = nullptr;  ///< [width] probabilities, or null
  std::size_t label = 0;           ///< if there are no targets
  float smoothing = 0.0f;          ///< of the label
  float weight = 1.0f;
  double* loss = nullptr;  ///< written, without weight
};

/// Cross-entropy with a label: gradient weight * (softmax - target).
struct LabelLossKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const LossRow& a) {
    const float best = LogSoftmaxKernel::largest<S>(a.logits, a.width);
    const double total = LogSoftmaxKernel::sum_of_exp<S>(a.logits, a.width, best);
    const double level = std::log(total);
    const double rest = double{a.smoothing} / static_cast<double>(a.width);
    const double at_label = level - (double{a.logits[a.label]} - double{best});
    *a.loss = (1.0 - double{a.smoothing}) * at_label;
    if (a.smoothing != 0.0f) {
      const double mean = sum<S>(a, best) / static_cast<double>(a.width);
      *a.loss += double{a.smoothing} * (level - mean);
    }
    write<S>(a, best, total, rest);
    const double label_part = double{a.weight} * (1.0 - double{a.smoothing});
    a.logits[a.label] = static_cast<float>(double{a.logits[a.label]} - label_part);
  }

 private:
  /// The sum of logit - best.
  template <class S>
  [[gnu::always_inline]] static inline double sum(const LossRow& a, float best) {
    constexpr std::size_t stretch = 32 * S::width;
    double sum = 0;
    for (std::size_t first = 0; first < a.width; first += stretch) {
      typename S::F part, x;
      simd::fill<S>(part, 0.0f);
      const std::size_t last = std::min(first + stretch, a.width);
      for (std::size_t i = first; i < last; i += S::width) {
        const std::size_t count = std::min(S::width, last - i);
        if (count == S::width)
          simd::load<S>(x, a.logits + i);
        else
          simd::load_some<S>(x, a.logits + i, count, best);
        part += x - best;
      }
      sum += double{simd::sum<S>(part)};
    }
    return sum;
  }

  template <class S>
  [[gnu::always_inline]] static inline void write(const LossRow& a, float best, double total,
                                                  double rest) {
    const auto factor = static_cast<float>(double{a.weight} / total);
    const auto less = static_cast<float>(double{a.weight} * rest);
    typename S::F x;
    for (std::size_t i = 0; i < a.width; i += S::width) {
      const std::size_t count = std::min(S::width, a.width - i);
      simd::load_up_to<S>(x, a.logits + i, count);
      x = x - best;
      simd::exp_inplace<S>(x);
      x = x * factor - less;
      simd::store_up_to<S>(a.logits + i, x, count);
    }
  }
};

/// Cross-entropy with probabilities: the sum of target * (log of the sum of e^logit - logit).
struct TargetsLossKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const LossRow& a) {
    const float best = LogSoftmaxKernel::largest<S>(a.logits, a.width);
    const double total = LogSoftmaxKernel::sum_of_exp<S>(a.logits, a.width, best);
    double mass = 0, product = 0;
    for (std::size_t first = 0; first < a.width; first += stretch<S>)
      sum<S>(a, best, first, mass, product);
    *a.loss = mass * std::log(total) - product;
    const auto factor = static_cast<float>(double{a.weight} * mass / total);
    typename S::F x, target;
    for (std::size_t i = 0; i < a.width; i += S::width) {
      const std::size_t count = std::min(S::width, a.width - i);
      simd::load_up_to<S>(x, a.logits + i, count);
      simd::load_up_to<S>(target, a.targets + i, count);
      x = x - best;
      simd::exp_inplace<S>(x);
      x = x * factor - target * a.weight;
      simd::store_up_to<S>(a.logits + i, x, count);
    }
  }

 private:
  template <class S>
  static constexpr std::size_t stretch = 32 * S::width;

  // Targets of 0 are ignored, even if the logit is minus infinity.
  template <class S>
  [[gnu::always_inline]] static inline void sum(const LossRow& a, float best, std::size_t first,
                                                double& mass, double& product) {
    typename S::F x, target, targets, products;
    const typename S::F zero{};
    simd::fill<S>(targets, 0.0f);
    products = targets;
    const std::size_t last = std::min(first + stretch<S>, a.width);
    for (std::size_t i = first; i < last; i += S::width) {
      const std::size_t count = std::min(S::width, last - i);
      simd::load_up_to<S>(x, a.logits + i, count);
      simd::load_up_to<S>(target, a.targets + i, count);
      x = (x - best) * target;
      products += target == zero ? zero : x;
      targets += target;
    }
    mass += double{simd::sum<S>(targets)};
    product += double{simd::sum<S>(products)};
  }
};

/// Adds weight * the sum of the rows' losses to `loss`; row(r, &loss) computes one.
template <class Row>
void add_row_losses(std::size_t rows, std::size_t width, float weight, const Tensor<float>& loss,
                    const CpuContext& context, const Row& row) {
  double* losses = scratch<LossRow>().get<double>(rows + 1);
  parallel_for(worthwhile_threads(context.threads, 2 * rows * width), rows,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r) row(r, losses + r);
               });
  double sum = 0;
  for (std::size_t r = 0; r < rows; ++r) sum += losses[r];
  loss.data()[0] += static_cast<float>(double{weight} * sum);
}

inline void run(const ops::CrossEntropy<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.logits.shape().back();
  const auto row_loss = [&](std::size_t r, double* result) {
    float* row = op.logits.data() + r * width;
    const std::int32_t label = op.labels.data()[r];
    if (label == op.options.ignored_label) {
      *result = 0;
      std::fill_n(row, width, 0.0f);
      return;
    }
    const LossRow arguments{row,
                            width,
                            nullptr,
                            static_cast<std::size_t>(label),
                            op.options.label_smoothing,
                            op.options.weight,
                            result};
    dispatch<LabelLossKernel>(context.set, arguments);
  };
  add_row_losses(op.labels.size(), width, op.options.weight, op.loss, context, row_loss);
}

inline void run(const ops::SoftCrossEntropy<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.logits.shape().back();
  if (width == 0) return;
  const auto row_loss = [&](std::size_t r, double* result) {
    const LossRow arguments{op.logits.data() + r * width,
                            width,
                            op.targets.data() + r * width,
                            0,
                            0.0f,
                            op.weight,
                            result};
    dispatch<TargetsLossKernel>(context.set, arguments);
  };
  add_row_losses(op.logits.size() / width, width, op.weight, op.loss, context, row_loss);
}

/// One row of binary cross-entropy. Turns logits into their gradient.
inline void binary_row(float* logits, const float* targets, std::size_t width, float weight,
                       double& loss) {
  loss = 0;
  for (std::size_t c = 0; c < width; ++c) {
    const float x = logits[c], e = std::exp(-std::abs(x));
    loss += double{std::log1p(e)} + double{x < 0 ? 0.0f : x} - double{x} * double{targets[c]};
    logits[c] = weight * ((x < 0 ? e : 1.0f) / (1.0f + e) - targets[c]);
  }
}

inline void run(const ops::BinaryCrossEntropy<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.logits.shape().back();
  if (width == 0) return;
  add_row_losses(op.logits.size() / width, 8 * width, op.weight, op.loss, context,
                 [&](std::size_t r, double* result) {
                   binary_row(op.logits.data() + r * width, op.targets.data() + r * width, width,
                              op.weight, *result);
                 });
}

/// One row of SigLIP's loss, sum of log(1 + e^(-z u)), where u = logit + bias and z is 1 at `pair`
/// and -1 elsewhere. Turns logits into their gradient and returns its sum without the weight.
inline double sigmoid_row(float* logits, std::size_t width, std::size_t pair, float bias,
                          float weight, double& loss) {
  double sum = 0;
  loss = 0;
  for (std::size_t c = 0; c < width; ++c) {
    const float z = c == pair ? 1.0f : -1.0f;
    const float against = -z * (logits[c] + bias);
    const float e = std::exp(-std::abs(against));
    loss += double{std::log1p(e) + (against < 0 ? 0.0f : against)};
    const float gradient = -z * (against < 0 ? e : 1.0f) / (1.0f + e);
    sum += double{gradient};
    logits[c] = weight * gradient;
  }
  return sum;
}

inline void run(const ops::SigmoidLoss<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.logits.shape().back();
  if (width == 0) return;
  const std::size_t rows = op.logits.size() / width;
  const float shift = op.bias ? op.bias.data()[0] : 0.0f;
  double* sums = scratch<SigmoidLoss>().get<double>(rows + 1);
  add_row_losses(
      rows, 8 * width, op.options.weight, op.loss, context, [&](std::size_t r, double* result) {
        sums[r] = sigmoid_row(op.logits.data() + r * width, width, op.options.first_positive + r,
                              shift, op.options.weight, *result);
      });
  if (!op.bias_gradient) return;
  double sum = 0;
  for (std::size_t r = 0; r < rows; ++r) sum += sums[r];
  op.bias_gradient.data()[0] += static_cast<float>(double{op.options.weight} * sum);
}

}  // namespace coca::detail
