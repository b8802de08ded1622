#pragma once
/// @file
/// The inner loops of the packed matrix product: a tile of some rows by one panel of the weight.
///
/// A panel is `S::width * 2` outputs of the weight, kept [in][outputs] so that one step along `in`
/// reads two whole vectors; the rows of the input are interleaved [in][rows] so that one step reads
/// its rows one after the other. The tile stays in registers: 14 x 2 accumulators of 32 registers
/// with AVX-512, 6 x 2 of 16 with AVX2 and SSE2, plus two registers of weights and one broadcast
/// input.
///
/// A product of few rows is limited by reading its weights. It reads two panels side by side if the
/// registers allow it: two streams keep more memory requests in flight (measured with
/// AVX-512 and 6 rows: a quarter more bytes per second).
///
/// bfloat16 panels hold two steps side by side, [in / 2][outputs][2]: what the dot-product
/// instruction of AVX512_BF16 reads, and what a shift and a mask turn into two vectors of floats
/// elsewhere.

#include <cstddef>
#include <cstdint>
#include <utility>

#include "coca/backend/cpu/simd.hpp"

namespace coca::detail {

/// Vectors of one panel.
inline constexpr std::size_t panel_vectors = 2;

/// One tile of products.
struct Tile {
  std::size_t steps = 0;        ///< along `in`; pairs for bfloat16
  const void* left = nullptr;   ///< inputs [steps][rows], floats or pairs of bfloat16
  const void* right = nullptr;  ///< weights [steps][panel]
  float* products = nullptr;    ///< [rows][panel]
  bool accumulate = false;      ///< add to the content of `products`
  std::size_t panel_bytes = 0;  ///< from one panel to the next, for kernels that read two
};

using TileFunction = void (*)(const Tile&);

/// Prefetches the weights of a later step of one of the panels that are read side by side. The
/// distance covers the memory latency (measured: half and twice of it read 5 to 10 % slower);
/// the processor's own prefetching ends at every page of 4 KB.
template <std::size_t vector_bytes, std::size_t panels>
[[gnu::always_inline]] inline void prefetch_weights(const void* right) {
  constexpr std::uintptr_t distance = 2560 / panels;
  const std::uintptr_t later = reinterpret_cast<std::uintptr_t>(right) + distance;
  __builtin_prefetch(reinterpret_cast<const void*>(later));
  if constexpr (vector_bytes == 64) __builtin_prefetch(reinterpret_cast<const void*>(later + 64));
}

/// Passes on one row of a tile of `Rows` rows by some panels, whose products are [panel][rows].
template <class S, std::size_t Rows>
[[gnu::always_inline]] inline void write_sums(const Tile& tile, std::size_t panel, std::size_t row,
                                              typename S::F& sum0, typename S::F& sum1) {
  float* products = tile.products + (panel * Rows + row) * panel_vectors * S::width;
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
template <std::size_t Rows, std::size_t Panels = 1>
struct FloatTile {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Tile& tile) {
    using F = typename S::F;
    constexpr auto rows = std::make_index_sequence<Rows>{};
    constexpr auto panels = std::make_index_sequence<Panels>{};
    const auto* left = static_cast<const float*>(tile.left);
    const auto* right = static_cast<const std::byte*>(tile.right);
    F sum0[Panels][Rows] = {}, sum1[Panels][Rows] = {};
    for (std::size_t step = 0; step < tile.steps; ++step) {
      unroll(
          panels, [&](auto p) __attribute__((always_inline)) {
            const auto* weights = reinterpret_cast<const float*>(right + p * tile.panel_bytes);
            F weight0, weight1;
            simd::load<S>(weight0, weights);
            simd::load<S>(weight1, weights + S::width);
            prefetch_weights<sizeof weight0, Panels>(weights);
            unroll(
                rows, [&](auto r) __attribute__((always_inline)) {
                  sum0[p][r] += left[r] * weight0;
                  sum1[p][r] += left[r] * weight1;
                });
          });
      left += Rows;
      right += panel_vectors * sizeof(F);
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
using SingleFloatTile = FloatTile<Rows, 1>;
template <std::size_t Rows>
using FloatTilePair = FloatTile<Rows, 2>;

/// What the driver must know about a panel layout and the kernels that read it.
struct PanelKernels {
  std::size_t panel = 0;      ///< outputs per panel
  std::size_t most_rows = 0;  ///< per tile
  const TileFunction* tiles = nullptr;
  std::size_t most_pair_rows = 0;            ///< per tile of two panels
  const TileFunction* pair_tiles = nullptr;  ///< for 1, 2, ... of them
  std::size_t left_words = 1;     ///< floats (or pairs) of a row of the input in one step
  bool left_is_bfloat16 = false;  ///< pairs instead of floats
  /// Rows of the input are stored one after the other, `step_multiple` steps of each, not
  /// interleaved.
  bool left_is_rows = false;
  std::size_t row_multiple = 1;   ///< that the rows of a tile are padded to
  std::size_t step_multiple = 1;  ///< that steps are padded to
  void (*enter)() = nullptr;      ///< called by a thread before its tiles
  void (*leave)() = nullptr;      ///< and after them
};

/// The functions that a kernel for 1, 2, ... rows is compiled to.
template <InstructionSet set, template <std::size_t> class Kernel, std::size_t... R>
const TileFunction* tile_functions(std::index_sequence<R...>) {
  static constexpr TileFunction tiles[] = {compiled_for<set, Kernel<R + 1>, Tile>()...};
  return tiles;
}

/// The kernels of one kind, for one panel and for two; with AVX-512 for at most `most_rows` rows.
template <template <std::size_t> class Kernel, template <std::size_t> class PairKernel,
          std::size_t most_rows>
PanelKernels panel_kernels(InstructionSet set) {
  constexpr auto wide = std::make_index_sequence<most_rows>{};
  constexpr auto narrow = std::make_index_sequence<6>{};
  constexpr auto narrow_pair = std::make_index_sequence<2>{};
  switch (set) {
    case InstructionSet::avx512:
      return {32, most_rows, tile_functions<InstructionSet::avx512, Kernel>(wide), 6,
              tile_functions<InstructionSet::avx512, PairKernel>(narrow)};
    case InstructionSet::avx2:
      return {16, 6, tile_functions<InstructionSet::avx2, Kernel>(narrow), 2,
              tile_functions<InstructionSet::avx2, PairKernel>(narrow_pair)};
    default:
      return {8, 6, tile_functions<InstructionSet::baseline, Kernel>(narrow), 2,
              tile_functions<InstructionSet::baseline, PairKernel>(narrow_pair)};
  }
}

/// The kernels for weights kept as float.
inline PanelKernels float_kernels(InstructionSet set) {
  return panel_kernels<SingleFloatTile, FloatTilePair, 14>(set);
}

}  // namespace coca::detail
