#pragma once
/// @file
/// The matrix product of our own: weights in panels, inputs interleaved, tiles in registers.

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
    const std::size_t tile_words = PackedSides::tile_words(steps_, kernels_);
    auto* left =
        scratch<GemmBlocking>().template get<std::uint32_t>(blocking.row_tiles * tile_words);
    const int threads =
        worthwhile_threads(call.threads, call.rows * out_features() * in_features() / 32);
    parallel_for(blocking.row_tiles == 1 ? 1 : threads, blocking.row_tiles,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t tile = begin; tile < end; ++tile)
                     interleave(call, Share(call.rows, tile, blocking.row_tiles),
                                left + tile * tile_words);
                 });
    PackedSides sides;
    sides.call = &call;
    sides.out = sides.columns = out_features();
    sides.rows = call.rows;
    sides.steps = steps_;
    sides.left = left;
    sides.right = storage_.at<std::byte>(0);
    sides.panel_bytes = panel_bytes();
    const TileProducts products(sides, blocking, kernels_, set_);
    parallel_for_pieces(threads, panels_ * blocking.row_tiles,
                        blocking.row_tiles * blocking.panels_of_piece(panels_, threads),
                        [&](std::size_t begin, std::size_t end) { products.run(begin, end); });
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

  void interleave(const GemmCall& call, const Share& rows, std::uint32_t* left) const {
    InterleaveArguments arguments;
    arguments.count = rows.end - rows.begin;
    arguments.length = in_features();
    arguments.words = steps_ * kernels_.left_words;
    arguments.out = left;
    for (std::size_t r = 0; r < arguments.count; ++r)
      arguments.rows[r] = call.input + (rows.begin + r) * in_features();
    if (kernels_.left_is_bfloat16)
      dispatch<InterleaveKernel<simd::LoadPairs>>(set_, arguments);
    else
      dispatch<InterleaveKernel<simd::LoadFloats>>(set_, arguments);
  }

  InstructionSet set_;
  PanelKernels kernels_;
  std::size_t steps_, panels_;
  LargeBlock storage_;
};

}  // namespace coca::detail
