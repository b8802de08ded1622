#pragma once
/// @file
/// Packing matrices into the layouts of the packed product.
///
/// A side of a product is a number of lanes (rows of the left side, columns of the right), cut into
/// blocks (tiles, panels), by a depth. A word is what a kernel reads of one lane in one step: a
/// float, or a pair of bfloat16 that follow each other along the depth. Lanes beyond those
/// that exist get arbitrary values, words beyond the depth get zero.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "coca/backend/cpu/interleave.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// One block of lanes.
struct LaneBlock {
  std::size_t first = 0;   ///< lane of the side
  std::size_t count = 0;   ///< lanes
  std::size_t filled = 0;  ///< lanes that are written
  std::uint32_t* out = nullptr;
};

/// Some neighbouring blocks of a side.
struct PackArguments {
  static constexpr std::size_t most_blocks = 8;

  const float* values =
      nullptr;  ///< element of lane l at depth d: l * lane_stride + d * depth_stride
  std::size_t lane_stride = 0, depth_stride = 0;
  std::size_t lanes = 0;  ///< of the whole side
  std::size_t depth = 0;
  std::size_t words = 0;  ///< written for each lane, those beyond the depth zero
  std::array<LaneBlock, most_blocks> blocks{};
  std::size_t count = 0;  ///< of blocks
};

/// How words are made from floats that lie side by side in lanes.
struct FloatWords {
  static constexpr std::size_t per_word = 1;
  using Load = simd::LoadFloats;

  template <class S>
  [[gnu::always_inline]] static inline void run(typename S::F& word, const float* from,
                                                std::size_t count, const PackArguments&,
                                                std::size_t) {
    simd::load_up_to<S>(word, from, count);
  }
};

struct PairWords {
  static constexpr std::size_t per_word = 2;
  using Load = simd::LoadPairs;

  template <class S>
  [[gnu::always_inline]] static inline void run(typename S::F& word, const float* from,
                                                std::size_t count, const PackArguments& a,
                                                std::size_t depth) {
    typename S::F even, odd{};
    simd::load_up_to<S>(even, from, count);
    if (depth + 1 < a.depth) simd::load_up_to<S>(odd, from + a.depth_stride, count);
    typename S::U low, high;
    simd::round_to_bfloat16<S>(low, even);
    simd::round_to_bfloat16<S>(high, odd);
    const typename S::U pairs = (low >> 16) | (high & 0xffff0000u);
    std::memcpy(&word, &pairs, sizeof word);
  }
};

/// Lanes lie side by side, before and after: [words][lanes of the block].
template <class Words>
struct PackLanesKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const PackArguments& a) {
    const std::size_t filled = (a.depth + Words::per_word - 1) / Words::per_word;
    for (std::size_t word = 0; word < filled; ++word)
      for (std::size_t b = 0; b < a.count; ++b) pack_word<S>(a, a.blocks[b], word);
    for (std::size_t b = 0; b < a.count; ++b)
      std::memset(a.blocks[b].out + filled * a.blocks[b].filled, 0,
                  (a.words - filled) * a.blocks[b].filled * sizeof(std::uint32_t));
  }

 private:
  // Rows of a large array lie pages apart, where the processor does not prefetch.
  [[gnu::always_inline]] static inline void prefetch(const float* from, std::size_t stride,
                                                     std::size_t count) {
    constexpr std::size_t ahead = 8, line = 16;
    const std::uintptr_t later =
        reinterpret_cast<std::uintptr_t>(from) + ahead * stride * sizeof(float);
    for (std::size_t i = 0; i < count; i += line)
      __builtin_prefetch(reinterpret_cast<const void*>(later + i * sizeof(float)));
  }

  // A whole vector may write beyond the lanes where the next word will.
  template <class S>
  [[gnu::always_inline]] static inline void pack_word(const PackArguments& a,
                                                      const LaneBlock& block, std::size_t word) {
    const std::size_t depth = word * Words::per_word;
    const float* from = a.values + depth * a.depth_stride + block.first;
    auto* out = reinterpret_cast<float*>(block.out + word * block.filled);
    const std::size_t readable = a.lanes - block.first;
    prefetch(from, Words::per_word * a.depth_stride, block.filled);
    for (std::size_t lane = 0; lane < block.filled; lane += S::width) {
      typename S::F x;
      const std::size_t left = readable > lane ? readable - lane : 0;
      Words::template run<S>(x, from + lane, std::min(S::width, left), a, depth);
      const std::size_t room = block.filled - lane;
      if (room >= S::width || word + 1 < a.words)
        simd::store<S>(out + lane, x);
      else
        simd::store_some<S>(out + lane, x, room);
    }
  }
};

