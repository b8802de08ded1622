#pragma once
/// @file
/// Attention on the CPU, head by head.
///
/// Blocks of queries: scores of as many queries as a panel of the packed product has outputs, one
/// query per lane, are two products of its tile kernels with a softmax between them that runs down
/// the keys. The scores of a block, [keys, lanes], and the interleaved keys and values of the head
/// stay in the second-level cache; nothing of size [queries, keys] exists. A few queries (decoding)
/// read keys and values in place.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/attention_kernels.hpp"
#include "coca/backend/cpu/cpu_context.hpp"
#include "coca/backend/cpu/gemm_kernels.hpp"
#include "coca/backend/cpu/interleave.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"

namespace coca::detail {

/// What scores are multiplied with.
inline float score_scale(const AttentionArguments<float, HostMemory>& a) {
  if (a.scale != 0) return a.scale;
  return 1.0f / std::sqrt(static_cast<float>(a.query.width / a.heads));
}

/// The bias of the keys of one query, or null.
inline const float* bias_of(const AttentionArguments<float, HostMemory>& a, std::size_t head,
                            std::size_t query) {
  return a.bias ? a.bias.data() + (head * a.query_tokens + query) * a.key_tokens : nullptr;
}

/// Which keys one query does not see, or null.
inline const std::uint8_t* hidden_from(const AttentionArguments<float, HostMemory>& a,
                                       std::size_t batch, std::size_t query) {
  return a.hidden_pairs ? a.hidden_pairs.data() + (batch * a.query_tokens + query) * a.key_tokens
                        : nullptr;
}

/// The attention of one thread: several (sequence, head, part of the queries) in turn.
class AttentionWorker {
 public:
  using Arguments = AttentionArguments<float, HostMemory>;

  /// @param parts that the queries of a head are divided into
  /// @param rows_stride from one sequence's list of key_rows to the next
  AttentionWorker(const Arguments& arguments, float* output, InstructionSet set, std::size_t parts,
                  std::size_t rows_stride)
      : a_(arguments),
        output_(output),
        set_(set),
        kernels_(float_kernels(set)),
        parts_(parts),
        rows_stride_(rows_stride),
        width_(arguments.query.width / arguments.heads),
        scale_(score_scale(arguments)) {
    take_memory();
  }

  /// Computes [begin, end) of batch * heads * parts: sequence by sequence, or, with few queries,
  /// head by head, so that the keys and values of a head that beams share are in cache for all but
  /// the first of them.
  void run(std::size_t begin, std::size_t end) {
    const bool by_head = a_.query_tokens < few_queries;
    for (std::size_t work = begin; work < end; ++work) {
      const std::size_t whole = work / parts_;
      batch_ = by_head ? whole % a_.batch : whole / a_.heads;
      head_ = by_head ? whole / a_.batch : whole % a_.heads;
      if (listed_ != batch_) see_keys();
      if (work == begin || work % parts_ == 0) packed_ = false;
      attend(Share(a_.query_tokens, work % parts_, parts_));
    }
  }

  /// Fewer queries than this are computed one by one.
  static constexpr std::size_t few_queries = 5;

 private:
  static constexpr std::size_t most_lanes = 32;
  struct KeyRows;  // tags of scratch memory
  struct KeyPositions;

  void take_memory() {
    const std::size_t keys = a_.key_tokens + 16;
    float* memory = scratch<AttentionWorker>().get<float>(keys * (2 * width_ + most_lanes) +
                                                          2 * most_lanes * width_ + most_lanes);
    const auto take = [&](std::size_t count) {
      float* taken = memory;
      memory += count;
      return taken;
    };
    scores_ = take(keys * most_lanes);
    queries_ = take(most_lanes * width_);
    means_ = take(most_lanes * width_);
    factors_ = take(most_lanes);
    keys_ = take(keys * width_);
    values_ = take(keys * width_);
    rows_ = scratch<KeyRows>().get<std::size_t>(keys);
    positions_ = scratch<KeyPositions>().get<std::int32_t>(keys);
  }

  // Whether a sequence attends to the same keys as the one whose keys are listed.
  bool same_keys() const {
    if (listed_ >= a_.batch || !a_.key_rows || a_.hidden_keys) return false;
    const std::int32_t* rows = a_.key_rows.data();
    return std::equal(rows + batch_ * rows_stride_, rows + batch_ * rows_stride_ + a_.key_tokens,
                      rows + listed_ * rows_stride_);
  }

  // Lists the keys of the sequence that any query may see.
  void see_keys() {
    const bool same = same_keys();
    listed_ = batch_;
    if (same) return;
    visible_ = 0;
    for (std::size_t k = 0; k < a_.key_tokens; ++k) {
      const std::size_t place = batch_ * a_.key_tokens + k;
      if (a_.hidden_keys && a_.hidden_keys.data()[place] != 0) continue;
      rows_[visible_] =
          a_.key_rows ? static_cast<std::size_t>(a_.key_rows.data()[batch_ * rows_stride_ + k])
                      : place;
      positions_[visible_++] = static_cast<std::int32_t>(k);
    }
  }

