#pragma once
/// @file
/// The inner loops of the packed matrix product: a tile of some rows by one panel of the weight.
///
/// A panel is `S::width * 2` outputs of the weight, kept [in][outputs] so that one step along `in`
/// reads two whole vectors; the rows of the input are interleaved [in][rows] so that one step reads
/// its rows one behind the other. The tile stays in registers: 14 x 2 accumulators of 32 registers
/// with AVX-512, 6 x 2 of 16 with AVX2 and SSE2, beside two registers of weights and one broadcast
/// input.
///
/// bfloat16 panels hold two steps side by side, [in / 2][outputs][2]: what the dot-product
/// instruction of AVX512_BF16 reads, and what a shift and a mask turn into two vectors of floats
/// elsewhere.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "coca/backend/cpu/simd.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace coca::detail {

/// Vectors of one panel.
inline constexpr std::size_t panel_vectors = 2;

/// One tile of products.
struct Tile {
  std::size_t steps = 0;        ///< along `in`; pairs for bfloat16
  const void* left = nullptr;   ///< inputs [steps][rows], floats or pairs of bfloat16
  const void* right = nullptr;  ///< weights [steps][panel]
  float* products = nullptr;    ///< [rows][panel]
  bool accumulate = false;      ///< add to what `products` holds
};

using TileFunction = void (*)(const Tile&);

/// Asks for the weights of a later step. The distance is what memory needs to answer; the processor's
/// own prefetching ends at every page of 4 KB.
template <std::size_t vector_bytes>
[[gnu::always_inline]] inline void prefetch_weights(const void* right) {
  constexpr std::uintptr_t distance = 4096;
  const std::uintptr_t later = reinterpret_cast<std::uintptr_t>(right) + distance;
  __builtin_prefetch(reinterpret_cast<const void*>(later));
  if constexpr (vector_bytes == 64) __builtin_prefetch(reinterpret_cast<const void*>(later + 64));
}

/// Hands over one row of a tile.
template <class S>
[[gnu::always_inline]] inline void write_sums(const Tile& tile, std::size_t row,
                                              typename S::F& sum0, typename S::F& sum1) {
  float* products = tile.products + row * panel_vectors * S::width;
  if (tile.accumulate) {
    typename S::F before0, before1;
    simd::load<S>(before0, products);
    simd::load<S>(before1, products + S::width);
    sum0 += before0;
    sum1 += before1;
  }
  simd::store<S>(products, sum0);
  simd::store<S>(products + S::width, sum1);
}

/// Float inputs and weights.
template <std::size_t Rows>
struct FloatTile {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Tile& tile) {
    using F = typename S::F;
    constexpr auto rows = std::make_index_sequence<Rows>{};
    const auto* left = static_cast<const float*>(tile.left);
    const auto* right = static_cast<const float*>(tile.right);
    F sum0[Rows] = {}, sum1[Rows] = {};
    for (std::size_t step = 0; step < tile.steps; ++step) {
      F weight0, weight1;
      simd::load<S>(weight0, right);
      simd::load<S>(weight1, right + S::width);
      prefetch_weights<sizeof weight0>(right);
      unroll(
          rows, [&](auto r) __attribute__((always_inline)) {
            sum0[r] += left[r] * weight0;
            sum1[r] += left[r] * weight1;
          });
      left += Rows;
      right += panel_vectors * S::width;
    }
    unroll(
        rows, [&](auto r)
                  __attribute__((always_inline)) { write_sums<S>(tile, r, sum0[r], sum1[r]); });
  }
};

/// Float inputs, bfloat16 weights widened in registers.
template <std::size_t Rows>
struct WidenedTile {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Tile& tile) {
    using F = typename S::F;
    using I = typename S::I;
    constexpr auto rows = std::make_index_sequence<Rows>{};
    const auto* left = static_cast<const float*>(tile.left);
    const auto* right = static_cast<const std::byte*>(tile.right);
    const I upper = I{} - 65536;
    F sum0[Rows] = {}, sum1[Rows] = {};
    for (std::size_t step = 0; step < tile.steps; ++step) {
      I pairs0, pairs1;
      F weight0, weight1;
      std::memcpy(&pairs0, right, sizeof pairs0);
      std::memcpy(&pairs1, right + sizeof pairs0, sizeof pairs1);
      prefetch_weights<sizeof pairs0>(right);
      const I even0 = pairs0 << 16, even1 = pairs1 << 16;
      simd::from_bits<S>(weight0, even0);
      simd::from_bits<S>(weight1, even1);
      unroll(
          rows, [&](auto r) __attribute__((always_inline)) {
            sum0[r] += left[r] * weight0;
            sum1[r] += left[r] * weight1;
          });
      const I odd0 = pairs0 & upper, odd1 = pairs1 & upper;
      simd::from_bits<S>(weight0, odd0);
      simd::from_bits<S>(weight1, odd1);
      unroll(
          rows, [&](auto r) __attribute__((always_inline)) {
            sum0[r] += left[Rows + r] * weight0;
            sum1[r] += left[Rows + r] * weight1;
          });
      left += 2 * Rows;
      right += panel_vectors * sizeof pairs0;
    }
    unroll(
        rows, [&](auto r)
                  __attribute__((always_inline)) { write_sums<S>(tile, r, sum0[r], sum1[r]); });
  }
};

