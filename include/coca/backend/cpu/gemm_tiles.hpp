#pragma once
/// @file
/// The packed matrix product once both sides are packed: the order of its tiles.
///
/// Blocking after Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
/// (2008): a block along the depth is as long as keeps its piece of a panel in the first-level
/// cache while all rows pass by, and the rows that pass are as many as keep their block in the
/// second-level cache. With few rows the right side is read once from front to back, which is all
/// that such a product costs.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/gemm_kernels.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"

namespace coca::detail {

/// How a product is divided into tiles and blocks of about equal size.
struct GemmBlocking {
  std::size_t row_tiles = 1;      ///< tiles that the rows are cut into
  std::size_t depth_blocks = 1;   ///< blocks that the steps along the depth are cut into
  std::size_t tiles_at_once = 1;  ///< row tiles that share a block of the input in cache
  static constexpr std::size_t panels_at_once = 4;  ///< panels multiplied with it there

  GemmBlocking(std::size_t rows, std::size_t steps, const PanelKernels& kernels)
      : row_tiles((rows + kernels.most_rows - 1) / kernels.most_rows) {
    constexpr std::size_t panel_words = 8192, rows_at_once = 280;  // 32 KB
    const std::size_t depth = panel_words / kernels.panel;
    if (row_tiles > 1) depth_blocks = std::max<std::size_t>(1, (steps + depth - 1) / depth);
    tiles_at_once = std::max<std::size_t>(1, rows_at_once / kernels.most_rows);
  }

  /// Panels that a thread takes at a time: few enough that there are several pieces per thread; but
  /// if all rows are one tile, and memory bandwidth is the limit, its whole share, front to back.
  std::size_t panels_of_piece(std::size_t panels, int threads) const {
    constexpr std::size_t pieces = 4;
    const auto all = static_cast<std::size_t>(std::max(threads, 1));
    if (row_tiles == 1) return std::max<std::size_t>((panels + all - 1) / all, 1);
    return std::clamp<std::size_t>(panels / (pieces * all), 1, panels_at_once);
  }
};

/// Two packed sides of a product and its output.
struct PackedSides {
  const GemmCall* call = nullptr;  ///< epilogue and output; the rows are those of the whole output
  std::size_t out = 0;             ///< width of the output
  std::size_t first_row = 0, rows = 0;  ///< that are computed
  std::size_t first_column = 0, columns = 0;
  std::size_t steps = 0;
  const std::uint32_t* left = nullptr;  ///< tiles of rows, `tile_words` apart
  const std::byte* right = nullptr;     ///< panels, `panel_bytes` apart
  std::size_t panel_bytes = 0;

  static std::size_t tile_words(std::size_t steps, const PanelKernels& kernels) {
    const std::size_t rows = (kernels.most_rows + kernels.row_multiple - 1) / kernels.row_multiple *
                             kernels.row_multiple;
    return rows * steps * kernels.left_words;
  }
};

/// Computes tiles.
class TileProducts {
 public:
  TileProducts(const PackedSides& sides, const GemmBlocking& blocking, const PanelKernels& kernels,
               InstructionSet set)
      : sides_(sides), blocking_(blocking), kernels_(kernels), set_(set) {}

  /// Tiles [begin, end) counted panel by panel, as at most three rectangles.
  void run(std::size_t begin, std::size_t end) const {
    if (kernels_.enter != nullptr) kernels_.enter();
    rectangles(begin, end);
    if (kernels_.leave != nullptr) kernels_.leave();
  }

 private:
  /// A rectangle of tiles: some panels by some row tiles.
  struct Rectangle {
    std::size_t first_panel, end_panel, first_tile, end_tile;
  };

  void rectangles(std::size_t begin, std::size_t end) const {
    const std::size_t tiles = blocking_.row_tiles;
    std::size_t panel = begin / tiles;
    const std::size_t last = end / tiles, first_tile = begin % tiles, end_tile = end % tiles;
    if (panel == last) return multiply_rectangle({panel, panel + 1, first_tile, end_tile});
    if (first_tile != 0) {
      multiply_rectangle({panel, panel + 1, first_tile, tiles});
      ++panel;
    }
    if (panel < last) multiply_rectangle({panel, last, 0, tiles});
    if (end_tile != 0) multiply_rectangle({last, last + 1, 0, end_tile});
  }

  void multiply_rectangle(const Rectangle& all) const {
    if (blocking_.row_tiles == 1 && sides_.rows <= kernels_.most_pair_rows)
      return multiply_pairs(all);
    for (std::size_t tile = all.first_tile; tile < all.end_tile; tile += blocking_.tiles_at_once)
      for (std::size_t panel = all.first_panel; panel < all.end_panel;
           panel += blocking_.panels_at_once)
        multiply_in_cache({panel, std::min(panel + blocking_.panels_at_once, all.end_panel), tile,
                           std::min(tile + blocking_.tiles_at_once, all.end_tile)});
  }

