#pragma once
/// @file
/// The gradients of layer norm, root mean square norm and l2 normalisation.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/norm.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// Rows [begin, end) of the arrays of a norm; unwanted ones are null.
struct NormGradientRows {
  const float* input = nullptr;
  const float* weight = nullptr;  ///< [width]
  const float* output_gradient = nullptr;
  Write write = Write::assign;
  float* input_gradient = nullptr;
  float* weight_gradient = nullptr;  ///< [width], added
  float* bias_gradient = nullptr;    ///< [width], added
  std::size_t width = 0;
  std::size_t begin = 0, end = 0;
  float epsilon = 0;
};

/// With x̂ = (x - mean) / deviation and g = weight * output gradient, the gradient of x is
/// (g - mean(g) - x̂ mean(g x̂)) / deviation; of a norm that is not centered, both means of x and of
/// g are 0.
template <bool centered>
struct NormGradientKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const NormGradientRows& a) {
    for (std::size_t r = a.begin; r < a.end; ++r) {
      Row row;
      row.input = a.input + r * a.width;
      row.gradient = a.output_gradient + r * a.width;
      if constexpr (centered) row.mean = LayerNormKernel::mean<S>(row.input, a.width);
      row.scale = LayerNormKernel::scale<S>(row.input, a.width, row.mean, a.epsilon);
      sum<S>(a, row);
      if (a.input_gradient != nullptr) write<S>(a, row, a.input_gradient + r * a.width);
    }
  }

 private:
  struct Row {
    const float* input = nullptr;
    const float* gradient = nullptr;
    float mean = 0, scale = 0;
    float mean_gradient = 0, mean_product = 0;
  };

  // Normalised inputs and output gradients of some columns.
  template <class S>
  [[gnu::always_inline]] static inline void read(typename S::F& normal, typename S::F& gradient,
                                                 const Row& row, std::size_t i, std::size_t count) {
    simd::load_up_to<S>(normal, row.input + i, count);
    simd::load_up_to<S>(gradient, row.gradient + i, count);
    normal = (normal - row.mean) * row.scale;
  }

  template <class S>
  [[gnu::always_inline]] static inline void sum_some(const NormGradientRows& a, const Row& row,
                                                     typename S::F* sums, std::size_t i,
                                                     std::size_t count) {
    typename S::F normal, gradient, weight;
    read<S>(normal, gradient, row, i, count);
    if (a.bias_gradient != nullptr)
      simd::write_up_to<S>(a.bias_gradient + i, gradient, count, Write::add);
    const typename S::F product = gradient * normal;
    if (a.weight_gradient != nullptr)
      simd::write_up_to<S>(a.weight_gradient + i, product, count, Write::add);
    simd::load_up_to<S>(weight, a.weight + i, count);
    sums[0] += weight * gradient;
    sums[1] += weight * product;
  }

  template <class S>
  [[gnu::always_inline]] static inline void sum(const NormGradientRows& a, Row& row) {
    typename S::F sums[2] = {};
    std::size_t i = 0;
    for (; i + S::width <= a.width; i += S::width) sum_some<S>(a, row, sums, i, S::width);
    if (i < a.width) sum_some<S>(a, row, sums, i, a.width - i);
    if constexpr (centered) row.mean_gradient = simd::sum<S>(sums[0]) / static_cast<float>(a.width);
    row.mean_product = simd::sum<S>(sums[1]) / static_cast<float>(a.width);
  }

  template <class S>
  [[gnu::always_inline]] static inline void write_some(const NormGradientRows& a, const Row& row,
                                                       float* out, std::size_t i,
                                                       std::size_t count) {
    typename S::F normal, gradient, weight;
    read<S>(normal, gradient, row, i, count);
    simd::load_up_to<S>(weight, a.weight + i, count);
    gradient = (weight * gradient - row.mean_gradient - normal * row.mean_product) * row.scale;
    simd::write_up_to<S>(out + i, gradient, count, a.write);
  }

  template <class S>
  [[gnu::always_inline]] static inline void write(const NormGradientRows& a, const Row& row,
                                                  float* out) {
    std::size_t i = 0;
    for (; i + S::width <= a.width; i += S::width) write_some<S>(a, row, out, i, S::width);
    if (i < a.width) write_some<S>(a, row, out, i, a.width - i);
  }
};

