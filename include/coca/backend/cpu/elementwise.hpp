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

/// See DifferentiableBackend's fill.
inline void fill(const Tensor<float>& output, float value, const CpuContext& context) {
  parallel_for(worthwhile_threads(context.threads, output.size() / 8), output.size(),
               [&](std::size_t begin, std::size_t end) {
                 // memset writes large zeros without reading what was there.
                 if (std::bit_cast<std::uint32_t>(value) == 0)
                   std::memset(output.data() + begin, 0, (end - begin) * sizeof(float));
                 else
                   std::fill(output.data() + begin, output.data() + end, value);
               });
}

/// output += input.
inline void add(const Tensor<float>& input, const Tensor<float>& output,
                const CpuContext& context) {
  for_each_vector(AddStep{input.data(), output.data()}, output.size(), context);
}

/// output *= factor.
inline void scale_inplace(const Tensor<float>& output, float factor, const CpuContext& context) {
  for_each_vector(ScaleStep{output.data(), output.data(), factor}, output.size(), context);
}

/// See DifferentiableBackend's clamp_inplace.
inline void clamp_inplace(const Tensor<float>& values, float low, float high,
                          const CpuContext& context) {
  for_each_vector(ClampStep{values.data(), low, high}, values.size(), context);
}

/// output = keep * output + (1 - keep) * input.
inline void blend_inplace(const Tensor<float>& input, float keep, const Tensor<float>& output,
                          const CpuContext& context) {
  for_each_vector(BlendStep{input.data(), output.data(), 1.0f - keep, keep}, output.size(),
                  context);
}

/// output = e^exponent * input.
inline void scale_by_exp(const Tensor<float>& input, const Tensor<float>& exponent,
                         const Tensor<float>& output, const CpuContext& context) {
  const float factor = std::exp(exponent.data()[0]);
  for_each_vector(ScaleStep{input.data(), output.data(), factor}, output.size(), context);
}

/// See DifferentiableBackend's scale_by_exp_gradient.
inline void scale_by_exp_gradient(const Tensor<float>& input, const Tensor<float>& exponent,
                                  const Tensor<float>& output_gradient, Write write,
                                  const Tensor<float>& input_gradient,
                                  const Tensor<float>& exponent_gradient,
                                  const CpuContext& context) {
  const float factor = std::exp(exponent.data()[0]);
  const std::size_t size = output_gradient.size();
  if (exponent_gradient) {
    const double dot = sum_over(DotStep{input.data(), output_gradient.data()}, size, context);
    exponent_gradient.data()[0] += static_cast<float>(double{factor} * dot);
  }
  if (input_gradient)
    for_each_vector(ScaleStep{output_gradient.data(), input_gradient.data(), factor, write}, size,
                    context);
}

/// output += the sum of input².
inline void sum_of_squares(const Tensor<float>& input, const Tensor<float>& output,
                           const CpuContext& context) {
  output.data()[0] +=
      static_cast<float>(sum_over(DotStep{input.data(), input.data()}, input.size(), context));
}

/// See DifferentiableBackend's clip_factor.
inline void clip_factor(const Tensor<float>& squares, float largest_norm,
                        const Tensor<float>& factor) {
  const double norm = std::sqrt(double{squares.data()[0]});
  const double wanted = double{largest_norm} / (norm + 1e-6);
  factor.data()[0] = largest_norm == 0.0f || wanted > 1.0 ? 1.0f : static_cast<float>(wanted);
}

}  // namespace coca::detail
