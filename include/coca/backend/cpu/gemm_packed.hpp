#pragma once
/// @file
/// The matrix product of our own: weights in panels, inputs interleaved, tiles in registers.
///
/// Blocking after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
/// (2008): a block along `in` is as long as keeps its piece of a panel in the first-level cache
/// while all rows pass by, and the rows that pass are as many as keep their block in the
/// second-level cache. With few rows the weight is read once from front to back, which is all that
/// such a product costs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/gemm_bfloat16.hpp"
#include "coca/backend/cpu/gemm_kernels.hpp"
#include "coca/backend/cpu/huge_pages.hpp"
#include "coca/backend/cpu/interleave.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/memory.hpp"

namespace coca::detail {

/// How a product is cut into tiles and blocks; each cut is into about equal parts.
struct GemmBlocking {
  std::size_t row_tiles = 1;      ///< tiles that the rows are cut into
  std::size_t depth_blocks = 1;   ///< blocks that the steps along `in` are cut into
  std::size_t tiles_at_once = 1;  ///< row tiles that share a block of the input in cache
  static constexpr std::size_t panels_at_once = 8;  ///< panels that meet it there

  GemmBlocking(std::size_t rows, std::size_t steps, const PanelKernels& kernels)
      : row_tiles((rows + kernels.most_rows - 1) / kernels.most_rows) {
    constexpr std::size_t depth = 256, rows_at_once = 280;
    if (row_tiles > 1) depth_blocks = (steps + depth - 1) / depth;
    tiles_at_once = std::max<std::size_t>(1, rows_at_once / kernels.most_rows);
  }
};

/// A weight in panels, kept as float or bfloat16.
template <class Stored>
class PackedWeight final : public GemmWeight {
  static constexpr bool is_float = std::is_same_v<Stored, float>;
  static constexpr std::size_t per_step = is_float ? 1 : 2;

 public:
  PackedWeight(std::size_t out, std::size_t in, InstructionSet set)
      : GemmWeight(out, in),
        set_(set),
        kernels_(is_float ? float_kernels(set) : bfloat16_kernels(set)),
        steps_((in + per_step - 1) / per_step),
        panels_((out + kernels_.panel - 1) / kernels_.panel),
        storage_(LargeMemory::instance().allocate(panels_ * panel_bytes())) {
    if (storage_.bytes() != 0) std::memset(storage_.at<std::byte>(0), 0, storage_.bytes());
  }

  void set(const WeightBlock& block) override {
    if (block.in_stride == 1) {
      for (std::size_t o = 0; o < block.out; ++o)
        for (std::size_t i = 0; i < block.in; ++i) set(block, o, i);
    } else {
      for (std::size_t i = 0; i < block.in; ++i)
        for (std::size_t o = 0; o < block.out; ++o) set(block, o, i);
    }
  }

  void unpack(std::size_t first, std::size_t count, float* rows) const override {
    for (std::size_t o = first; o < first + count; ++o)
      for (std::size_t i = 0; i < in_features(); ++i) *rows++ = static_cast<float>(*place(o, i));
  }

