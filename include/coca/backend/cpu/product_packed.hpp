#pragma once
/// @file
/// The product of two matrices by the packed kernels: both sides are packed for each call.
///
/// Packing touches each element of a side once, and pays off if the other side is some dozens wide.
/// All threads pack, then all multiply, so that nothing is packed twice; sides too large to be
/// worth keeping in one piece are cut into chunks.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/gemm_amx.hpp"
#include "coca/backend/cpu/gemm_bfloat16.hpp"
#include "coca/backend/cpu/gemm_kernels.hpp"
#include "coca/backend/cpu/gemm_tiles.hpp"
#include "coca/backend/cpu/pack.hpp"
#include "coca/backend/cpu/product_call.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"

namespace coca::detail {

/// The kernels for products whose sides are rounded to bfloat16 while packing.
inline PanelKernels rounding_kernels(InstructionSet set) {
  if (set == InstructionSet::avx512 && has_amx_bfloat16()) return amx_kernels();
  return bfloat16_kernels(set);
}

/// One product.
class PackedProduct {
 public:
  static void run(const ProductCall& call, const PanelKernels& kernels, bool pairs,
                  InstructionSet set) {
    PackedProduct(call, kernels, pairs, set).run();
  }

 private:
  struct LeftSide;  // tags of scratch memory
  struct RightSide;

  /// A part of the product that is packed and multiplied at a time.
  struct Chunk {
    Share rows, columns, depth;
  };

  PackedProduct(const ProductCall& call, const PanelKernels& kernels, bool pairs,
                InstructionSet set)
      : call_(call),
        kernels_(kernels),
        pairs_(pairs),
        set_(set),
        threads_(worthwhile_threads(call.result.threads, call.work() / 32)) {}

  // Depths of several chunks are summed in the output, which an epilogue must not see before.
  void run() {
    constexpr std::size_t words = std::size_t{1} << 22, deepest = 4096;
    const GemmCall& result = call_.result;
    const bool plain =
        result.bias == nullptr && result.scale == nullptr && result.activation == Activation::none;
    const std::size_t depths = plain ? parts(call_.depth, deepest) : 1;
    const std::size_t depth = std::max<std::size_t>(call_.depth / depths, 1);
    const std::size_t most_lanes = std::max<std::size_t>(words / depth, 256);
    const std::size_t row_parts = parts(call_.rows(), most_lanes);
    const std::size_t column_parts = parts(call_.columns, most_lanes);
    for (std::size_t d = 0; d < depths; ++d)
      for (std::size_t c = 0; c < column_parts; ++c)
        for (std::size_t r = 0; r < row_parts; ++r)
          run(Chunk{Share(call_.rows(), r, row_parts), Share(call_.columns, c, column_parts),
                    Share(call_.depth, d, depths)},
              r == 0, c == 0 || row_parts > 1);
  }

  static std::size_t parts(std::size_t size, std::size_t most) {
    return std::max<std::size_t>((size + most - 1) / most, 1);
  }

  void run(const Chunk& chunk, bool new_right, bool new_left) {
    const std::size_t per_word = pairs_ || kernels_.left_words == 2 ? 2 : 1;
    const std::size_t unit = kernels_.step_multiple;
    const std::size_t depth = chunk.depth.end - chunk.depth.begin;
    steps_ = ((depth + per_word - 1) / per_word + unit - 1) / unit * unit;
    const std::size_t rows = chunk.rows.end - chunk.rows.begin;
    const GemmBlocking blocking(rows, steps_, kernels_);
    pack(chunk, blocking, new_right, new_left);
    GemmCall result = call_.result;
    if (chunk.depth.begin != 0) result.residual = result.output;
    PackedSides sides;
    sides.call = &result;
    sides.out = call_.columns;
    sides.first_row = chunk.rows.begin;
    sides.rows = rows;
    sides.first_column = chunk.columns.begin;
    sides.columns = chunk.columns.end - chunk.columns.begin;
    sides.steps = steps_;
    sides.left = left_;
    sides.right = reinterpret_cast<const std::byte*>(right_);
    sides.panel_bytes = steps_ * kernels_.panel * sizeof(std::uint32_t);
    const TileProducts products(sides, blocking, kernels_, set_);
    const std::size_t panels = parts(sides.columns, kernels_.panel);
    parallel_for_pieces(threads_, panels * blocking.row_tiles,
                        blocking.row_tiles * blocking.panels_of_piece(panels, threads_),
                        [&](std::size_t begin, std::size_t end) { products.run(begin, end); });
  }

