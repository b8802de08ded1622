#pragma once
/// @file
/// The vector loops of attention: one query against all keys, and the softmax of a block of
/// queries.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "coca/backend/cpu/transpose.hpp"

namespace coca::detail {

/// One query of one head. Keys and values are rows of larger arrays.
struct SingleQuery {
  const float* query = nullptr;  ///< [width]
  const float* keys = nullptr;
  std::size_t key_stride = 0;
  const float* values = nullptr;
  std::size_t value_stride = 0;
  const std::size_t* rows = nullptr;  ///< [count] the rows of the keys
  std::size_t count = 0;
  std::size_t width = 0;
  float scale = 1.0f;
  const std::int32_t* positions = nullptr;  ///< [count] of the keys, for bias and hidden
  const float* bias = nullptr;              ///< [positions] added to the scores, or null
  const std::uint8_t* hidden = nullptr;     ///< [positions] 1: not seen, or null
  float* weights = nullptr;  ///< [count rounded up to 16], written: e^(score - largest)
  float* output = nullptr;   ///< [width]
  float* factor = nullptr;   ///< written: 1 / sum of the weights
};

/// @tparam shifted whether there is a bias or a mask; the plain case is compiled without them
template <bool shifted>
struct SingleQueryKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const SingleQuery& a) {
    const float best = scores<S>(a);
    const float factor = 1.0f / softmax<S>(a, best);
    *a.factor = factor;
    weigh_values<S>(a, factor);
  }

 private:
  // A row's last elements are read again as the end of a whole vector, with zeros in the query
  // where they have already been counted; rows shorter than a vector are copied.
  template <class S>
  [[gnu::always_inline]] static inline void dot(typename S::F& sums, const SingleQuery& a,
                                                const typename S::F& tail, const float* key) {
    using F = typename S::F;
    F x, y;
    std::memset(&sums, 0, sizeof sums);
    if (a.width < S::width) {
      simd::load_some<S>(y, key, a.width);
      sums = tail * y;
      return;
    }
    std::size_t i = 0;
    for (; i + S::width <= a.width; i += S::width) {
      simd::load<S>(x, a.query + i);
      simd::load<S>(y, key + i);
      sums += x * y;
    }
    if (i == a.width) return;
    simd::load<S>(y, key + a.width - S::width);
    sums += tail * y;
  }

  template <class S>
  [[gnu::always_inline]] static inline void query_tail(typename S::F& tail, const SingleQuery& a) {
    float values[S::width] = {};
    const std::size_t rest = a.width % S::width;
    const std::size_t place = a.width < S::width ? 0 : S::width - rest;
    std::copy_n(a.query + a.width - rest, rest, values + place);
    simd::load<S>(tail, values);
  }

  // Writes scaled scores, -infinity after the last; returns the largest.
  template <class S>
  [[gnu::always_inline]] static inline float scores(const SingleQuery& a) {
    using F = typename S::F;
    constexpr float nothing = -std::numeric_limits<float>::infinity();
    F tail, best;
    query_tail<S>(tail, a);
    simd::fill<S>(best, nothing);
    for (std::size_t k = 0; k < a.count; k += S::width) {
      F dots[S::width], sums;
      for (std::size_t i = 0; i < S::width; ++i) {
        const std::size_t row = a.rows[std::min(k + i, a.count - 1)];
        dot<S>(dots[i], a, tail, a.keys + row * a.key_stride);
      }
      simd::sum_rows<S>(sums, dots);
      sums = sums * a.scale;
      if constexpr (shifted) shift<S>(sums, a, k);
      best = sums > best ? sums : best;
      simd::store<S>(a.weights + k, sums);
    }
    for (std::size_t k = a.count; k % S::width != 0; ++k) a.weights[k] = nothing;
    return simd::largest<S>(best, nothing);
  }

  // Bias and mask of a vector of keys; what follows the last key has those of the last.
  template <class S>
  [[gnu::always_inline]] static inline void shift(typename S::F& scores, const SingleQuery& a,
                                                  std::size_t k) {
    float values[S::width];
    simd::store<S>(values, scores);
    for (std::size_t i = 0; i < S::width; ++i) {
      const std::int32_t position = a.positions[std::min(k + i, a.count - 1)];
      if (a.bias != nullptr) values[i] += a.bias[position];
      if (a.hidden != nullptr && a.hidden[position] != 0)
        values[i] = -std::numeric_limits<float>::infinity();
    }
    simd::load<S>(scores, values);
  }

  template <class S>
  [[gnu::always_inline]] static inline float softmax(const SingleQuery& a, float best) {
    using F = typename S::F;
    F total;
    std::memset(&total, 0, sizeof total);
    for (std::size_t k = 0; k < a.count; k += S::width) {
      F x;
      simd::load<S>(x, a.weights + k);
      x = x - best;
      simd::exp_inplace<S>(x);
      if (k + S::width > a.count)  // -infinity - NaN
        for (std::size_t i = a.count - k; i < S::width; ++i) x[i] = 0.0f;
      simd::store<S>(a.weights + k, x);
      total += x;
    }
    return simd::sum<S>(total);
  }

  template <class S>
  [[gnu::always_inline]] static inline void weigh_values(const SingleQuery& a, float factor) {
    if (a.width < S::width) return weigh_some<S>(a, factor);
    std::size_t i = 0;
    for (; i + 8 * S::width <= a.width; i += 8 * S::width) weigh<S, 8>(a, factor, i);
    for (; i + 4 * S::width <= a.width; i += 4 * S::width) weigh<S, 4>(a, factor, i);
    for (; i + S::width <= a.width; i += S::width) weigh<S, 1>(a, factor, i);
    if (i < a.width) weigh<S, 1>(a, factor, a.width - S::width);
  }

  template <class S, std::size_t vectors>
  [[gnu::always_inline]] static inline void weigh(const SingleQuery& a, float factor,
                                                  std::size_t first) {
    using F = typename S::F;
    constexpr auto each = std::make_index_sequence<vectors>{};
    F sums[vectors] = {};
    for (std::size_t k = 0; k < a.count; ++k) {
      const float* value = a.values + a.rows[k] * a.value_stride + first;
      const float weight = a.weights[k];
      unroll(
          each, [&](auto v) __attribute__((always_inline)) {
            F x;
            simd::load<S>(x, value + v * S::width);
            sums[v] += weight * x;
          });
    }
    unroll(
        each, [&](auto v) __attribute__((always_inline)) {
          const F x = sums[v] * factor;
          simd::store<S>(a.output + first + v * S::width, x);
        });
  }

  template <class S>
  [[gnu::always_inline]] static inline void weigh_some(const SingleQuery& a, float factor) {
    typename S::F x, sums;
    std::memset(&sums, 0, sizeof sums);
    for (std::size_t k = 0; k < a.count; ++k) {
      simd::load_some<S>(x, a.values + a.rows[k] * a.value_stride, a.width);
      sums += a.weights[k] * x;
    }
    sums = sums * factor;
    simd::store_some<S>(a.output, sums, a.width);
  }
};

