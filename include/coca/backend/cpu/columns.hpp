#pragma once
/// @file
/// Sums and products of two arrays, of which the second may be one row for all rows of the first (a
/// bias, layer scale), and the sums over rows that are its gradient.

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

/// left + right.
struct SumStep {
  const float* left = nullptr;
  const float* right = nullptr;
  float* output = nullptr;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x, y;
    simd::load_up_to<S>(x, left + i, count);
    simd::load_up_to<S>(y, right + i, count);
    x = x + y;
    simd::store_up_to<S>(output + i, x, count);
  }

  SumStep of_row(std::size_t place) const { return {left + place, right, output + place}; }
};

/// residual + left * right, assigned or added.
struct ProductStep {
  const float* left = nullptr;
  const float* right = nullptr;
  const float* residual = nullptr;  ///< or null
  float* output = nullptr;
  Write write = Write::assign;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x, y;
    simd::load_up_to<S>(x, left + i, count);
    simd::load_up_to<S>(y, right + i, count);
    x = x * y;
    if (residual != nullptr) {
      simd::load_up_to<S>(y, residual + i, count);
      x = x + y;
    }
    simd::write_up_to<S>(output + i, x, count, write);
  }

  ProductStep of_row(std::size_t place) const {
    return {left + place, right, residual == nullptr ? nullptr : residual + place, output + place,
            write};
  }
};

/// A step over `size` elements, whose right side has `right_size`: as many, or a row for every row.
template <class Step>
void combine(const Step& step, std::size_t size, std::size_t right_size,
             const CpuContext& context) {
  if (size == 0) return;
  if (right_size == size) return for_each_vector(step, size, context);
  parallel_for(worthwhile_threads(context.threads, size / 8), size / right_size,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r)
                   dispatch<EachVectorKernel<Step>>(context.set, step.of_row(r * right_size),
                                                    std::size_t{0}, right_size);
               });
}

inline void run(const ops::Sum<float, HostMemory>& op, const CpuContext& context) {
  combine(SumStep{op.left.data(), op.right.data(), op.output.data()}, op.output.size(),
          op.right.size(), context);
}

inline void run(const ops::Product<float, HostMemory>& op, const CpuContext& context) {
  combine(ProductStep{op.left.data(), op.right.data(), data_of(op.residual), op.output.data()},
          op.output.size(), op.right.size(), context);
}

inline void run(const ops::ProductGradient<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t size = op.output_gradient.size(), width = op.right.size();
  const float* gradient = op.output_gradient.data();
  if (width == 0) return;
  if (op.right_gradient && width != size) {
    if (op.right_gradient.write == Write::assign)
      std::fill_n(op.right_gradient.data(), width, 0.0f);
    sum_columns({gradient, op.left.data(), size / width, width, op.right_gradient.data()}, context);
  } else if (op.right_gradient) {
    combine(ProductStep{gradient, op.left.data(), nullptr, op.right_gradient.data(),
                        op.right_gradient.write},
            size, size, context);
  }
  if (op.left_gradient)
    combine(ProductStep{gradient, op.right.data(), nullptr, op.left_gradient.data(),
                        op.left_gradient.write},
            size, width, context);
}

}  // namespace coca::detail
