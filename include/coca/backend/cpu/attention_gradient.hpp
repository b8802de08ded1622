#pragma once
/// @file
/// The gradient of attention on the CPU, head by head.
///
/// With P the probabilities of a block of queries, G the output's gradient and D its product with
/// the output, query by query: dP = G Vᵀ, dS = P (dP - D) / sqrt(width), and the gradients are
/// PᵀG for values, dSᵀQ for keys, dS K for queries. P is recomputed. All five products run on
/// the float tile kernels of the packed matrix product, with everything of a head in the
/// second-level cache.
///
/// Layouts: P and dS are panels of keys, [panels][queries][keys of a panel], at once what the
/// kernels write and what they read on the right where they sum over queries; those sums are
/// therefore computed transposed, [width][keys].

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/attention.hpp"
#include "coca/backend/cpu/attention_gradient_kernels.hpp"
#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/gemm_kernels.hpp"
#include "coca/backend/cpu/interleave.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/backend/differentiable.hpp"

namespace coca::detail {

/// One thread's part: several heads of several sequences in turn.
class AttentionGradientWorker {
 public:
  using Arguments = AttentionArguments<float, HostMemory>;
  using Gradients = AttentionGradients<float, HostMemory>;

  AttentionGradientWorker(const Arguments& arguments, const float* output,
                          const float* output_gradient, const Gradients& gradients,
                          InstructionSet set)
      : a_(arguments),
        output_(output),
        output_gradient_(output_gradient),
        gradients_(gradients),
        set_(set),
        kernels_(float_kernels(set)),
        width_(arguments.query.width / arguments.heads),
        scale_(score_scale(arguments)),
        block_(std::min(arguments.query_tokens, tiles_at_once * kernels_.most_rows)) {
    take_memory();
  }

  void run(std::size_t batch, std::size_t head) {
    if (batch != batch_) see_keys(batch);
    batch_ = batch;
    head_ = head;
    if (visible_ == 0 || width_ == 0) return;
    pack_keys();
    for (std::size_t first = 0; first < a_.query_tokens; first += block_)
      run_block(first, std::min(block_, a_.query_tokens - first));
    add_keys(gradients_.key, key_sums_);
    add_keys(gradients_.value, value_sums_);
  }

 private:
  static constexpr std::size_t tiles_at_once = 18;
  struct KeyRows;  // tags of scratch memory
  struct KeyPositions;

  void take_memory() {
    const std::size_t panel = kernels_.panel, keys = (a_.key_tokens + panel - 1) / panel * panel;
    const std::size_t columns = (width_ + panel - 1) / panel * panel;
    const std::size_t queries = block_ * width_, head = keys * width_, pairs = keys * block_;
    float* memory = scratch<AttentionGradientWorker>().get<float>(
        4 * queries + 4 * head + keys * columns + 2 * pairs + (keys + panel) * kernels_.most_rows +
        64);
    const auto take = [&](std::size_t count) {
      float* taken = memory;
      memory += count;
      return taken;
    };
    scores_ = take(pairs);
    score_gradients_ = take(pairs);
    key_panels_ = take(head);
    value_panels_ = take(head);
    key_sums_ = take(head);
    value_sums_ = take(head);
    key_rows_ = take(keys * columns);
    query_tiles_ = take(queries);
    gradient_tiles_ = take(queries);
    query_strips_ = take(queries);
    gradient_strips_ = take(queries);
    score_tile_ = take(keys * kernels_.most_rows);
    products_ = take(panel * kernels_.most_rows);
    rows_ = scratch<KeyRows>().get<std::size_t>(a_.key_tokens);
    positions_ = scratch<KeyPositions>().get<std::size_t>(a_.key_tokens);
  }