  // Panels two by two, the last on its own if their number is odd; all rows are one tile.
  void multiply_pairs(const Rectangle& all) const {
    const std::size_t size = sides_.rows * kernels_.panel;
    float* products = scratch<TileProducts>().get<float>(2 * size);
    for (std::size_t panel = all.first_panel; panel < all.end_panel; panel += 2) {
      const bool pair = panel + 1 < all.end_panel;
      const TileFunction* tiles = pair ? kernels_.pair_tiles : kernels_.tiles;
      multiply_tile(tiles, panel, 0, {0, sides_.steps}, products);
      finish_tile(panel, 0, products);
      if (pair) finish_tile(panel + 1, 0, products + size);
    }
  }

  // The products of all depth blocks stay in scratch memory until the last has been added.
  void multiply_in_cache(const Rectangle& part) const {
    const std::size_t size = kernels_.most_rows * kernels_.panel;
    const bool keep = blocking_.depth_blocks > 1;
    const std::size_t kept = keep ? blocking_.tiles_at_once * blocking_.panels_at_once : 1;
    float* products = scratch<TileProducts>().get<float>(kept * size);
    for (std::size_t block = 0; block < blocking_.depth_blocks; ++block) {
      float* tile_products = products;
      for (std::size_t panel = part.first_panel; panel < part.end_panel; ++panel)
        for (std::size_t t = part.first_tile; t < part.end_tile; ++t) {
          if (block + 1 == blocking_.depth_blocks) prefetch_output(panel, t);
          prefetch_next_panel(part, panel, t, depth_block(block));
          multiply_tile(kernels_.tiles, panel, t, depth_block(block), tile_products);
          if (block + 1 == blocking_.depth_blocks) finish_tile(panel, t, tile_products);
          if (keep) tile_products += size;
        }
    }
  }

  /// Steps [begin, end).
  struct Steps {
    std::size_t begin, end;
  };

  Steps depth_block(std::size_t block) const {
    const std::size_t unit = kernels_.step_multiple;
    const Share share(sides_.steps / unit, block, blocking_.depth_blocks);
    return {share.begin * unit, share.end * unit};
  }

  Share rows_of(std::size_t tile) const { return {sides_.rows, tile, blocking_.row_tiles}; }

  void multiply_tile(const TileFunction* tiles, std::size_t panel, std::size_t row_tile,
                     const Steps& steps, float* products) const {
    const Share rows = rows_of(row_tile);
    const std::size_t count = rows.end - rows.begin, unit = kernels_.row_multiple;
    const std::size_t filled = (count + unit - 1) / unit * unit;
    Tile tile;
    tile.steps = steps.end - steps.begin;
    tile.left = sides_.left + row_tile * PackedSides::tile_words(sides_.steps, kernels_) +
                steps.begin * filled * kernels_.left_words;
    tile.right =
        sides_.right + panel * sides_.panel_bytes + steps.begin * kernels_.panel * sizeof(float);
    tile.products = products;
    tile.accumulate = steps.begin != 0;
    tile.panel_bytes = sides_.panel_bytes;
    tiles[count - 1](tile);
  }

  // Prefetches the block of the next panel, a piece with each tile, so that the first tile there
  // does not wait for the memory.
  void prefetch_next_panel(const Rectangle& part, std::size_t panel, std::size_t tile,
                           const Steps& steps) const {
    constexpr std::size_t line = 64;
    if (panel + 1 == part.end_panel) return;
    const std::size_t step_bytes = kernels_.panel * sizeof(float);
    const std::size_t lines = (steps.end - steps.begin) * step_bytes / line;
    const Share share(lines, tile - part.first_tile, part.end_tile - part.first_tile);
    const std::byte* next =
        sides_.right + (panel + 1) * sides_.panel_bytes + steps.begin * step_bytes;
    for (std::size_t i = share.begin; i < share.end; ++i) __builtin_prefetch(next + i * line, 0, 2);
  }

  // Prefetches what finish_tile will read and write: pieces of rows that lie pages apart.
  void prefetch_output(std::size_t panel, std::size_t tile) const {
    constexpr std::size_t line = 16;
    const Share rows = rows_of(tile);
    const std::size_t column = panel * kernels_.panel;
    const std::size_t count = std::min(kernels_.panel, sides_.columns - column);
    const float* residual = sides_.call->residual;
    for (std::size_t r = rows.begin; r < rows.end; ++r) {
      const std::size_t place = (sides_.first_row + r) * sides_.out + sides_.first_column + column;
      for (std::size_t i = 0; i < count; i += line) {
        __builtin_prefetch(sides_.call->output + place + i, 1);
        if (residual != nullptr && residual != sides_.call->output)
          __builtin_prefetch(residual + place + i);
      }
    }
  }

  void finish_tile(std::size_t panel, std::size_t tile, const float* products) const {
    const Share rows = rows_of(tile);
    const std::size_t column = panel * kernels_.panel;
    EpilogueRow first;
    first.call = sides_.call;
    first.out = sides_.out;
    first.row = sides_.first_row + rows.begin;
    first.first = sides_.first_column + column;
    first.count = std::min(kernels_.panel, sides_.columns - column);
    first.products = products;
    dispatch<EpilogueKernel>(set_, first, rows.end - rows.begin, kernels_.panel);
  }

  const PackedSides& sides_;
  const GemmBlocking& blocking_;
  const PanelKernels& kernels_;
  InstructionSet set_;
};

}  // namespace coca::detail
