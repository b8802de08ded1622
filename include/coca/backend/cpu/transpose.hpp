#pragma once
/// @file
/// Transposing floats in registers, and what is built on that.

#include <cstddef>
#include <utility>

#include "coca/backend/cpu/simd.hpp"

namespace coca::detail::simd {

/// Of two vectors seen as segments of 2 * half elements: the first halves of all segments (of `a`,
/// then of `b`), and the second halves.
template <class S, std::size_t half, std::size_t... I>
[[gnu::always_inline]] inline void split_segments(typename S::F& first, typename S::F& second,
                                                  const typename S::F& a, const typename S::F& b,
                                                  std::index_sequence<I...>) {
  first = __builtin_shufflevector(a, b, static_cast<int>(I / half * 2 * half + I % half)...);
  second =
      __builtin_shufflevector(a, b, static_cast<int>(I / half * 2 * half + half + I % half)...);
}

/// sums[i] = sum of all elements of rows[i]; S::width rows. Overwrites the rows.
template <class S, std::size_t half = S::width / 2>
[[gnu::always_inline]] inline void sum_rows(typename S::F& sums, typename S::F* rows) {
  using F = typename S::F;
  constexpr auto lanes = std::make_index_sequence<S::width>{};
  unroll(
      std::make_index_sequence<half>{}, [&](auto i) __attribute__((always_inline)) {
        F first, second;
        split_segments<S, half>(first, second, rows[2 * i], rows[2 * i + 1], lanes);
        rows[i] = first + second;
      });
  if constexpr (half > 1)
    sum_rows<S, half / 2>(sums, rows);
  else
    sums = rows[0];
}

/// Of two vectors: alternating runs of `run` elements, so that rows and columns change places in
/// blocks.
template <class S, std::size_t run, std::size_t... I>
[[gnu::always_inline]] inline void exchange_blocks(typename S::F& a, typename S::F& b,
                                                   std::index_sequence<I...>) {
  const typename S::F x = a, y = b;
  a = __builtin_shufflevector(x, y, static_cast<int>(I / run % 2 == 0 ? I : S::width + I - run)...);
  b = __builtin_shufflevector(x, y, static_cast<int>(I / run % 2 == 0 ? I + run : S::width + I)...);
}

/// A square of S::width rows: element j of row i becomes element i of row j.
template <class S, std::size_t run = S::width / 2>
[[gnu::always_inline]] inline void transpose(typename S::F* rows) {
  constexpr auto lanes = std::make_index_sequence<S::width>{};
  unroll(
      std::make_index_sequence<S::width / 2>{}, [&](auto i) __attribute__((always_inline)) {
        constexpr std::size_t top = i / run * 2 * run + i % run;
        exchange_blocks<S, run>(rows[top], rows[top + run], lanes);
      });
  if constexpr (run > 1) transpose<S, run / 2>(rows);
}

}  // namespace coca::detail::simd