  // Lists the keys of the sequence that any query may see.
  void see_keys(std::size_t batch) {
    visible_ = 0;
    for (std::size_t k = 0; k < a_.key_tokens; ++k) {
      const std::size_t place = batch * a_.key_tokens + k;
      if (a_.hidden_keys && a_.hidden_keys.data()[place] != 0) continue;
      rows_[visible_] = a_.key_rows ? static_cast<std::size_t>(a_.key_rows.data()[place]) : place;
      positions_[visible_++] = k;
    }
  }

  // How many of the listed keys query q sees.
  std::size_t seen_by(std::size_t q) const {
    if (!a_.causal) return visible_;
    const std::size_t limit = a_.key_tokens - a_.query_tokens + q;
    return static_cast<std::size_t>(std::upper_bound(positions_, positions_ + visible_, limit) -
                                    positions_);
  }

  template <class Part>  // Columns or AddColumns
  float* head_of(const Part& columns, std::size_t row) const {
    return columns.rows.data() + row * columns.rows.shape().back() + columns.first + head_ * width_;
  }
  std::size_t place_of(std::size_t query) const {
    return (batch_ * a_.query_tokens + query) * a_.query.width + head_ * width_;
  }

  std::size_t panels(std::size_t size) const {
    return (size + kernels_.panel - 1) / kernels_.panel;
  }
  std::size_t tiles(std::size_t size) const {
    return (size + kernels_.most_rows - 1) / kernels_.most_rows;
  }

  template <class RowOf>
  void interleave(std::size_t count, std::size_t length, float* out, const RowOf& row_of) const {
    InterleaveArguments arguments;
    for (std::size_t i = 0; i < count; ++i) arguments.rows[i] = row_of(i);
    arguments.count = count;
    arguments.length = length;
    arguments.words = length;
    arguments.out = out;
    dispatch<InterleaveKernel<simd::LoadFloats>>(set_, arguments);
  }

  // Keys and values as panels [width][keys], keys also as panels [keys][columns].
  void pack_keys() {
    const std::size_t panel = kernels_.panel;
    for (std::size_t first = 0; first < visible_; first += panel) {
      const auto row = [&](std::size_t i) { return rows_[std::min(first + i, visible_ - 1)]; };
      interleave(panel, width_, key_panels_ + first * width_,
                 [&](std::size_t i) { return head_of(a_.key, row(i)); });
      interleave(panel, width_, value_panels_ + first * width_,
                 [&](std::size_t i) { return head_of(a_.value, row(i)); });
    }
    for (std::size_t first = 0; first < width_; first += panel) {
      const std::size_t count = std::min(panel, width_ - first);
      float* out = key_rows_ + first * visible_;
      for (std::size_t k = 0; k < visible_; ++k, out += panel) {
        std::copy_n(head_of(a_.key, rows_[k]) + first, count, out);
        std::fill(out + count, out + panel, 0.0f);
      }
    }
  }

  // Rows of queries or output gradients as tiles [width][queries] and as strips [queries][columns].
  template <class RowOf>
  void pack_queries(std::size_t count, float* packed, float* strips, const RowOf& row_of) const {
    for (std::size_t tile = 0; tile < tiles(count); ++tile) {
      const Share share(count, tile, tiles(count));
      interleave(share.end - share.begin, width_, packed + share.begin * width_,
                 [&](std::size_t i) { return row_of(share.begin + i); });
    }
    for (std::size_t tile = 0; tile < tiles(width_); ++tile) {
      const Share columns(width_, tile, tiles(width_));
      const std::size_t size = columns.end - columns.begin;
      float* out = strips + columns.begin * count;
      for (std::size_t q = 0; q < count; ++q, out += size)
        std::copy_n(row_of(q) + columns.begin, size, out);
    }
  }

  void run_block(std::size_t first, std::size_t count) {
    pack_queries(count, query_tiles_, query_strips_, [&](std::size_t i) {
      return head_of(a_.query, batch_ * a_.query_tokens + first + i);
    });
    pack_queries(count, gradient_tiles_, gradient_strips_,
                 [&](std::size_t i) { return output_gradient_ + place_of(first + i); });
    for (std::size_t tile = 0; tile < tiles(count); ++tile)
      run_tile(first, count, Share(count, tile, tiles(count)));
    sum_over_queries(first, count, gradient_strips_, scores_, value_sums_);
    sum_over_queries(first, count, query_strips_, score_gradients_, key_sums_);
  }