/// The gradients of a norm's operation. The rows are cut into parts, whatever the number of
/// threads; the parts' sums are added in their order.
/// @param bias_gradient [width] or nothing
template <bool centered, class Operation>
void norm_gradient(const Operation& op, const Tensor<float>& bias_gradient,
                   const CpuContext& context) {
  using Kernel = NormGradientKernel<centered>;
  const std::size_t width = op.weight.size();
  if (width == 0) return;
  const std::size_t rows = op.output_gradient.size() / width;
  const std::size_t parts = std::clamp<std::size_t>(rows / 32, 1, 64);
  float* sums = scratch<Kernel>().template get<float>(2 * parts * width);
  std::fill_n(sums, 2 * parts * width, 0.0f);
  parallel_for(worthwhile_threads(context.threads, rows * width / 4), parts,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t part = begin; part < end; ++part) {
                   const Share share(rows, part, parts);
                   const NormGradientRows arguments{
                       op.input.data(),
                       op.weight.data(),
                       op.output_gradient.data(),
                       op.input_gradient.write,
                       data_of(op.input_gradient),
                       op.weight_gradient ? sums + part * width : nullptr,
                       bias_gradient ? sums + (parts + part) * width : nullptr,
                       width,
                       share.begin,
                       share.end,
                       static_cast<float>(op.epsilon)};
                   dispatch<Kernel>(context.set, arguments);
                 }
               });
  const auto add_parts = [&](const float* from, const Tensor<float>& to) {
    for (std::size_t part = 0; part < parts; ++part)
      dispatch<EachVectorKernel<AddStep>>(context.set, AddStep{from + part * width, to.data()},
                                          std::size_t{0}, width);
  };
  if (op.weight_gradient) add_parts(sums, op.weight_gradient);
  if (bias_gradient) add_parts(sums + parts * width, bias_gradient);
}

inline void run(const ops::LayerNormGradient<float, HostMemory>& op, const CpuContext& context) {
  norm_gradient<true>(op, op.bias_gradient.tensor(), context);
}

inline void run(const ops::RmsNormGradient<float, HostMemory>& op, const CpuContext& context) {
  norm_gradient<false>(op, {}, context);
}

/// With y = x / |x| the gradient of x is (g - y (y g)) / |x|, and g / 1e-12 if |x| is less.
struct L2NormalizeGradientKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const NormGradientRows& a) {
    for (std::size_t r = a.begin; r < a.end; ++r) {
      const float* x = a.input + r * a.width;
      const float* gradient = a.output_gradient + r * a.width;
      const float norm = L2NormalizeKernel::norm_of<S>(x, a.width);
      const float along = norm <= 1e-12f ? 0.0f : dot<S>(x, gradient, a.width, norm);
      std::size_t i = 0;
      for (; i + S::width <= a.width; i += S::width)
        write<S>(a, r * a.width + i, norm, along, S::width);
      if (i < a.width) write<S>(a, r * a.width + i, norm, along, a.width - i);
    }
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline float dot(const float* x, const float* gradient,
                                                 std::size_t width, float norm) {
    typename S::F sum, a, b;
    simd::fill<S>(sum, 0.0f);
    for (std::size_t i = 0; i < width; i += S::width) {
      simd::load_up_to<S>(a, x + i, std::min(S::width, width - i));
      simd::load_up_to<S>(b, gradient + i, std::min(S::width, width - i));
      sum += a / norm * b;
    }
    return simd::sum<S>(sum);
  }

  template <class S>
  [[gnu::always_inline]] static inline void write(const NormGradientRows& a, std::size_t place,
                                                  float norm, float along, std::size_t count) {
    typename S::F x, gradient;
    simd::load_up_to<S>(x, a.input + place, count);
    simd::load_up_to<S>(gradient, a.output_gradient + place, count);
    gradient = (gradient - x / norm * along) / norm;
    simd::write_up_to<S>(a.input_gradient + place, gradient, count, a.write);
  }
};

inline void run(const ops::L2NormalizeGradient<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.input.shape().back();
  if (width == 0 || !op.input_gradient) return;
  parallel_for(worthwhile_threads(context.threads, op.input.size() / 4), op.input.size() / width,
               [&](std::size_t begin, std::size_t end) {
                 NormGradientRows arguments;
                 arguments.input = op.input.data();
                 arguments.output_gradient = op.output_gradient.data();
                 arguments.write = op.input_gradient.write;
                 arguments.input_gradient = op.input_gradient.data();
                 arguments.width = width;
                 arguments.begin = begin;
                 arguments.end = end;
                 dispatch<L2NormalizeGradientKernel>(context.set, arguments);
               });
}

}  // namespace coca::detail
