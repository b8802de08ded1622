#pragma once
/// @file
/// Layer norm, root mean square norm and l2 normalisation of rows.

#include <cmath>
#include <cstddef>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu_context.hpp"
#include "coca/backend/cpu/simd.hpp"
#include "coca/backend/cpu/threads.hpp"

namespace coca::detail {

/// Rows [begin, end) of an array.
struct NormRows {
  const float* input = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;  ///< or null
  float* output = nullptr;
  std::size_t width = 0;
  std::size_t begin = 0, end = 0;
  float epsilon = 0;
};

/// (x - mean) / sqrt(variance + epsilon) * weight + bias, the variance from a second pass.
struct LayerNormKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const NormRows& a) {
    for (std::size_t r = a.begin; r < a.end; ++r) {
      const float* x = a.input + r * a.width;
      const float center = mean<S>(x, a.width);
      write<S>(a, x, a.output + r * a.width, center, scale<S>(x, a.width, center, a.epsilon));
    }
  }

  template <class S>
  [[gnu::always_inline]] static inline float mean(const float* x, std::size_t width) {
    return sum<S>(x, width) / static_cast<float>(width);
  }

  /// 1 / sqrt(variance + epsilon).
  template <class S>
  [[gnu::always_inline]] static inline float scale(const float* x, std::size_t width, float mean,
                                                   float epsilon) {
    const float variance = sum_of_squares<S>(x, width, mean) / static_cast<float>(width);
    return 1.0f / std::sqrt(variance + epsilon);
  }

  /// Sum of (x - mean)².
  template <class S>
  [[gnu::always_inline]] static inline float sum_of_squares(const float* x, std::size_t width,
                                                            float mean) {
    using F = typename S::F;
    F total0, total1, x0, x1;
    std::memset(&total0, 0, sizeof total0);
    total1 = total0;
    std::size_t i = 0;
    for (; i + 2 * S::width <= width; i += 2 * S::width) {
      simd::load<S>(x0, x + i);
      simd::load<S>(x1, x + i + S::width);
      x0 = x0 - mean;
      x1 = x1 - mean;
      total0 += x0 * x0;
      total1 += x1 * x1;
    }
    for (; i < width; i += S::width) {
      if (i + S::width <= width)
        simd::load<S>(x0, x + i);
      else
        simd::load_some<S>(x0, x + i, width - i, mean);
      x0 = x0 - mean;
      total0 += x0 * x0;
    }
    total0 += total1;
    return simd::sum<S>(total0);
  }

  /// One row: (x - mean) * scale * weight + bias.
  template <class S>
  [[gnu::always_inline]] static inline void write(const NormRows& a, const float* x, float* out,
                                                  float mean, float scale) {
    typename S::F value, weight, bias{};
    std::size_t i = 0;
    for (; i + S::width <= a.width; i += S::width) {
      simd::load<S>(value, x + i);
      simd::load<S>(weight, a.weight + i);
      if (a.bias != nullptr) simd::load<S>(bias, a.bias + i);
      value = (value - mean) * scale * weight + bias;
      simd::store<S>(out + i, value);
    }
    for (; i < a.width; ++i) {
      const float added = a.bias != nullptr ? a.bias[i] : 0.0f;
      out[i] = (x[i] - mean) * scale * a.weight[i] + added;
    }
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline float sum(const float* x, std::size_t width) {
    using F = typename S::F;
    F total0, total1, x0, x1;
    std::memset(&total0, 0, sizeof total0);
    total1 = total0;
    std::size_t i = 0;
    for (; i + 2 * S::width <= width; i += 2 * S::width) {
      simd::load<S>(x0, x + i);
      simd::load<S>(x1, x + i + S::width);
      total0 += x0;
      total1 += x1;
    }
    for (; i < width; i += S::width) {
      if (i + S::width <= width)
        simd::load<S>(x0, x + i);
      else
        simd::load_some<S>(x0, x + i, width - i);
      total0 += x0;
    }
    total0 += total1;
    return simd::sum<S>(total0);
  }
};

/// x / sqrt(mean of x² + epsilon) * weight: a layer norm whose mean is 0.
struct RmsNormKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const NormRows& a) {
    for (std::size_t r = a.begin; r < a.end; ++r) {
      const float* x = a.input + r * a.width;
      LayerNormKernel::write<S>(a, x, a.output + r * a.width, 0.0f,
                                LayerNormKernel::scale<S>(x, a.width, 0.0f, a.epsilon));
    }
  }
};

/// x / max(|x|, 1e-12).
struct L2NormalizeKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const NormRows& a) {
    for (std::size_t r = a.begin; r < a.end; ++r) {
      const float* x = a.input + r * a.width;
      float* out = a.output + r * a.width;
      const float norm = norm_of<S>(x, a.width);
      std::size_t i = 0;
      typename S::F value;
      for (; i + S::width <= a.width; i += S::width) {
        simd::load<S>(value, x + i);
        value = value / norm;
        simd::store<S>(out + i, value);
      }
      for (; i < a.width; ++i) out[i] = x[i] / norm;
    }
  }

  /// max(|x|, 1e-12).
  template <class S>
  [[gnu::always_inline]] static inline float norm_of(const float* x, std::size_t width) {
    const float squares = LayerNormKernel::sum_of_squares<S>(x, width, 0.0f);
    if (squares > 1e-24f && squares < 1e30f) return std::sqrt(squares);
    double exact = 0;  // squares that are too small or too large for float, or NaN
    for (std::size_t i = 0; i < width; ++i) exact += double{x[i]} * double{x[i]};
    const double norm = std::sqrt(exact);
    return static_cast<float>(norm < 1e-12 ? 1e-12 : norm);
  }
};

/// A norm's kernel for all rows, which threads share.
template <class Kernel>
void normalize(const NormRows& all, std::size_t size, const CpuContext& context) {
  if (all.width == 0) return;
  parallel_for(worthwhile_threads(context.threads, size / 4), size / all.width,
               [&](std::size_t begin, std::size_t end) {
                 NormRows rows = all;
                 rows.begin = begin;
                 rows.end = end;
                 dispatch<Kernel>(context.set, rows);
               });
}

inline void run(const ops::LayerNorm<float, HostMemory>& op, const CpuContext& context) {
  NormRows rows{op.input.data(), op.weight.data(), data_of(op.bias), op.output.data(),
                op.weight.size()};
  rows.epsilon = static_cast<float>(op.epsilon);
  normalize<LayerNormKernel>(rows, op.input.size(), context);
}

inline void run(const ops::RmsNorm<float, HostMemory>& op, const CpuContext& context) {
  NormRows rows{op.input.data(), op.weight.data(), nullptr, op.output.data(), op.weight.size()};
  rows.epsilon = static_cast<float>(op.epsilon);
  normalize<RmsNormKernel>(rows, op.input.size(), context);
}

inline void run(const ops::L2Normalize<float, HostMemory>& op, const CpuContext& context) {
  const NormRows rows{op.input.data(), nullptr, nullptr, op.output.data(), op.input.shape().back()};
  normalize<L2NormalizeKernel>(rows, op.input.size(), context);
}

}  // namespace coca::detail
