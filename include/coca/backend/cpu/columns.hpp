#pragma once
/// @file
/// Operations that treat the columns of an array alike: sums over rows (the gradient of a bias) and
/// layer scale.

#include <algorithm>
#include <cstddef>

#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// Columns [first, first + count) of an array [rows, width].
struct ColumnSums {
  const float* values = nullptr;
  const float* factors = nullptr;  ///< [rows, width] multiplied with the values, or null
  std::size_t rows = 0, width = 0;
  float* output = nullptr;  ///< [width], added
};

/// Sums columns [begin, end), a few vectors of them at a time, from the first row to the last.
struct ColumnSumsKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const ColumnSums& a, std::size_t begin,
                                                std::size_t end) {
    std::size_t column = begin;
    for (; column + 8 * S::width <= end; column += 8 * S::width) sum<S, 8>(a, column, S::width);
    for (; column + S::width <= end; column += S::width) sum<S, 1>(a, column, S::width);
    if (column < end) sum<S, 1>(a, column, end - column);
  }

 private:
  // Groups of rows are summed separately, so that thousands of rows keep their digits.
  template <class S, std::size_t vectors>
  [[gnu::always_inline]] static inline void sum(const ColumnSums& a, std::size_t column,
                                                std::size_t count) {
    constexpr std::size_t stretch = 256;
    for (std::size_t first = 0; first < a.rows; first += stretch)
      sum_stretch<S, vectors>(a, column, count, first, std::min(a.rows, first + stretch));
  }

  template <class S, std::size_t vectors>
  [[gnu::always_inline]] static inline void sum_stretch(const ColumnSums& a, std::size_t column,
                                                        std::size_t count, std::size_t begin,
                                                        std::size_t end) {
    using F = typename S::F;
    constexpr auto each = std::make_index_sequence<vectors>{};
    F sums[vectors] = {};
    for (std::size_t r = begin; r < end; ++r) {
      const std::size_t place = r * a.width + column;
      unroll(
          each, [&](auto v) __attribute__((always_inline)) {
            F x, y;
            simd::load_up_to<S>(x, a.values + place + v * S::width, count);
            if (a.factors == nullptr) {
              sums[v] += x;
            } else {
              simd::load_up_to<S>(y, a.factors + place + v * S::width, count);
              sums[v] += x * y;
            }
          });
    }
    unroll(
        each, [&](auto v) __attribute__((always_inline)) {
          simd::write_up_to<S>(a.output + column + v * S::width, sums[v], count, Write::add);
        });
  }
};

/// Threads share the columns, so that the sums do not depend on their number.
inline void sum_columns(const ColumnSums& sums, const CpuContext& context) {
  constexpr std::size_t block = 128;
  const std::size_t blocks = (sums.width + block - 1) / block;
  parallel_for(worthwhile_threads(context.threads, sums.rows * sums.width / 8), blocks,
               [&](std::size_t begin, std::size_t end) {
                 dispatch<ColumnSumsKernel>(context.set, sums, begin * block,
                                            std::min(sums.width, end * block));
               });
}

inline void run(const ops::SumRows<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.output.size();
  if (width == 0) return;  // also where there is no output
  sum_columns({op.input.data(), nullptr, op.input.size() / width, width, op.output.data()},
              context);
}

/// One row: residual + scale * input.
struct ScaleColumnsStep {
  const float* input = nullptr;
  const float* scale = nullptr;
  const float* residual = nullptr;  ///< or null
  float* output = nullptr;
  Write write = Write::assign;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x, y;
    simd::load_up_to<S>(x, input + i, count);
    simd::load_up_to<S>(y, scale + i, count);
    x = x * y;
    if (residual != nullptr) {
      simd::load_up_to<S>(y, residual + i, count);
      x = x + y;
    }
    simd::write_up_to<S>(output + i, x, count, write);
  }
};

/// The step for every row of [rows, width] arrays.
inline void scale_rows(const ScaleColumnsStep& first, std::size_t rows, std::size_t width,
                       const CpuContext& context) {
  parallel_for(worthwhile_threads(context.threads, rows * width / 8), rows,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r) {
                   ScaleColumnsStep step = first;
                   step.input += r * width;
                   step.output += r * width;
                   if (step.residual != nullptr) step.residual += r * width;
                   dispatch<EachVectorKernel<ScaleColumnsStep>>(context.set, step, std::size_t{0},
                                                                width);
                 }
               });
}

inline void run(const ops::ScaleColumns<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.scale.size();
  if (width == 0) return;
  scale_rows({op.input.data(), op.scale.data(), data_of(op.residual), op.output.data()},
             op.input.size() / width, width, context);
}

inline void run(const ops::ScaleColumnsGradient<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.scale.size();
  if (width == 0) return;
  const std::size_t rows = op.output_gradient.size() / width;
  if (op.scale_gradient)
    sum_columns({op.output_gradient.data(), op.input.data(), rows, width, op.scale_gradient.data()},
                context);
  if (op.input_gradient)
    scale_rows({op.output_gradient.data(), op.scale.data(), nullptr, op.input_gradient.data(),
                op.input_gradient.write},
               rows, width, context);
}

}  // namespace coca::detail
