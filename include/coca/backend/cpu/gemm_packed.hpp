#pragma once
/// @file
/// The library's own matrix product: weights in panels, inputs interleaved, tiles in registers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/gemm_bfloat16.hpp"
#include "coca/backend/cpu/gemm_kernels.hpp"
#include "coca/backend/cpu/gemm_tiles.hpp"
#include "coca/backend/cpu/huge_pages.hpp"
#include "coca/backend/cpu/interleave.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/memory.hpp"

namespace coca::detail {

/// A product of rows, which are interleaved once, with the panels of a weight.
class PanelProduct {
 public:
  /// Interleaves the rows of the call, into scratch memory of this thread: one at a time.
  PanelProduct(const GemmCall& call, std::size_t out, std::size_t in, const PanelKernels& kernels,
               InstructionSet set)
      : kernels_(kernels),
        set_(set),
        panels_((out + kernels.panel - 1) / kernels.panel),
        blocking_(call.rows, steps_of(in), kernels_),
        threads_(worthwhile_threads(call.threads, call.rows * out * in / 32)) {
    sides_.call = &call;
    sides_.out = sides_.columns = out;
    sides_.rows = call.rows;
    sides_.steps = steps_of(in);
    interleave(call, in);
  }

  /// @param right all panels, `panel_bytes` apart
  void multiply(const std::byte* right, std::size_t panel_bytes) const {
    PackedSides sides = sides_;
    sides.right = right;
    sides.panel_bytes = panel_bytes;
    const TileProducts products(sides, blocking_, kernels_, set_);
    parallel_for_pieces(threads_, panels_ * blocking_.row_tiles,
                        blocking_.row_tiles * blocking_.panels_of_piece(panels_, threads_),
                        [&](std::size_t begin, std::size_t end) { products.run(begin, end); });
  }

  /// Panels that are packed when needed.
  /// @param piece how many at a time
  /// @param make  make(begin, end) returns panels [begin, end) to the calling thread, valid
  /// until its next call
  template <class Make>
  void multiply_made(std::size_t piece, std::size_t panel_bytes, const Make& make) const {
    parallel_for_pieces(threads_, panels_, piece, [&](std::size_t begin, std::size_t end) {
      PackedSides sides = sides_;
      sides.right = make(begin, end);
      sides.panel_bytes = panel_bytes;
      sides.first_column = begin * kernels_.panel;
      sides.columns = std::min(end * kernels_.panel, sides_.columns) - sides.first_column;
      TileProducts(sides, blocking_, kernels_, set_).run(0, (end - begin) * blocking_.row_tiles);
    });
  }

 private:
  std::size_t steps_of(std::size_t in) const {
    const std::size_t per_step = kernels_.left_is_bfloat16 ? 2 : kernels_.left_words;
    return (in + per_step - 1) / per_step;
  }

  void interleave(const GemmCall& call, std::size_t in) {
    const std::size_t tiles = blocking_.row_tiles;
    const std::size_t tile_words = PackedSides::tile_words(sides_.steps, kernels_);
    auto* left = scratch<GemmBlocking>().get<std::uint32_t>(tiles * tile_words);
    parallel_for(tiles == 1 ? 1 : threads_, tiles, [&](std::size_t begin, std::size_t end) {
      for (std::size_t tile = begin; tile < end; ++tile)
        interleave(call, in, Share(call.rows, tile, tiles), left + tile * tile_words);
    });
    sides_.left = left;
  }

  void interleave(const GemmCall& call, std::size_t in, const Share& rows,
                  std::uint32_t* left) const {
    InterleaveArguments arguments;
    arguments.count = rows.end - rows.begin;
    arguments.length = in;
    arguments.words = sides_.steps * kernels_.left_words;
    arguments.out = left;
    for (std::size_t r = 0; r < arguments.count; ++r)
      arguments.rows[r] = call.input + (rows.begin + r) * in;
    if (kernels_.left_is_bfloat16)
      dispatch<InterleaveKernel<simd::LoadPairs>>(set_, arguments);
    else
      dispatch<InterleaveKernel<simd::LoadFloats>>(set_, arguments);
  }

  PanelKernels kernels_;
  InstructionSet set_;
  std::size_t panels_;
  GemmBlocking blocking_;
  int threads_;
  PackedSides sides_;
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
    PanelProduct(call, out_features(), in_features(), kernels_, set_)
        .multiply(storage_.at<std::byte>(0), panel_bytes());
  }

 private:
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

  InstructionSet set_;
  PanelKernels kernels_;
  std::size_t steps_, panels_;
  LargeBlock storage_;
};

}  // namespace coca::detail