  // Scores, probabilities and their gradients of a few queries of the block, and the gradient of
  // the queries.
  void run_tile(std::size_t first, std::size_t count, const Share& queries) {
    const std::size_t panel = kernels_.panel;
    ScoreRows rows;
    rows.rows = queries.end - queries.begin;
    rows.scores = scores_ + queries.begin * panel;
    rows.gradients = score_gradients_ + queries.begin * panel;
    rows.panel = panel;
    rows.panel_stride = count * panel;
    rows.scale = scale_;
    for (std::size_t i = 0; i < rows.rows; ++i) {
      const std::size_t query = first + queries.begin + i;
      rows.seen[i] = seen_by(query);
      if (a_.bias || a_.hidden_pairs || gradients_.bias) shift_row(rows, i, query);
      dispatch<RowDotKernel>(set_, output_ + place_of(query), output_gradient_ + place_of(query),
                             width_, &rows.means[i]);
    }
    rows.panels = panels(rows.seen[rows.rows - 1]);
    for (std::size_t p = 0; p < rows.panels; ++p) {
      const std::size_t place = p * panel * width_;
      multiply(rows.rows, width_, query_tiles_ + queries.begin * width_, key_panels_ + place,
               rows.scores + p * rows.panel_stride, false);
      multiply(rows.rows, width_, gradient_tiles_ + queries.begin * width_, value_panels_ + place,
               rows.gradients + p * rows.panel_stride, false);
    }
    if (rows.positions != nullptr)
      dispatch<ScoreGradientKernel<true>>(set_, rows);
    else
      dispatch<ScoreGradientKernel<false>>(set_, rows);
    if (gradients_.query.rows) add_queries(first + queries.begin, rows);
  }

  // Bias and mask of a query, and where the gradient of its bias goes.
  void shift_row(ScoreRows& rows, std::size_t i, std::size_t query) const {
    rows.positions = positions_;
    rows.bias[i] = bias_of(a_, head_, query);
    rows.hidden[i] = hidden_from(a_, batch_, query);
    if (gradients_.bias)
      rows.bias_gradients[i] =
          gradients_.bias.data() + (head_ * a_.query_tokens + query) * a_.key_tokens;
  }

  void multiply(std::size_t rows, std::size_t steps, const float* left, const float* right,
                float* products, bool accumulate) const {
    Tile tile;
    tile.steps = steps;
    tile.left = left;
    tile.right = right;
    tile.products = products;
    tile.accumulate = accumulate;
    kernels_.tiles[rows - 1](tile);
  }

  // Query gradients += dS K.
  void add_queries(std::size_t first, const ScoreRows& rows) {
    const std::size_t panel = kernels_.panel;
    for (std::size_t p = 0; p < rows.panels; ++p)
      interleave(rows.rows, panel, score_tile_ + p * panel * rows.rows,
                 [&](std::size_t i) { return rows.gradients + p * rows.panel_stride + i * panel; });
    const std::size_t seen = rows.seen[rows.rows - 1];
    for (std::size_t column = 0; column < width_; column += panel) {
      multiply(rows.rows, seen, score_tile_, key_rows_ + column * visible_, products_, false);
      const std::size_t count = std::min(panel, width_ - column);
      for (std::size_t i = 0; i < rows.rows; ++i) {
        float* to = head_of(gradients_.query, batch_ * a_.query_tokens + first + i) + column;
        dispatch<EachVectorKernel<AddStep>>(set_, AddStep{products_ + i * panel, to},
                                            std::size_t{0}, count);
      }
    }
  }

