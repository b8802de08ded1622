#pragma once
/// @file
/// The vector loops of attention's gradient.

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

#include "coca/backend/cpu/transpose.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// A few queries of one head: their scores for all keys, in panels of keys.
struct ScoreRows {
  static constexpr std::size_t most_rows = 16;

  float* scores = nullptr;     ///< [panels][rows of the block][panel], become probabilities
  float* gradients = nullptr;  ///< like scores: gradients of probabilities, become those of scores
  std::size_t panel = 0;       ///< keys per panel, a multiple of S::width
  std::size_t panel_stride = 0;               ///< from one panel to the next
  std::size_t panels = 0;                     ///< that any of the queries sees
  std::size_t rows = 0;                       ///< queries
  std::array<std::size_t, most_rows> seen{};  ///< keys that each query sees, the first ones
  std::array<float, most_rows> means{};       ///< output gradient times output
  float scale = 1.0f;
};

/// p = softmax(scale * scores); gradient of scores = scale * p * (gradient of p - mean), zero for
/// keys that are not seen.
struct ScoreGradientKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const ScoreRows& a) {
    for (std::size_t r = 0; r < a.rows; ++r) {
      if (a.seen[r] == 0) {
        clear<S>(a, r);
        continue;
      }
      hide<S>(a, r);
      const float best = largest<S>(a, r);
      const float factor = 1.0f / sum_of_exp<S>(a, r, best);
      write<S>(a, r, factor);
    }
  }

 private:
  // Calls function(offset) for each vector of a row.
  template <class S, class Function>
  [[gnu::always_inline]] static inline void each(const ScoreRows& a, std::size_t row,
                                                 const Function& function) {
    for (std::size_t p = 0; p < a.panels; ++p)
      for (std::size_t i = 0; i < a.panel; i += S::width)
        function(p * a.panel_stride + row * a.panel + i);
  }

  // A query that sees nothing has NaN as its output and no effect.
  template <class S>
  [[gnu::always_inline]] static inline void clear(const ScoreRows& a, std::size_t row) {
    each<S>(
        a, row, [&](std::size_t place) __attribute__((always_inline)) {
          typename S::F zero;
          simd::fill<S>(zero, 0.0f);
          simd::store<S>(a.scores + place, zero);
          simd::store<S>(a.gradients + place, zero);
        });
  }

  template <class S>
  [[gnu::always_inline]] static inline void hide(const ScoreRows& a, std::size_t row) {
    for (std::size_t k = a.seen[row]; k < a.panels * a.panel; ++k)
      a.scores[k / a.panel * a.panel_stride + row * a.panel + k % a.panel] =
          -std::numeric_limits<float>::infinity();
  }

  template <class S>
  [[gnu::always_inline]] static inline float largest(const ScoreRows& a, std::size_t row) {
    constexpr float nothing = -std::numeric_limits<float>::infinity();
    typename S::F best;
    simd::fill<S>(best, nothing);
    each<S>(
        a, row, [&](std::size_t place) __attribute__((always_inline)) {
          typename S::F x;
          simd::load<S>(x, a.scores + place);
          best = x > best ? x : best;
        });
    return simd::largest<S>(best, nothing);
  }

  template <class S>
  [[gnu::always_inline]] static inline float sum_of_exp(const ScoreRows& a, std::size_t row,
                                                        float best) {
    typename S::F total;
    simd::fill<S>(total, 0.0f);
    each<S>(
        a, row, [&](std::size_t place) __attribute__((always_inline)) {
          typename S::F x;
          simd::load<S>(x, a.scores + place);
          x = (x - best) * a.scale;
          simd::exp_inplace<S>(x);
          total += x;
          simd::store<S>(a.scores + place, x);
        });
    return simd::sum<S>(total);
  }

  template <class S>
  [[gnu::always_inline]] static inline void write(const ScoreRows& a, std::size_t row,
                                                  float factor) {
    const float mean = a.means[row];
    each<S>(
        a, row, [&](std::size_t place) __attribute__((always_inline)) {
          typename S::F p, gradient;
          const typename S::F zero{};
          simd::load<S>(p, a.scores + place);
          simd::load<S>(gradient, a.gradients + place);
          p = p * factor;
          gradient = (gradient - mean) * (p * a.scale);
          gradient = p == zero ? zero : gradient;
          simd::store<S>(a.scores + place, p);
          simd::store<S>(a.gradients + place, gradient);
        });
  }
};

/// Columns to add to rows: row i += column i of `values`.
struct ColumnsToRows {
  static constexpr std::size_t most_rows = 32;

  const float* values = nullptr;  ///< [width][stride]
  std::size_t stride = 0;         ///< a multiple of S::width
  std::size_t width = 0;
  std::array<float*, most_rows> rows{};
  std::size_t count = 0;  ///< of rows
};

struct AddColumnsKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const ColumnsToRows& a) {
    for (std::size_t row = 0; row < a.count; row += S::width)
      for (std::size_t first = 0; first < a.width; first += S::width) square<S>(a, row, first);
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline void square(const ColumnsToRows& a, std::size_t row,
                                                   std::size_t first) {
    typename S::F values[S::width];
    unroll(
        std::make_index_sequence<S::width>{}, [&](auto i) __attribute__((always_inline)) {
          const std::size_t from = std::min(first + i, a.width - 1);
          simd::load<S>(values[i], a.values + from * a.stride + row);
        });
    simd::transpose<S>(values);
    const std::size_t count = std::min(S::width, a.width - first);
    const std::size_t rows = std::min(S::width, a.count - row);
    for (std::size_t i = 0; i < rows; ++i)
      simd::write_up_to<S>(a.rows[row + i] + first, values[i], count, Write::add);
  }
};

/// Sum of a * b.
struct RowDotKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const float* a, const float* b, std::size_t width,
                                                float* result) {
    typename S::F sum, x, y;
    simd::fill<S>(sum, 0.0f);
    for (std::size_t i = 0; i < width; i += S::width) {
      simd::load_up_to<S>(x, a + i, std::min(S::width, width - i));
      simd::load_up_to<S>(y, b + i, std::min(S::width, width - i));
      sum += x * y;
    }
    *result = simd::sum<S>(sum);
  }
};

}  // namespace coca::detail