/// Bias and mask of a block of queries, one query per lane.
struct BlockShift {
  float* scores = nullptr;  ///< [count, lanes], become scale * score + bias, or minus infinity
  std::size_t count = 0;    ///< keys
  std::size_t lanes = 0;    ///< a multiple of S::width
  std::size_t queries = 0;  ///< lanes that are in use
  float scale = 1.0f;
  const std::int32_t* positions = nullptr;  ///< [count] of the keys
  const float* bias = nullptr;              ///< [queries] rows `stride` apart, by position; or null
  const std::uint8_t* hidden = nullptr;     ///< likewise, 1: not seen
  std::size_t stride = 0;
};

/// Squares of queries and keys, which are transposed on the way: bias and mask have a row for each
/// query, scores one for each key.
struct ShiftBlockKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const BlockShift& a) {
    for (std::size_t lane = 0; lane < a.lanes; lane += S::width)
      for (std::size_t first = 0; first < a.count; first += S::width) {
        add<S>(a, lane, first);
        if (a.hidden != nullptr) hide<S>(a, lane, first);
      }
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline void add(const BlockShift& a, std::size_t lane,
                                                std::size_t first) {
    typename S::F rows[S::width] = {}, x;
    if (a.bias != nullptr) transposed<S>(rows, a.bias, a, lane, first);
    const std::size_t keys = std::min(S::width, a.count - first);
    for (std::size_t k = 0; k < keys; ++k) {
      float* scores = a.scores + (first + k) * a.lanes + lane;
      simd::load<S>(x, scores);
      x = x * a.scale + rows[k];
      simd::store<S>(scores, x);
    }
  }

  template <class S>
  [[gnu::always_inline]] static inline void hide(const BlockShift& a, std::size_t lane,
                                                 std::size_t first) {
    typename S::F rows[S::width], x, nothing;
    const typename S::F zero{};
    simd::fill<S>(nothing, -std::numeric_limits<float>::infinity());
    transposed<S>(rows, a.hidden, a, lane, first);
    const std::size_t keys = std::min(S::width, a.count - first);
    for (std::size_t k = 0; k < keys; ++k) {
      float* scores = a.scores + (first + k) * a.lanes + lane;
      simd::load<S>(x, scores);
      x = rows[k] == zero ? x : nothing;
      simd::store<S>(scores, x);
    }
  }

