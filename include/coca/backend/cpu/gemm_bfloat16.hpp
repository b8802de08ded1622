#pragma once
/// @file
/// The inner loops of the packed matrix product with weights kept as bfloat16.
///
/// Panels hold two steps side by side, [in / 2][outputs][2]: what the dot-product instruction of
/// AVX512_BF16 reads, and what a shift and a mask turn into two vectors of floats. The instruction
/// does twice the work of a fused multiply-add, but on some processors (Sapphire Rapids) takes four
/// times as long; so the two methods are timed against each other, once, if both are possible.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "coca/backend/cpu/gemm_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace coca::detail {

/// Float inputs, bfloat16 weights widened in registers.
template <std::size_t Rows, std::size_t Panels = 1>
struct WidenedTile {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Tile& tile) {
    using F = typename S::F;
    using I = typename S::I;
    constexpr auto rows = std::make_index_sequence<Rows>{};
    constexpr auto panels = std::make_index_sequence<Panels>{};
    const auto* left = static_cast<const float*>(tile.left);
    const auto* right = static_cast<const std::byte*>(tile.right);
    const I upper = I{} - 65536;
    F sum0[Panels][Rows] = {}, sum1[Panels][Rows] = {};
    for (std::size_t step = 0; step < tile.steps; ++step) {
      unroll(
          panels, [&](auto p) __attribute__((always_inline)) {
            const std::byte* weights = right + p * tile.panel_bytes;
            I pairs0, pairs1;
            F weight0, weight1;
            std::memcpy(&pairs0, weights, sizeof pairs0);
            std::memcpy(&pairs1, weights + sizeof pairs0, sizeof pairs1);
            prefetch_weights<sizeof pairs0, Panels>(weights);
            const I even0 = pairs0 << 16, even1 = pairs1 << 16;
            simd::from_bits<S>(weight0, even0);
            simd::from_bits<S>(weight1, even1);
            unroll(
                rows, [&](auto r) __attribute__((always_inline)) {
                  sum0[p][r] += left[r] * weight0;
                  sum1[p][r] += left[r] * weight1;
                });
            const I odd0 = pairs0 & upper, odd1 = pairs1 & upper;
            simd::from_bits<S>(weight0, odd0);
            simd::from_bits<S>(weight1, odd1);
            unroll(
                rows, [&](auto r) __attribute__((always_inline)) {
                  sum0[p][r] += left[Rows + r] * weight0;
                  sum1[p][r] += left[Rows + r] * weight1;
                });
          });
      left += 2 * Rows;
      right += panel_vectors * sizeof(I);
    }
    unroll(
        panels, [&](auto p) __attribute__((always_inline)) {
          unroll(
              rows, [&](auto r) __attribute__((always_inline)) {
                write_sums<S, Rows>(tile, p, r, sum0[p][r], sum1[p][r]);
              });
        });
  }
};

template <std::size_t Rows>
using SingleWidenedTile = WidenedTile<Rows, 1>;
template <std::size_t Rows>
using WidenedTilePair = WidenedTile<Rows, 2>;

/// The kernels that widen weights. With AVX-512 two rows fewer than for floats: pairs and mask take
/// their registers.
inline PanelKernels widened_kernels(InstructionSet set) {
  PanelKernels kernels = panel_kernels<SingleWidenedTile, WidenedTilePair, 12>(set);
  kernels.left_words = 2;
  return kernels;
}

#if defined(__x86_64__)

/// Pairs of bfloat16, multiplied and summed as floats.
template <std::size_t Rows, std::size_t Panels>
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]] void dotted_tile(
    const Tile& tile) {
  const auto* left = static_cast<const std::int32_t*>(tile.left);
  const auto* right = static_cast<const std::byte*>(tile.right);
  __m512 sum0[Panels][Rows], sum1[Panels][Rows];
#pragma GCC unroll 2
  for (std::size_t p = 0; p < Panels; ++p) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Rows; ++r) sum0[p][r] = sum1[p][r] = _mm512_setzero_ps();
  }
  for (std::size_t step = 0; step < tile.steps; ++step) {
#pragma GCC unroll 2
    for (std::size_t p = 0; p < Panels; ++p) {
      const std::byte* weights = right + p * tile.panel_bytes;
      const auto weight0 = (__m512bh)_mm512_loadu_si512(weights);
      const auto weight1 = (__m512bh)_mm512_loadu_si512(weights + 64);
      prefetch_weights<64, Panels>(weights);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < Rows; ++r) {
        const auto input = (__m512bh)_mm512_set1_epi32(left[r]);
        sum0[p][r] = _mm512_dpbf16_ps(sum0[p][r], weight0, input);
        sum1[p][r] = _mm512_dpbf16_ps(sum1[p][r], weight1, input);
      }
    }
    left += Rows;
    right += 128;
  }
#pragma GCC unroll 2
  for (std::size_t p = 0; p < Panels; ++p) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < Rows; ++r) {
      float* products = tile.products + (p * Rows + r) * 32;
      if (tile.accumulate) {
        sum0[p][r] = _mm512_add_ps(sum0[p][r], _mm512_loadu_ps(products));
        sum1[p][r] = _mm512_add_ps(sum1[p][r], _mm512_loadu_ps(products + 16));
      }
      _mm512_storeu_ps(products, sum0[p][r]);
      _mm512_storeu_ps(products + 16, sum1[p][r]);
    }
  }
}

template <std::size_t... R, std::size_t... Pair>
PanelKernels dotted_kernels(std::index_sequence<R...>, std::index_sequence<Pair...>) {
  static constexpr TileFunction tiles[] = {&dotted_tile<R + 1, 1>...};
  static constexpr TileFunction pair_tiles[] = {&dotted_tile<Pair + 1, 2>...};
  return {32, sizeof...(R), tiles, sizeof...(Pair), pair_tiles, 1, true};
}

/// The kernels that use the instruction: at most 14 rows by a panel, or 6 by two.
inline PanelKernels dotted_kernels() {
  return dotted_kernels(std::make_index_sequence<14>{}, std::make_index_sequence<6>{});
}

/// Seconds per row of a tile that is entirely in cache: the best of several runs of a few
/// microseconds.
inline double seconds_per_row(const PanelKernels& kernels) {
  constexpr std::size_t steps = 64;
  std::array<float, steps * 2 * 14> left{};
  std::array<float, steps * 32> right{};
  std::array<float, 14 * 32> products{};
  const Tile tile{steps, left.data(), right.data(), products.data(), false};
  double least = 1;
  for (int run = 0; run < 50; ++run) {
    const auto start = std::chrono::steady_clock::now();
    for (int repeat = 0; repeat < 4; ++repeat) kernels.tiles[kernels.most_rows - 1](tile);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    least = std::min(least, time.count());
  }
  return least / static_cast<double>(kernels.most_rows);
}

/// The kernels for weights kept as bfloat16.
inline PanelKernels bfloat16_kernels(InstructionSet set) {
  if (set != InstructionSet::avx512 || !has_avx512_bf16()) return widened_kernels(set);
  static const PanelKernels best = [] {
    const PanelKernels widened = widened_kernels(InstructionSet::avx512);
    const PanelKernels dotted = dotted_kernels();
    return seconds_per_row(dotted) < seconds_per_row(widened) ? dotted : widened;
  }();
  return best;
}

#else

/// The kernels for weights kept as bfloat16.
inline PanelKernels bfloat16_kernels(InstructionSet set) { return widened_kernels(set); }

#endif

}  // namespace coca::detail