  void multiply(const GemmCall& call) const override {
    if (call.rows == 0 || panels_ == 0) return;
    const GemmBlocking blocking(call.rows, steps_, kernels_);
    const std::size_t words = steps_ * kernels_.left_words;
    auto* left = scratch<GemmBlocking>().template get<std::uint32_t>(call.rows * words);
    const int threads =
        worthwhile_threads(call.threads, call.rows * out_features() * in_features() / 32);
    parallel_for(blocking.row_tiles == 1 ? 1 : threads, blocking.row_tiles,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t tile = begin; tile < end; ++tile)
                     interleave(call, Share(call.rows, tile, blocking.row_tiles), left);
                 });
    parallel_for(threads, panels_ * blocking.row_tiles, [&](std::size_t begin, std::size_t end) {
      multiply_tiles(call, blocking, left, begin, end);
    });
  }

 private:
  /// A rectangle of tiles: some panels by some row tiles.
  struct Rectangle {
    std::size_t first_panel, end_panel, first_tile, end_tile;
  };

  std::size_t panel_bytes() const { return steps_ * kernels_.panel * per_step * sizeof(Stored); }

  Stored* place(std::size_t o, std::size_t i) const {
    const std::size_t panel = o / kernels_.panel, column = o % kernels_.panel;
    const std::size_t word = (panel * steps_ + i / per_step) * kernels_.panel + column;
    return storage_.at<Stored>(0) + word * per_step + i % per_step;
  }
  void set(const WeightBlock& block, std::size_t o, std::size_t i) {
    *place(block.first_out + o, block.first_in + i) =
        Stored(block.values[o * block.out_stride + i * block.in_stride]);
  }

  void interleave(const GemmCall& call, const Share& rows, std::uint32_t* left) const {
    InterleaveArguments arguments;
    arguments.count = rows.end - rows.begin;
    arguments.length = in_features();
    arguments.words = steps_ * kernels_.left_words;
    arguments.out = left + rows.begin * arguments.words;
    for (std::size_t r = 0; r < arguments.count; ++r)
      arguments.rows[r] = call.input + (rows.begin + r) * in_features();
    if (kernels_.left_is_bfloat16)
      dispatch<InterleaveKernel<simd::LoadPairs>>(set_, arguments);
    else
      dispatch<InterleaveKernel<simd::LoadFloats>>(set_, arguments);
  }

  // Tiles [begin, end) counted panel by panel, as at most three rectangles.
  void multiply_tiles(const GemmCall& call, const GemmBlocking& blocking, const std::uint32_t* left,
                      std::size_t begin, std::size_t end) const {
    const std::size_t tiles = blocking.row_tiles;
    std::size_t panel = begin / tiles;
    const std::size_t last = end / tiles, first_tile = begin % tiles, end_tile = end % tiles;
    if (panel == last)
      return multiply_rectangle(call, blocking, left, {panel, panel + 1, first_tile, end_tile});
    if (first_tile != 0) {
      multiply_rectangle(call, blocking, left, {panel, panel + 1, first_tile, tiles});
      ++panel;
    }
    if (panel < last) multiply_rectangle(call, blocking, left, {panel, last, 0, tiles});
    if (end_tile != 0) multiply_rectangle(call, blocking, left, {last, last + 1, 0, end_tile});
  }

  void multiply_rectangle(const GemmCall& call, const GemmBlocking& blocking,
                          const std::uint32_t* left, const Rectangle& all) const {
    if (blocking.row_tiles == 1 && call.rows <= kernels_.most_pair_rows)
      return multiply_pairs(call, left, all);
    for (std::size_t tile = all.first_tile; tile < all.end_tile; tile += blocking.tiles_at_once)
      for (std::size_t panel = all.first_panel; panel < all.end_panel;
           panel += blocking.panels_at_once)
        multiply_in_cache(call, blocking, left,
                          {panel, std::min(panel + blocking.panels_at_once, all.end_panel), tile,
                           std::min(tile + blocking.tiles_at_once, all.end_tile)});
  }

  // Panels two by two, the last alone where their number is odd; all rows are one tile.
  void multiply_pairs(const GemmCall& call, const std::uint32_t* left, const Rectangle& all) const {
    const Share rows(call.rows, 0, 1);
    const std::size_t size = call.rows * kernels_.panel;
    float* products = scratch<PackedWeight>().template get<float>(2 * size);
    for (std::size_t panel = all.first_panel; panel < all.end_panel; panel += 2) {
      const bool pair = panel + 1 < all.end_panel;
      const TileFunction* tiles = pair ? kernels_.pair_tiles : kernels_.tiles;
      multiply_tile(tiles, left, panel, rows, Share(steps_, 0, 1), products);
      finish_tile(call, panel, rows, products);
      if (pair) finish_tile(call, panel + 1, rows, products + size);
    }
  }

  // The products of all depth blocks stay in scratch memory until the last has been added.
  void multiply_in_cache(const GemmCall& call, const GemmBlocking& blocking,
                         const std::uint32_t* left, const Rectangle& part) const {
    const std::size_t size = kernels_.most_rows * kernels_.panel;
    const bool keep = blocking.depth_blocks > 1;
    const std::size_t kept = keep ? blocking.tiles_at_once * blocking.panels_at_once : 1;
    float* products = scratch<PackedWeight>().template get<float>(kept * size);
    for (std::size_t block = 0; block < blocking.depth_blocks; ++block) {
      const Share steps(steps_, block, blocking.depth_blocks);
      float* tile_products = products;
      for (std::size_t panel = part.first_panel; panel < part.end_panel; ++panel)
        for (std::size_t t = part.first_tile; t < part.end_tile; ++t) {
          const Share rows(call.rows, t, blocking.row_tiles);
          multiply_tile(kernels_.tiles, left, panel, rows, steps, tile_products);
          if (block + 1 == blocking.depth_blocks) finish_tile(call, panel, rows, tile_products);
          if (keep) tile_products += size;
        }
    }
  }

  void multiply_tile(const TileFunction* tiles, const std::uint32_t* left, std::size_t panel,
                     const Share& rows, const Share& steps, float* products) const {
    const std::size_t count = rows.end - rows.begin, words = kernels_.left_words;
    Tile tile;
    tile.steps = steps.end - steps.begin;
    tile.left = left + rows.begin * steps_ * words + steps.begin * count * words;
    tile.right = storage_.at<std::byte>(panel * panel_bytes()) +
                 steps.begin * kernels_.panel * per_step * sizeof(Stored);
    tile.products = products;
    tile.accumulate = steps.begin != 0;
    tile.panel_bytes = panel_bytes();
    tiles[count - 1](tile);
  }

  void finish_tile(const GemmCall& call, std::size_t panel, const Share& rows,
                   const float* products) const {
    EpilogueRow first;
    first.call = &call;
    first.out = out_features();
    first.row = rows.begin;
    first.first = panel * kernels_.panel;
    first.count = std::min(kernels_.panel, out_features() - first.first);
    first.products = products;
    dispatch<EpilogueKernel>(set_, first, rows.end - rows.begin, kernels_.panel);
  }

  InstructionSet set_;
  PanelKernels kernels_;
  std::size_t steps_, panels_;
  LargeBlock storage_;
};

}  // namespace coca::detail
