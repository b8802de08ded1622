#pragma once
/// @file
/// The vector loops of attention's gradient.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
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
  /// Of bias and masks, which have their own numbers for each query, by the positions of keys:
  const std::size_t* positions = nullptr;               ///< of the keys; null: there are none
  std::array<const float*, most_rows> bias{};           ///< added to scale * scores, or null
  std::array<const std::uint8_t*, most_rows> hidden{};  ///< 1: not seen, or null
  std::array<float*, most_rows> bias_gradients{};       ///< added to, or null
};

/// p = softmax(scale * scores + bias); gradient of scores = scale * p * (gradient of p - mean),
/// zero for keys that are not seen.
/// @tparam shifted whether there are biases or masks; the plain case is compiled without them
template <bool shifted>
struct ScoreGradientKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const ScoreRows& a) {
    for (std::size_t r = 0; r < a.rows; ++r) {
      bool sees = a.seen[r] != 0;
      if constexpr (shifted) sees = sees && shift(a, r);
      if (!sees) {
        clear<S>(a, r);
        continue;
      }
      hide<S>(a, r);
      const float best = largest<S>(a, r);
      const float factor = 1.0f / sum_of_exp<S>(a, r, best);
      write<S>(a, r, factor);
      if constexpr (shifted)
        if (a.bias_gradients[r] != nullptr) add_bias_gradient(a, r);
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

  // Calls function(place, key) for the keys that a row sees.
  template <class Function>
  [[gnu::always_inline]] static inline void each_seen(const ScoreRows& a, std::size_t row,
                                                      const Function& function) {
    std::size_t begin = row * a.panel;
    for (std::size_t first = 0; first < a.seen[row]; first += a.panel, begin += a.panel_stride) {
      const std::size_t count = std::min(a.panel, a.seen[row] - first);
      for (std::size_t i = 0; i < count; ++i) function(begin + i, first + i);
    }
  }

  // Scales the scores of a row, adds its bias and hides keys from it; whether it sees one.
  [[gnu::always_inline]] static inline bool shift(const ScoreRows& a, std::size_t row) {
    const float* bias = a.bias[row];
    const std::uint8_t* hidden = a.hidden[row];
    bool sees = false;
    each_seen(
        a, row, [&](std::size_t place, std::size_t key) __attribute__((always_inline)) {
          const std::size_t position = a.positions[key];
          const bool seen = hidden == nullptr || hidden[position] == 0;
          const float score = a.scores[place] * a.scale + (bias != nullptr ? bias[position] : 0.0f);
          a.scores[place] = seen ? score : -std::numeric_limits<float>::infinity();
          sees = sees || seen;
        });
    return sees;
  }

  // The gradients of a row's scores, without their scale.
  [[gnu::always_inline]] static inline void add_bias_gradient(const ScoreRows& a, std::size_t row) {
    each_seen(
        a, row, [&](std::size_t place, std::size_t key) __attribute__((always_inline)) {
          a.bias_gradients[row][a.positions[key]] += a.gradients[place] / a.scale;
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
          x = x - best;
          if constexpr (!shifted) x = x * a.scale;
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
