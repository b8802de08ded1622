#pragma once
/// @file
/// Interleaving rows for the left side of the packed matrix product.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "coca/backend/cpu/transpose.hpp"

namespace coca::detail {

/// Rows to interleave: out[i * count + r] = element i of row r.
struct InterleaveArguments {
  static constexpr std::size_t most_rows = 32;

  std::array<const float*, most_rows> rows{};
  std::size_t count = 0;   ///< of the rows
  std::size_t length = 0;  ///< of each row, in floats
  std::size_t words = 0;   ///< written for each row; those after the end are zero
  void* out = nullptr;     ///< [words, count]
};

namespace simd {

/// Floats as bfloat16 in the upper halves of words, rounded to nearest, ties to even; NaN stays
/// NaN.
template <class S>
[[gnu::always_inline]] inline void round_to_bfloat16(typename S::U& bits, const typename S::F& x) {
  using U = typename S::U;
  U word;
  std::memcpy(&word, &x, sizeof x);
  const U rounded = word + 0x7fffu + ((word >> 16) & 1u);
  const U quiet = word | 0x400000u;
  bits = (word & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
}

/// Elements [first, first + S::width) of a row; zero beyond its end.
struct LoadFloats {
  static constexpr std::size_t per_word = 1;
  template <class S>
  [[gnu::always_inline]] static inline void run(typename S::F& x, const float* row,
                                                std::size_t first, std::size_t length) {
    if (first + S::width <= length)
      load<S>(x, row + first);
    else
      load_some<S>(x, row + first, length - first);
  }
};

/// Words [first, first + S::width) of a row whose words are pairs of bfloat16.
struct LoadPairs {
  static constexpr std::size_t per_word = 2;
  template <class S>
  [[gnu::always_inline]] static inline void run(typename S::F& x, const float* row,
                                                std::size_t first, std::size_t length) {
    typename S::F a, b, even, odd;
    const std::size_t middle = std::min(2 * first + S::width, length);
    LoadFloats::run<S>(a, row, 2 * first, length);
    LoadFloats::run<S>(b, row, middle, length);
    deinterleave<S>(even, odd, a, b, std::make_index_sequence<S::width>{});
    typename S::U low, high;
    round_to_bfloat16<S>(low, even);
    round_to_bfloat16<S>(high, odd);
    const typename S::U pairs = (low >> 16) | (high & 0xffff0000u);
    std::memcpy(&x, &pairs, sizeof x);
  }

 private:
  template <class S, std::size_t... I>
  [[gnu::always_inline]] static inline void deinterleave(typename S::F& even, typename S::F& odd,
                                                         const typename S::F& a,
                                                         const typename S::F& b,
                                                         std::index_sequence<I...>) {
    even = __builtin_shufflevector(a, b, static_cast<int>(2 * I)...);
    odd = __builtin_shufflevector(a, b, static_cast<int>(2 * I + 1)...);
  }
};

}  // namespace simd

/// Interleaves rows; Load is LoadFloats or LoadPairs.
template <class Load>
struct InterleaveKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const InterleaveArguments& a) {
    const std::size_t filled = (a.length + Load::per_word - 1) / Load::per_word;
    for (std::size_t first = 0; first < filled; first += S::width)
      for (std::size_t group = 0; group < a.count; group += S::width)
        square<S>(a, first, std::min(S::width, filled - first), group);
    std::memset(static_cast<float*>(a.out) + filled * a.count, 0,
                (a.words - filled) * a.count * sizeof(float));
  }

 private:
  // S::width rows by `words` <= S::width words.
  template <class S>
  [[gnu::always_inline]] static inline void square(const InterleaveArguments& a, std::size_t first,
                                                   std::size_t words, std::size_t group) {
    typename S::F rows[S::width];
    const std::size_t last = a.count - 1;
    unroll(
        std::make_index_sequence<S::width>{}, [&](auto r) __attribute__((always_inline)) {
          Load::template run<S>(rows[r], a.rows[std::min(group + r, last)], first, a.length);
        });
    simd::transpose<S>(rows);
    float* const out = static_cast<float*>(a.out);
    const float* const end = out + a.words * a.count;
    const std::size_t here = std::min(S::width, a.count - group);
    for (std::size_t i = 0; i < words; ++i) {
      float* to = out + (first + i) * a.count + group;
      // What a whole vector writes beyond the rows of a single group is overwritten by the next
      // word.
      const bool whole =
          here == S::width || (group == 0 && a.count < S::width && to + S::width <= end);
      if (whole)
        simd::store<S>(to, rows[i]);
      else
        simd::store_some<S>(to, rows[i], here);
    }
  }
};

}  // namespace coca::detail
