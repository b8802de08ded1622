#pragma once
/// @file
/// Elementwise operations, and the related sums of training.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// output = keep * output + factor * input, either part optional.
struct BlendStep {
  const float* input = nullptr;
  float* output = nullptr;
  float factor = 1.0f, keep = 1.0f;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x, y;
    simd::load_up_to<S>(x, input + i, count);
    simd::load_up_to<S>(y, output + i, count);
    y = y * keep + x * factor;
    simd::store_up_to<S>(output + i, y, count);
  }
};

/// output += input.
struct AddStep {
  const float* input = nullptr;
  float* output = nullptr;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x;
    simd::load_up_to<S>(x, input + i, count);
    simd::write_up_to<S>(output + i, x, count, Write::add);
  }
};

/// factor * input, assigned or added.
struct ScaleStep {
  const float* input = nullptr;
  float* output = nullptr;
  float factor = 1.0f;
  Write write = Write::assign;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x;
    simd::load_up_to<S>(x, input + i, count);
    x = x * factor;
    simd::write_up_to<S>(output + i, x, count, write);
  }
};

/// Clamps elements to `low` and `high`; NaN stays NaN.
struct ClampStep {
  float* values = nullptr;
  float low = 0.0f, high = 0.0f;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x, least, most;
    simd::load_up_to<S>(x, values + i, count);
    simd::fill<S>(least, low);
    simd::fill<S>(most, high);
    x = x < least ? least : x;
    x = x > most ? most : x;
    simd::store_up_to<S>(values + i, x, count);
  }
};

/// The sum of a * b.
struct DotStep {
  const float* a = nullptr;
  const float* b = nullptr;

  template <class S>
  [[gnu::always_inline]] inline void run(typename S::F& sum, std::size_t i,
                                         std::size_t count) const {
    typename S::F x, y;
    simd::load_up_to<S>(x, a + i, count);
    simd::load_up_to<S>(y, b + i, count);
    sum += x * y;
  }
};

inline void run(const ops::Fill<float, HostMemory>& op, const CpuContext& context) {
  parallel_for(worthwhile_threads(context.threads, op.output.size() / 8), op.output.size(),
               [&](std::size_t begin, std::size_t end) {
                 // memset writes large zeros without reading what was there.
                 if (std::bit_cast<std::uint32_t>(op.value) == 0)
                   std::memset(op.output.data() + begin, 0, (end - begin) * sizeof(float));
                 else
                   std::fill(op.output.data() + begin, op.output.data() + end, op.value);
               });
}

inline void run(const ops::Copy<float, HostMemory>& op, const CpuContext& context) {
  parallel_for(worthwhile_threads(context.threads, op.output.size() / 8), op.output.size(),
               [&](std::size_t begin, std::size_t end) {
                 std::copy(op.input.data() + begin, op.input.data() + end,
                           op.output.data() + begin);
               });
}

inline void run(const ops::Accumulate<float, HostMemory>& op, const CpuContext& context) {
  for_each_vector(AddStep{op.input.data(), op.output.data()}, op.output.size(), context);
}

inline void run(const ops::Scale<float, HostMemory>& op, const CpuContext& context) {
  for_each_vector(ScaleStep{op.values.data(), op.values.data(), op.factor}, op.values.size(),
                  context);
}

inline void run(const ops::Clamp<float, HostMemory>& op, const CpuContext& context) {
  for_each_vector(ClampStep{op.values.data(), op.low, op.high}, op.values.size(), context);
}

inline void run(const ops::Blend<float, HostMemory>& op, const CpuContext& context) {
  for_each_vector(BlendStep{op.input.data(), op.output.data(), 1.0f - op.keep, op.keep},
                  op.output.size(), context);
}

inline void run(const ops::ScaleByExp<float, HostMemory>& op, const CpuContext& context) {
  const float factor = std::exp(op.exponent.data()[0]);
  for_each_vector(ScaleStep{op.input.data(), op.output.data(), factor}, op.output.size(), context);
}

inline void run(const ops::ScaleByExpGradient<float, HostMemory>& op, const CpuContext& context) {
  const float factor = std::exp(op.exponent.data()[0]);
  const std::size_t size = op.output_gradient.size();
  if (op.exponent_gradient) {
    const double dot = sum_over(DotStep{op.input.data(), op.output_gradient.data()}, size, context);
    op.exponent_gradient.data()[0] += static_cast<float>(double{factor} * dot);
  }
  if (op.input_gradient)
    for_each_vector(ScaleStep{op.output_gradient.data(), op.input_gradient.data(), factor,
                              op.input_gradient.write},
                    size, context);
}

inline void run(const ops::SumOfSquares<float, HostMemory>& op, const CpuContext& context) {
  op.output.data()[0] += static_cast<float>(
      sum_over(DotStep{op.input.data(), op.input.data()}, op.input.size(), context));
}

/// output = (or +=) factor input for elements [begin, end), each group with its own factor.
inline void drop_elements(const Dropping& dropping, const ScaleStep& all, std::size_t begin,
                          std::size_t end, InstructionSet set) {
  std::size_t i = begin;
  while (i < end) {
    const std::size_t block = i / dropping.group / 4;
    const auto factors = dropping.factors(block);
    while (i < end && i / dropping.group / 4 == block) {
      const std::size_t draw = i / dropping.group;
      const std::size_t stop = std::min(end, (draw + 1) * dropping.group);
      ScaleStep step = all;
      step.factor = factors[draw % 4];
      if (stop - i > 1) {
        dispatch<EachVectorKernel<ScaleStep>>(set, step, i, stop);
      } else {
        const float value = step.factor * step.input[i];
        step.output[i] = step.write == Write::add ? step.output[i] + value : value;
      }
      i = stop;
    }
  }
}

inline void drop(const Dropping& dropping, const ScaleStep& all, std::size_t size,
                 const CpuContext& context) {
  parallel_for(worthwhile_threads(context.threads, 4 * size), size,
               [&](std::size_t begin, std::size_t end) {
                 drop_elements(dropping, all, begin, end, context.set);
               });
}

inline void run(const ops::Dropout<float, HostMemory>& op, const CpuContext& context) {
  drop(op.dropping, ScaleStep{op.input.data(), op.output.data()}, op.output.size(), context);
}

inline void run(const ops::DropoutGradient<float, HostMemory>& op, const CpuContext& context) {
  const ops::Update<float, HostMemory>& gradient = op.input_gradient;
  if (!gradient) return;
  const ScaleStep all{op.output_gradient.data(), gradient.data(), 1.0f, gradient.write};
  drop(op.dropping, all, gradient.size(), context);
}

inline void run(const ops::ClipFactor<float, HostMemory>& op, const CpuContext&) {
  const double norm = std::sqrt(double{op.sum_of_squares.data()[0]});
  const double wanted = double{op.largest_norm} / (norm + 1e-6);
  op.factor.data()[0] = op.largest_norm == 0.0f || wanted > 1.0 ? 1.0f : static_cast<float>(wanted);
}

}  // namespace coca::detail