/// Lanes lie one after the other, each along its depth, and are interleaved: [words][lanes of
/// the block].
template <class Words>
struct PackDepthsKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const PackArguments& a) {
    for (std::size_t b = 0; b < a.count; ++b) {
      const LaneBlock& block = a.blocks[b];
      InterleaveArguments arguments;
      arguments.count = block.filled;
      arguments.length = a.depth;
      arguments.words = a.words;
      arguments.out = block.out;
      for (std::size_t i = 0; i < block.filled; ++i)
        arguments.rows[i] = a.values + (block.first + std::min(i, block.count - 1)) * a.lane_stride;
      InterleaveKernel<typename Words::Load>::template run<S>(arguments);
    }
  }
};

/// As rows for the matrix unit: [words / S::width][lanes of the block][S::width], pairs.
struct PackRowsKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const PackArguments& a) {
    for (std::size_t word = 0; word < a.words; word += S::width)
      for (std::size_t b = 0; b < a.count; ++b) {
        const LaneBlock& block = a.blocks[b];
        for (std::size_t lane = 0; lane < block.filled; lane += S::width)
          square<S>(a, block, word, lane);
      }
  }

 private:
  template <class S>
  [[gnu::always_inline]] static inline void square(const PackArguments& a, const LaneBlock& block,
                                                   std::size_t word, std::size_t lane) {
    typename S::F rows[S::width];
    if (a.lane_stride == 1)
      from_lanes<S>(a, block.first + lane, word, rows);
    else
      from_depths<S>(a, block, word, lane, rows);
    auto* out = reinterpret_cast<float*>(block.out + (word * block.filled + lane * S::width));
    for (std::size_t i = 0; i < S::width; ++i) simd::store<S>(out + i * S::width, rows[i]);
  }

  template <class S>
  [[gnu::always_inline]] static inline void from_lanes(const PackArguments& a, std::size_t lane,
                                                       std::size_t word, typename S::F* rows) {
    const std::size_t readable = a.lanes > lane ? std::min(S::width, a.lanes - lane) : 0;
    for (std::size_t i = 0; i < S::width; ++i) {
      const std::size_t depth = 2 * (word + i);
      if (depth < a.depth)
        PairWords::run<S>(rows[i], a.values + depth * a.depth_stride + lane, readable, a, depth);
      else
        simd::fill<S>(rows[i], 0.0f);
    }
    simd::transpose<S>(rows);
  }

  template <class S>
  [[gnu::always_inline]] static inline void from_depths(const PackArguments& a,
                                                        const LaneBlock& block, std::size_t word,
                                                        std::size_t lane, typename S::F* rows) {
    for (std::size_t i = 0; i < S::width; ++i) {
      const std::size_t row = block.first + std::min(lane + i, block.count - 1);
      if (2 * word < a.depth)
        simd::LoadPairs::run<S>(rows[i], a.values + row * a.lane_stride, word, a.depth);
      else
        simd::fill<S>(rows[i], 0.0f);
    }
  }
};

/// Packs some blocks.
/// @param pairs words are pairs of bfloat16
/// @param rows  the layout of PackRowsKernel, of pairs
inline void pack_blocks(const PackArguments& arguments, bool pairs, bool rows, InstructionSet set) {
  const bool lanes = arguments.lane_stride == 1;
  if (rows) return dispatch<PackRowsKernel>(set, arguments);
  if (pairs)
    return lanes ? dispatch<PackLanesKernel<PairWords>>(set, arguments)
                 : dispatch<PackDepthsKernel<PairWords>>(set, arguments);
  return lanes ? dispatch<PackLanesKernel<FloatWords>>(set, arguments)
               : dispatch<PackDepthsKernel<FloatWords>>(set, arguments);
}

}  // namespace coca::detail