  // Blocks of both sides, several at a time, as one parallel loop.
  void pack(const Chunk& chunk, const GemmBlocking& blocking, bool new_right, bool new_left) {
    constexpr std::size_t at_once = 4;
    const std::size_t panels = parts(chunk.columns.end - chunk.columns.begin, kernels_.panel);
    const std::size_t tile_words = PackedSides::tile_words(steps_, kernels_);
    left_ = scratch<LeftSide>().get<std::uint32_t>(blocking.row_tiles * tile_words);
    right_ = scratch<RightSide>().get<std::uint32_t>(panels * steps_ * kernels_.panel + 1);
    const std::size_t lefts = new_left ? parts(blocking.row_tiles, at_once) : 0;
    const std::size_t rights = new_right ? parts(panels, at_once) : 0;
    parallel_for_pieces(threads_, lefts + rights, 4, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i)
        if (i < lefts)
          pack_left(chunk, blocking, i * at_once, std::min((i + 1) * at_once, blocking.row_tiles));
        else
          pack_right(chunk, (i - lefts) * at_once, std::min((i - lefts + 1) * at_once, panels));
    });
  }

  void pack_left(const Chunk& chunk, const GemmBlocking& blocking, std::size_t first,
                 std::size_t last) const {
    const std::size_t rows = chunk.rows.end - chunk.rows.begin, unit = kernels_.row_multiple;
    PackArguments arguments = side(chunk, call_.left.row_stride, call_.left.column_stride);
    arguments.values = call_.left.values + chunk.rows.begin * call_.left.row_stride +
                       chunk.depth.begin * call_.left.column_stride;
    arguments.lanes = rows;
    arguments.words = steps_ * kernels_.left_words;
    for (std::size_t tile = first; tile < last; ++tile) {
      const Share share(rows, tile, blocking.row_tiles);
      const std::size_t count = share.end - share.begin;
      arguments.blocks[arguments.count++] = {
          share.begin, count, (count + unit - 1) / unit * unit,
          left_ + tile * PackedSides::tile_words(steps_, kernels_)};
    }
    pack_blocks(arguments, kernels_.left_is_bfloat16, kernels_.left_is_rows, set_);
  }

  void pack_right(const Chunk& chunk, std::size_t first, std::size_t last) const {
    PackArguments arguments = side(chunk, call_.right.column_stride, call_.right.row_stride);
    arguments.values = call_.right.values + chunk.columns.begin * call_.right.column_stride +
                       chunk.depth.begin * call_.right.row_stride;
    arguments.lanes = chunk.columns.end - chunk.columns.begin;
    arguments.words = steps_;
    for (std::size_t panel = first; panel < last; ++panel) {
      const std::size_t begin = panel * kernels_.panel;
      arguments.blocks[arguments.count++] = {
          begin, std::min(kernels_.panel, arguments.lanes - begin), kernels_.panel,
          right_ + panel * steps_ * kernels_.panel};
    }
    pack_blocks(arguments, pairs_, false, set_);
  }

  PackArguments side(const Chunk& chunk, std::size_t lane_stride, std::size_t depth_stride) const {
    PackArguments arguments;
    arguments.lane_stride = lane_stride;
    arguments.depth_stride = depth_stride;
    arguments.depth = chunk.depth.end - chunk.depth.begin;
    return arguments;
  }

  const ProductCall& call_;
  const PanelKernels& kernels_;
  bool pairs_;
  InstructionSet set_;
  int threads_;
  std::size_t steps_ = 0;
  std::uint32_t* left_ = nullptr;
  std::uint32_t* right_ = nullptr;
};

}  // namespace coca::detail