/// What the driver must know of a panel layout and the kernels that read it.
struct PanelKernels {
  std::size_t panel = 0;      ///< outputs of a panel
  std::size_t most_rows = 0;  ///< of a tile
  const TileFunction* tiles = nullptr;
  std::size_t left_words = 1;     ///< floats (or pairs) of a row of the input in one step
  bool left_is_bfloat16 = false;  ///< pairs instead of floats
};

// The AVX2 and AVX-512 wrappers of kernels, and the dot product of AVX512_BF16.
#if defined(__x86_64__)

/// Pairs of bfloat16, multiplied and summed as floats.
template <std::size_t Rows>
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]] void dotted_tile(
    const Tile& tile) {
  const auto* left = static_cast<const std::int32_t*>(tile.left);
  const auto* right = static_cast<const std::byte*>(tile.right);
  __m512 sum0[Rows], sum1[Rows];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Rows; ++r) sum0[r] = sum1[r] = _mm512_setzero_ps();
  for (std::size_t step = 0; step < tile.steps; ++step) {
    const auto weight0 = (__m512bh)_mm512_loadu_si512(right);
    const auto weight1 = (__m512bh)_mm512_loadu_si512(right + 64);
    prefetch_weights<64>(right);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Rows; ++r) {
      const auto input = (__m512bh)_mm512_set1_epi32(left[r]);
      sum0[r] = _mm512_dpbf16_ps(sum0[r], weight0, input);
      sum1[r] = _mm512_dpbf16_ps(sum1[r], weight1, input);
    }
    left += Rows;
    right += 128;
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < Rows; ++r) {
    float* products = tile.products + r * 32;
    if (tile.accumulate) {
      sum0[r] = _mm512_add_ps(sum0[r], _mm512_loadu_ps(products));
      sum1[r] = _mm512_add_ps(sum1[r], _mm512_loadu_ps(products + 16));
    }
    _mm512_storeu_ps(products, sum0[r]);
    _mm512_storeu_ps(products + 16, sum1[r]);
  }
}

template <template <std::size_t> class Kernel, std::size_t... R>
const TileFunction* avx512_tiles(std::index_sequence<R...>) {
  static constexpr TileFunction tiles[] = {&run_avx512<Kernel<R + 1>, Tile>...};
  return tiles;
}
template <template <std::size_t> class Kernel, std::size_t... R>
const TileFunction* avx2_tiles(std::index_sequence<R...>) {
  static constexpr TileFunction tiles[] = {&run_avx2<Kernel<R + 1>, Tile>...};
  return tiles;
}
template <std::size_t... R>
const TileFunction* dotted_tiles(std::index_sequence<R...>) {
  static constexpr TileFunction tiles[] = {&dotted_tile<R + 1>...};
  return tiles;
}

template <template <std::size_t> class Kernel>
PanelKernels wide_kernels(InstructionSet set) {
  if (set == InstructionSet::avx512)
    return {32, 14, avx512_tiles<Kernel>(std::make_index_sequence<14>{})};
  return {16, 6, avx2_tiles<Kernel>(std::make_index_sequence<6>{})};
}
inline PanelKernels dotted_kernels() {
  return {32, 14, dotted_tiles(std::make_index_sequence<14>{}), 1, true};
}

#else

template <template <std::size_t> class Kernel>
PanelKernels wide_kernels(InstructionSet) {
  return {};
}
inline PanelKernels dotted_kernels() { return {}; }

#endif

template <class Kernel>
void run_baseline(const Tile& tile) {
  Kernel::template run<Baseline>(tile);
}
template <template <std::size_t> class Kernel, std::size_t... R>
const TileFunction* baseline_tiles(std::index_sequence<R...>) {
  static constexpr TileFunction tiles[] = {&run_baseline<Kernel<R + 1>>...};
  return tiles;
}
template <template <std::size_t> class Kernel>
PanelKernels choose_kernels(InstructionSet set) {
  if (set != InstructionSet::baseline) return wide_kernels<Kernel>(set);
  return {8, 6, baseline_tiles<Kernel>(std::make_index_sequence<6>{})};
}

/// The kernels for weights kept as float.
inline PanelKernels float_kernels(InstructionSet set) { return choose_kernels<FloatTile>(set); }

/// The kernels for weights kept as bfloat16.
inline PanelKernels bfloat16_kernels(InstructionSet set) {
  if (set == InstructionSet::avx512 && has_avx512_bf16()) return dotted_kernels();
  PanelKernels kernels = choose_kernels<WidenedTile>(set);
  kernels.left_words = 2;
  return kernels;
}

}  // namespace coca::detail
