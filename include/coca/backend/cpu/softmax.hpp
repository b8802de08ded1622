#pragma once
/// @file
/// Softmax of rows, and its gradient.

#include <cstddef>

#include "coca/backend/cpu/vectors.hpp"
#include "coca/backend/cpu/vocabulary.hpp"

namespace coca::detail {

/// y = e^(x - largest) / sum.
struct SoftmaxKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const float* x, float* y, std::size_t width) {
    const float best = LogSoftmaxKernel::largest<S>(x, width);
    const auto share = static_cast<float>(1.0 / LogSoftmaxKernel::sum_of_exp<S>(x, width, best));
    for (std::size_t i = 0; i < width; i += S::width) {
      const std::size_t count = i + S::width <= width ? S::width : width - i;
      typename S::F value;
      simd::load_up_to<S>(value, x + i, count);
      value = value - best;
      simd::exp_inplace<S>(value);
      value = value * share;
      simd::store_up_to<S>(y + i, value, count);
    }
  }
};

inline void run(const ops::Softmax<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.input.shape().back();
  if (width == 0) return;
  parallel_for(worthwhile_threads(context.threads, op.input.size()), op.input.size() / width,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r)
                   dispatch<SoftmaxKernel>(context.set, op.input.data() + r * width,
                                           op.output.data() + r * width, width);
               });
}

/// y (g - sum of y g), assigned or added.
struct SoftmaxGradientKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const float* y, const float* gradient, float* out,
                                                std::size_t width, Write write) {
    typename S::F sum{}, value, other;
    for (std::size_t i = 0; i < width; i += S::width) {
      const std::size_t count = i + S::width <= width ? S::width : width - i;
      simd::load_up_to<S>(value, y + i, count);
      simd::load_up_to<S>(other, gradient + i, count);
      sum += value * other;
    }
    const float mean = simd::sum<S>(sum);
    for (std::size_t i = 0; i < width; i += S::width) {
      const std::size_t count = i + S::width <= width ? S::width : width - i;
      simd::load_up_to<S>(value, y + i, count);
      simd::load_up_to<S>(other, gradient + i, count);
      value = value * (other - mean);
      simd::write_up_to<S>(out + i, value, count, write);
    }
  }
};

inline void run(const ops::SoftmaxGradient<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.output.shape().back();
  if (width == 0 || !op.input_gradient) return;
  parallel_for(worthwhile_threads(context.threads, op.output.size() / 2), op.output.size() / width,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r)
                   dispatch<SoftmaxGradientKernel>(context.set, op.output.data() + r * width,
                                                   op.output_gradient.data() + r * width,
                                                   op.input_gradient.data() + r * width, width,
                                                   op.input_gradient.write);
               });
}

}  // namespace coca::detail