  // How many of the listed keys query q sees.
  std::size_t seen_by(std::size_t q) const {
    if (!a_.causal) return visible_;
    const auto limit = static_cast<std::int32_t>(a_.key_tokens - a_.query_tokens + q);
    return static_cast<std::size_t>(std::upper_bound(positions_, positions_ + visible_, limit) -
                                    positions_);
  }

  const float* head_of(const Columns<float, HostMemory>& columns, std::size_t row) const {
    return columns.rows.data() + row * columns.rows.shape().back() + columns.first + head_ * width_;
  }
  float* output_of(std::size_t q) const {
    return output_ + (batch_ * a_.query_tokens + q) * a_.query.width + head_ * width_;
  }

  void attend(const Share& queries) {
    std::size_t q = queries.begin;
    while (q < queries.end) {
      const std::size_t left = queries.end - q;
      const std::size_t count = left < few_queries ? 1 : std::min(left, kernels_.panel);
      if (count == 1)
        attend_one(q);
      else
        attend_block(q, count);
      q += count;
    }
  }

  void attend_one(std::size_t q) {
    SingleQuery single;
    single.query = head_of(a_.query, batch_ * a_.query_tokens + q);
    single.keys = head_of(a_.key, 0);
    single.key_stride = a_.key.rows.shape().back();
    single.values = head_of(a_.value, 0);
    single.value_stride = a_.value.rows.shape().back();
    single.rows = rows_;
    single.count = seen_by(q);
    single.width = width_;
    single.scale = scale_;
    single.positions = positions_;
    single.bias = bias_of(a_, head_, q);
    single.hidden = hidden_from(a_, batch_, q);
    single.weights = scores_;
    single.output = output_of(q);
    single.factor = factors_;
    if (single.bias != nullptr || single.hidden != nullptr)
      dispatch<SingleQueryKernel<true>>(set_, single);
    else
      dispatch<SingleQueryKernel<false>>(set_, single);
    if (a_.probabilities) write_probabilities(q, single.count, scores_, 1, factors_[0]);
  }

  void attend_block(std::size_t first, std::size_t count) {
    if (!packed_) pack_head();
    const std::size_t lanes = kernels_.panel;
    const std::size_t seen = seen_by(first + count - 1);
    interleave(lanes, queries_, width_, [&](std::size_t i) {
      return head_of(a_.query, batch_ * a_.query_tokens + first + std::min(i, count - 1));
    });
    for (std::size_t tile = 0; tile < key_tiles(); ++tile) {
      const Share keys(visible_, tile, key_tiles());
      if (keys.begin >= seen) break;
      multiply(keys, width_, keys_, queries_, scores_);
    }
    QueryBlock block;
    block.scores = scores_;
    block.count = seen;
    block.lanes = lanes;
    block.scale = scale_;
    if (a_.bias || a_.hidden_pairs) {
      shift_block(first, count, seen);
      block.scale = 1.0f;
    }
    block.factors = factors_;
    if (a_.causal) block.positions = positions_;
    block.first_limit = static_cast<std::int32_t>(a_.key_tokens - a_.query_tokens + first);
    dispatch<SoftmaxBlockKernel>(set_, block);
    write_block(first, count, seen);
  }

  // Scales the scores of a block, and adds what the plain case does not have.
  void shift_block(std::size_t first, std::size_t count, std::size_t seen) const {
    BlockShift shift;
    shift.scores = scores_;
    shift.count = seen;
    shift.lanes = kernels_.panel;
    shift.queries = count;
    shift.scale = scale_;
    shift.positions = positions_;
    shift.bias = bias_of(a_, head_, first);
    shift.hidden = hidden_from(a_, batch_, first);
    shift.stride = a_.key_tokens;
    dispatch<ShiftBlockKernel>(set_, shift);
  }

  void write_block(std::size_t first, std::size_t count, std::size_t seen) {
    for (std::size_t tile = 0; tile < width_tiles(); ++tile)
      multiply(Share(width_, tile, width_tiles()), seen, values_, scores_, means_);
    BlockOutput block;
    block.means = means_;
    block.factors = factors_;
    block.width = width_;
    block.lanes = kernels_.panel;
    block.queries = count;
    block.output = output_of(first);
    block.stride = a_.query.width;
    dispatch<WriteBlockKernel>(set_, block);
    if (!a_.probabilities) return;
    for (std::size_t i = 0; i < count; ++i)
      write_probabilities(first + i, seen, scores_ + i, kernels_.panel, factors_[i]);
  }

  // products[rows, lanes] = left[rows, steps] right[steps, lanes], for the rows of one tile. The
  // left side holds whole tiles one after the other, each with all its steps.
  void multiply(const Share& rows, std::size_t steps, const float* left, const float* right,
                float* products) const {
    const bool of_keys = left == keys_;
    Tile tile;
    tile.steps = steps;
    tile.left = left + rows.begin * (of_keys ? width_ : visible_);
    tile.right = right;
    tile.products = products + rows.begin * kernels_.panel;
    kernels_.tiles[rows.end - rows.begin - 1](tile);
  }