  // sums [panels][width][keys of a panel] (+)= stripsᵀ values, over the queries of the block that
  // see a panel's first key at all.
  void sum_over_queries(std::size_t first, std::size_t count, const float* strips,
                        const float* values, float* sums) const {
    const std::size_t panel = kernels_.panel;
    for (std::size_t p = 0; p < panels(visible_); ++p) {
      std::size_t q = 0;
      while (q < count && panels(seen_by(first + q)) <= p) ++q;
      // A tile of queries has computed as many panels as its last query sees.
      for (std::size_t tile = 0; tile < tiles(width_); ++tile) {
        const Share columns(width_, tile, tiles(width_));
        const std::size_t size = columns.end - columns.begin;
        multiply(size, count - q, strips + columns.begin * count + q * size,
                 values + (p * count + q) * panel, sums + (p * width_ + columns.begin) * panel,
                 first != 0);
      }
    }
  }

  // Adds the sums of all keys where they belong.
  void add_keys(const AddColumns<float, HostMemory>& to, const float* sums) const {
    if (!to.rows) return;
    const std::size_t panel = kernels_.panel;
    for (std::size_t first = 0; first < visible_; first += panel) {
      ColumnsToRows arguments;
      arguments.values = sums + first * width_;
      arguments.stride = panel;
      arguments.width = width_;
      arguments.count = std::min(panel, visible_ - first);
      for (std::size_t i = 0; i < arguments.count; ++i)
        arguments.rows[i] = head_of(to, rows_[first + i]);
      dispatch<AddColumnsKernel>(set_, arguments);
    }
  }

  const Arguments& a_;
  const float* output_;
  const float* output_gradient_;
  const Gradients& gradients_;
  InstructionSet set_;
  PanelKernels kernels_;
  std::size_t width_;
  float scale_;
  std::size_t block_;  // queries at a time
  std::size_t batch_ = static_cast<std::size_t>(-1), head_ = 0, visible_ = 0;
  float *scores_ = nullptr, *score_gradients_ = nullptr, *score_tile_ = nullptr;
  float *key_panels_ = nullptr, *value_panels_ = nullptr, *key_rows_ = nullptr;
  float *query_tiles_ = nullptr, *gradient_tiles_ = nullptr;
  float *query_strips_ = nullptr, *gradient_strips_ = nullptr;
  float *key_sums_ = nullptr, *value_sums_ = nullptr, *products_ = nullptr;
  std::size_t* rows_ = nullptr;
  std::size_t* positions_ = nullptr;
};

/// Threads share the heads of all sequences; where sequences may share keys, or add to one bias,
/// each has some heads of all sequences.
inline void run(const ops::AttentionGradient<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t heads = op.arguments.heads, batch = op.arguments.batch;
  if (heads * batch == 0 || op.arguments.query_tokens == 0 || op.arguments.key_tokens == 0) return;
  const std::size_t work =
      batch * op.arguments.query_tokens * op.arguments.key_tokens * op.arguments.query.width;
  const auto run = [&](std::size_t begin, std::size_t end, auto head_of_work) {
    AttentionGradientWorker worker(op.arguments, op.output.data(), op.output_gradient.data(),
                                   op.gradients, context.set);
    for (std::size_t i = begin; i < end; ++i) head_of_work(worker, i);
  };
  const int threads = worthwhile_threads(context.threads, work / 4);
  if (op.arguments.key_rows || op.gradients.bias)
    parallel_for(threads, heads, [&](std::size_t begin, std::size_t end) {
      run(begin, end, [&](AttentionGradientWorker& worker, std::size_t head) {
        for (std::size_t b = 0; b < batch; ++b) worker.run(b, head);
      });
    });
  else
    parallel_for(threads, batch * heads, [&](std::size_t begin, std::size_t end) {
      run(begin, end, [&](AttentionGradientWorker& worker, std::size_t i) {
        worker.run(i / heads, i % heads);
      });
    });
}

}  // namespace coca::detail
