#pragma once
/// @file
/// Vectors of floats for kernels: `S::F` holds S::width floats, `S::I` and `S::U` as many
/// integers with and without sign.
///
/// Built on the vector extensions of gcc and clang, so + - * / < and ?: work on whole vectors;
/// products and sums in one expression become fused multiply-adds where the target has them.
/// Everything is inlined into the wrappers of instruction_set.hpp and takes vectors by reference:
/// passing one by value would depend on the ABI of an instruction set that the function itself does
/// not name.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "coca/backend/cpu/instruction_set.hpp"

namespace coca::detail {

struct Baseline {
  static constexpr std::size_t width = 4;
  typedef float F __attribute__((vector_size(16)));
  typedef std::int32_t I __attribute__((vector_size(16)));
  typedef std::uint32_t U __attribute__((vector_size(16)));
};

struct Avx2 {
  static constexpr std::size_t width = 8;
  typedef float F __attribute__((vector_size(32)));
  typedef std::int32_t I __attribute__((vector_size(32)));
  typedef std::uint32_t U __attribute__((vector_size(32)));
};

struct Avx512 {
  static constexpr std::size_t width = 16;
  typedef float F __attribute__((vector_size(64)));
  typedef std::int32_t I __attribute__((vector_size(64)));
  typedef std::uint32_t U __attribute__((vector_size(64)));
};

/// Calls function(integral_constant<I>) for I = 0 ... count - 1, unrolled at any optimisation
/// level.
template <std::size_t... I, class Function>
[[gnu::always_inline]] inline void unroll(std::index_sequence<I...>, const Function& function) {
  (function(std::integral_constant<std::size_t, I>{}), ...);
}

namespace simd {

template <class S>
[[gnu::always_inline]] inline void load(typename S::F& x, const float* from) {
  std::memcpy(&x, from, sizeof x);
}
template <class S>
[[gnu::always_inline]] inline void store(float* to, const typename S::F& x) {
  std::memcpy(to, &x, sizeof x);
}
/// The first `count` < S::width elements; the others become `rest`.
template <class S>
[[gnu::always_inline]] inline void load_some(typename S::F& x, const float* from, std::size_t count,
                                             float rest = 0.0f) {
  float values[S::width];
  for (std::size_t i = 0; i < S::width; ++i) values[i] = rest;
  std::memcpy(values, from, count * sizeof(float));
  std::memcpy(&x, values, sizeof x);
}
template <class S>
[[gnu::always_inline]] inline void store_some(float* to, const typename S::F& x,
                                              std::size_t count) {
  float values[S::width];
  std::memcpy(values, &x, sizeof x);
  std::memcpy(to, values, count * sizeof(float));
}
template <class S>
[[gnu::always_inline]] inline void fill(typename S::F& x, float value) {
  typename S::F zero;
  std::memset(&zero, 0, sizeof zero);  // gcc 12 would build value - F{} element by element
  x = value - zero;                    // changes nothing, not even -0
}

/// The same bits as integers, and back.
template <class S>
[[gnu::always_inline]] inline void bits_of(typename S::I& bits, const typename S::F& x) {
  std::memcpy(&bits, &x, sizeof x);
}
template <class S>
[[gnu::always_inline]] inline void from_bits(typename S::F& x, const typename S::I& bits) {
  std::memcpy(&x, &bits, sizeof x);
}

// Conversions are spelt out for each width: gcc 12 cannot do them on a dependent type.
[[gnu::always_inline]] inline void truncate(Baseline::I& n, const Baseline::F& x) {
  n = __builtin_convertvector(x, Baseline::I);
}
[[gnu::always_inline]] inline void truncate(Avx2::I& n, const Avx2::F& x) {
  n = __builtin_convertvector(x, Avx2::I);
}
[[gnu::always_inline]] inline void truncate(Avx512::I& n, const Avx512::F& x) {
  n = __builtin_convertvector(x, Avx512::I);
}
[[gnu::always_inline]] inline void to_float(Baseline::F& x, const Baseline::I& n) {
  x = __builtin_convertvector(n, Baseline::F);
}
[[gnu::always_inline]] inline void to_float(Avx2::F& x, const Avx2::I& n) {
  x = __builtin_convertvector(n, Avx2::F);
}
[[gnu::always_inline]] inline void to_float(Avx512::F& x, const Avx512::I& n) {
  x = __builtin_convertvector(n, Avx512::F);
}

/// Sum of all elements, added pairwise.
template <class S>
[[gnu::always_inline]] inline float sum(const typename S::F& x) {
  float values[S::width];
  std::memcpy(values, &x, sizeof x);
  for (std::size_t half = S::width / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) values[i] += values[i + half];
  return values[0];
}
/// Largest element; NaN is ignored.
template <class S>
[[gnu::always_inline]] inline float largest(const typename S::F& x, float least) {
  float values[S::width];
  std::memcpy(values, &x, sizeof x);
  for (const float value : values) least = value > least ? value : least;
  return least;
}

/// Whether any element of a comparison's result is true.
template <class S>
[[gnu::always_inline]] inline bool any(const typename S::I& mask) {
  std::int64_t words[S::width / 2], all = 0;
  std::memcpy(words, &mask, sizeof mask);
  for (const std::int64_t word : words) all |= word;
  return all != 0;
}

/// e^x to 2 units in the last place; 0 below -87.3, infinity above 88.7, NaN for NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; e^r = 1 + r + r² p(r), where p interpolates (e^r - 1 - r) /
/// r² at Chebyshev nodes (relative error of e^r 1.1e-8); 2^n is put together from its exponent
/// bits. ln 2 is subtracted in two parts, the first with so few bits that n times it is exact.
template <class S>
[[gnu::always_inline]] inline void exp_inplace(typename S::F& x) {
  using F = typename S::F;
  using I = typename S::I;
  const F zero{};
  F one, half;
  fill<S>(one, 1.0f);
  fill<S>(half, 0.5f);
  const F scaled = x * 1.44269504088896341f;
  const F rounding = x < zero ? -half : half;
  I n;
  const F shifted = scaled + rounding;
  truncate(n, shifted);
  F whole;
  to_float(whole, n);
  F r = x - whole * 0.693359375f;
  r = r + whole * 2.12194440054690583e-4f;
  F p = r * 1.392625083e-03f + 8.363232884e-03f;
  p = p * r + 4.166655421e-02f;
  p = p * r + 1.666657667e-01f;
  p = p * r + 5.000000000e-01f;
  p = p * (r * r) + r;
  p = p + one;
  // Two factors, so that the largest n = 128 does not leave the exponent's range.
  const I first = n >> 1;
  F power1, power2;
  const I bits1 = (first + 127) << 23, bits2 = (n - first + 127) << 23;
  from_bits<S>(power1, bits1);
  from_bits<S>(power2, bits2);
  p = p * power1 * power2;
  F low, high, infinity;
  fill<S>(low, -87.3f);
  fill<S>(high, 88.72283f);
  fill<S>(infinity, __builtin_inff());
  p = x < low ? zero : p;
  p = x > high ? infinity : p;
  x = x == x ? p : x;
}

/// GELU with erf: x Φ(x), absolute error below 1e-6.
///
/// Φ(-|x|) = erfc(|x| / √2) / 2 by Abramowitz and Stegun 7.1.26, whose error in erf is
/// below 1.5e-7: erfc(z) = (a1 t + ... + a5 t⁵) e^(-z²), t = 1 / (1 + 0.3275911 z). With q =
/// Φ(-|x|), the result is x q for negative x and x - x q for positive x, without cancellation.
template <class S>
[[gnu::always_inline]] inline void gelu_inplace(typename S::F& x) {
  using F = typename S::F;
  const F zero{};
  const F magnitude = x < zero ? -x : x;
  const F z = magnitude * 0.707106781186547524f;
  const F t = 1.0f / (z * 0.3275911f + 1.0f);
  F p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  F e = -z * z;
  exp_inplace<S>(e);
  const F product = x * (p * t * 0.5f * e);
  const F above = x - product;
  x = x < zero ? product : above;
}

/// QuickGELU: x / (1 + e^(-1.702 x)).
template <class S>
[[gnu::always_inline]] inline void quick_gelu_inplace(typename S::F& x) {
  typename S::F e = x * -1.702f;
  exp_inplace<S>(e);
  x = x / (e + 1.0f);
}

/// σ(x) = 1 / (1 + e^-x).
template <class S>
[[gnu::always_inline]] inline void sigmoid_inplace(typename S::F& x) {
  typename S::F e = -x;
  exp_inplace<S>(e);
  x = 1.0f / (e + 1.0f);
}

/// tanh(x) = 2 σ(2 x) - 1, absolute error below 1e-6.
template <class S>
[[gnu::always_inline]] inline void tanh_inplace(typename S::F& x) {
  x = x + x;
  sigmoid_inplace<S>(x);
  x = x + x - 1.0f;
}

/// σ(2 v) with v = √(2/π) (x + 0.044715 x³), of which GELU by tanh is x times: (1 + tanh(v)) / 2.
template <class S>
[[gnu::always_inline]] inline void gelu_tanh_factor(typename S::F& factor, const typename S::F& x) {
  factor = (x + x * x * x * 0.044715f) * 1.59576912160573080f;
  sigmoid_inplace<S>(factor);
}

}  // namespace simd
}  // namespace coca::detail