  std::size_t key_tiles() const { return (visible_ + kernels_.most_rows - 1) / kernels_.most_rows; }
  std::size_t width_tiles() const { return (width_ + kernels_.most_rows - 1) / kernels_.most_rows; }

  template <class RowOf>
  void interleave(std::size_t count, float* out, std::size_t length, const RowOf& row_of) const {
    InterleaveArguments arguments;
    for (std::size_t i = 0; i < count; ++i) arguments.rows[i] = row_of(i);
    arguments.count = count;
    arguments.length = length;
    arguments.words = length;
    arguments.out = out;
    dispatch<InterleaveKernel<simd::LoadFloats>>(set_, arguments);
  }

  // Keys [tile][width][keys of the tile], values [tile][keys][columns of the tile].
  void pack_head() {
    for (std::size_t tile = 0; tile < key_tiles(); ++tile) {
      const Share keys(visible_, tile, key_tiles());
      interleave(keys.end - keys.begin, keys_ + keys.begin * width_, width_,
                 [&](std::size_t i) { return head_of(a_.key, rows_[keys.begin + i]); });
    }
    for (std::size_t tile = 0; tile < width_tiles(); ++tile) {
      const Share columns(width_, tile, width_tiles());
      const std::size_t count = columns.end - columns.begin;
      float* out = values_ + columns.begin * visible_;
      for (std::size_t k = 0; k < visible_; ++k)
        std::copy_n(head_of(a_.value, rows_[k]) + columns.begin, count, out + k * count);
    }
    packed_ = true;
  }

  // weights[i * stride] belongs to listed key i; keys that are not seen get weight 0 (or NaN).
  void write_probabilities(std::size_t q, std::size_t seen, const float* weights,
                           std::size_t stride, float factor) const {
    float* row = a_.probabilities.data() +
                 ((batch_ * a_.heads + head_) * a_.query_tokens + q) * a_.key_tokens;
    std::fill_n(row, a_.key_tokens, 0.0f * factor);
    for (std::size_t i = 0; i < seen; ++i) row[positions_[i]] = weights[i * stride] * factor;
  }

  const Arguments& a_;
  float* output_;
  InstructionSet set_;
  PanelKernels kernels_;
  std::size_t parts_, rows_stride_, width_;
  float scale_;
  std::size_t batch_ = 0, head_ = 0;
  std::size_t listed_ = static_cast<std::size_t>(-1);  // the sequence whose keys are listed
  std::size_t visible_ = 0;
  bool packed_ = false;
  float *scores_ = nullptr, *queries_ = nullptr, *means_ = nullptr, *factors_ = nullptr;
  float *keys_ = nullptr, *values_ = nullptr;
  std::size_t* rows_ = nullptr;
  std::int32_t* positions_ = nullptr;
};

/// How many consecutive sequences of one query each attend to the same keys, as the beams
/// of a picture do: all sequences come in groups of this size.
inline std::size_t sequences_of_same_keys(const AttentionArguments<float, HostMemory>& a) {
  if (a.query_tokens != 1 || a.key_tokens == 0 || !a.key_rows) return 1;
  if (a.hidden_keys || a.probabilities || a.bias || a.hidden_pairs) return 1;
  const std::int32_t* rows = a.key_rows.data();
  const auto same = [&](std::size_t first, std::size_t second) {
    return std::equal(rows + first * a.key_tokens, rows + (first + 1) * a.key_tokens,
                      rows + second * a.key_tokens);
  };
  std::size_t group = 1;
  while (group < a.batch && same(0, group)) ++group;
  for (std::size_t sequence = group; sequence < a.batch; ++sequence)
    if (sequence % group != 0 && !same(sequence - 1, sequence)) return 1;
  return a.batch % group == 0 ? group : 1;
}

inline void run(const ops::Attention<float, HostMemory>& op, const CpuContext& context) {
  AttentionArguments<float, HostMemory> arguments = op.arguments;
  // Enough of them are a block of queries, for which keys and values are read once.
  std::size_t group = sequences_of_same_keys(arguments);
  if (3 * group < float_kernels(context.set).panel) group = 1;
  if (group > 1) {
    arguments.batch /= group;
    arguments.query_tokens = group;
    arguments.causal = false;  // one query sees all keys
  }
  const std::size_t heads = arguments.batch * arguments.heads;
  if (heads == 0 || arguments.query_tokens == 0) return;
  const std::size_t work = heads * arguments.query_tokens * arguments.key_tokens *
                           arguments.query.width / arguments.heads;
  const int threads = worthwhile_threads(context.threads, work / 8);
  // Several parts a head where there are fewer heads than would keep all threads busy.
  const std::size_t blocks = (arguments.query_tokens + 31) / 32;
  const std::size_t wanted =
      threads == 1 ? 1 : (4 * static_cast<std::size_t>(threads) - 1) / heads + 1;
  const std::size_t parts = std::min(blocks, wanted);
  parallel_for(threads, heads * parts, [&](std::size_t begin, std::size_t end) {
    AttentionWorker(arguments, op.output.data(), context.set, parts, group * arguments.key_tokens)
        .run(begin, end);
  });
}

}  // namespace coca::detail