  // rows[k] holds, for the queries from `lane` on, what `values` has for key first + k.
  template <class S, class Value>
  [[gnu::always_inline]] static inline void transposed(typename S::F* rows, const Value* values,
                                                       const BlockShift& a, std::size_t lane,
                                                       std::size_t first) {
    const std::size_t last = std::min(first + S::width, a.count) - 1;
    const bool adjacent = last - first + 1 == S::width &&
                          a.positions[last] - a.positions[first] == static_cast<int>(last - first);
    for (std::size_t i = 0; i < S::width; ++i) {
      const Value* row = values + std::min(lane + i, a.queries - 1) * a.stride;
      float picked[S::width];
      if (adjacent) {
        row += a.positions[first];
        for (std::size_t k = 0; k < S::width; ++k) picked[k] = static_cast<float>(row[k]);
      } else {
        for (std::size_t k = 0; k < S::width; ++k)
          picked[k] = static_cast<float>(row[a.positions[std::min(first + k, last)]]);
      }
      simd::load<S>(rows[i], picked);
    }
    simd::transpose<S>(rows);
  }
};

/// Scores of a block of queries, one query per lane.
struct QueryBlock {
  float* scores = nullptr;  ///< [count, lanes], become e^(scale * (score - largest))
  std::size_t count = 0;    ///< keys
  std::size_t lanes = 0;    ///< a multiple of S::width
  float scale = 1.0f;
  float* factors = nullptr;                 ///< [lanes], written: 1 / sum
  const std::int32_t* positions = nullptr;  ///< [count] of the keys; null: nothing is masked
  std::int32_t first_limit = 0;             ///< lane i sees no position beyond first_limit + i
};

struct SoftmaxBlockKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const QueryBlock& a) {
    for (std::size_t lane = 0; lane < a.lanes; lane += S::width) column<S>(a, lane);
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline void column(const QueryBlock& a, std::size_t lane) {
    using F = typename S::F;
    F x, best, total, nothing;
    simd::fill<S>(nothing, -std::numeric_limits<float>::infinity());
    best = nothing;
    if (a.positions != nullptr) mask<S>(a, lane, nothing);
    for (std::size_t k = 0; k < a.count; ++k) {
      simd::load<S>(x, a.scores + k * a.lanes + lane);
      best = x > best ? x : best;
    }
    std::memset(&total, 0, sizeof total);
    for (std::size_t k = 0; k < a.count; ++k) {
      simd::load<S>(x, a.scores + k * a.lanes + lane);
      x = (x - best) * a.scale;
      simd::exp_inplace<S>(x);
      total += x;
      simd::store<S>(a.scores + k * a.lanes + lane, x);
    }
    total = 1.0f / total;
    simd::store<S>(a.factors + lane, total);
  }

  template <class S>
  [[gnu::always_inline]] static inline void mask(const QueryBlock& a, std::size_t lane,
                                                 const typename S::F& nothing) {
    typename S::I limits;
    std::int32_t values[S::width];
    for (std::size_t i = 0; i < S::width; ++i)
      values[i] = a.first_limit + static_cast<std::int32_t>(lane + i);
    std::memcpy(&limits, values, sizeof limits);
    for (std::size_t k = a.count; k-- > 0 && a.positions[k] > values[0];) {
      typename S::F x;
      simd::load<S>(x, a.scores + k * a.lanes + lane);
      x = limits < a.positions[k] ? nothing : x;
      simd::store<S>(a.scores + k * a.lanes + lane, x);
    }
  }
};

/// Weighted means, one query per lane, to be written to rows.
struct BlockOutput {
  const float* means = nullptr;    ///< [width, lanes]
  const float* factors = nullptr;  ///< [lanes]
  std::size_t width = 0, lanes = 0;
  std::size_t queries = 0;  ///< lanes that are in use
  float* output = nullptr;  ///< [queries] rows, `stride` apart
  std::size_t stride = 0;
};

struct WriteBlockKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const BlockOutput& a) {
    for (std::size_t lane = 0; lane < a.queries; lane += S::width)
      for (std::size_t first = 0; first < a.width; first += S::width) square<S>(a, lane, first);
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline void square(const BlockOutput& a, std::size_t lane,
                                                   std::size_t first) {
    typename S::F rows[S::width], factors;
    simd::load<S>(factors, a.factors + lane);
    const std::size_t here = std::min(S::width, a.width - first);
    unroll(
        std::make_index_sequence<S::width>{}, [&](auto i) __attribute__((always_inline)) {
          const std::size_t row = std::min(first + i, a.width - 1);
          simd::load<S>(rows[i], a.means + row * a.lanes + lane);
          rows[i] = rows[i] * factors;
        });
    simd::transpose<S>(rows);
    const std::size_t queries = std::min(S::width, a.queries - lane);
    for (std::size_t q = 0; q < queries; ++q) {
      float* to = a.output + (lane + q) * a.stride + first;
      if (here == S::width)
        simd::store<S>(to, rows[q]);
      else
        simd::store_some<S>(to, rows[q], here);
    }
  }
};

}  // namespace coca::detail
