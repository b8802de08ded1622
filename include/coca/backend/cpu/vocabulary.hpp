#pragma once
/// @file
/// Scores over a vocabulary: log-softmax, individual edits, and the truncation for sampling.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu_context.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/simd.hpp"
#include "coca/backend/cpu/threads.hpp"

namespace coca::detail {

/// x - log(sum(exp(x))) of one row.
struct LogSoftmaxKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(float* row, std::size_t width) {
    const float best = largest<S>(row, width);
    const auto shift = static_cast<float>(std::log(sum_of_exp<S>(row, width, best)));
    typename S::F x;
    std::size_t i = 0;
    for (; i + S::width <= width; i += S::width) {
      simd::load<S>(x, row + i);
      x = x - best - shift;
      simd::store<S>(row + i, x);
    }
    for (; i < width; ++i) row[i] = row[i] - best - shift;
  }

  /// The largest of a row's elements, ignoring NaN.
  template <class S>
  [[gnu::always_inline]] static inline float largest(const float* row, std::size_t width) {
    constexpr float nothing = -std::numeric_limits<float>::infinity();
    typename S::F x, best;
    simd::fill<S>(best, nothing);
    std::size_t i = 0;
    for (; i + S::width <= width; i += S::width) {
      simd::load<S>(x, row + i);
      best = x > best ? x : best;
    }
    if (i < width) {
      simd::load_some<S>(x, row + i, width - i, nothing);
      best = x > best ? x : best;
    }
    return simd::largest<S>(best, nothing);
  }

  /// The sum of e^(x - best). Blocks are summed in float, the blocks in double: tens of thousands
  /// of small terms would otherwise cost the fifth digit.
  template <class S>
  [[gnu::always_inline]] static inline double sum_of_exp(const float* row, std::size_t width,
                                                         float best) {
    constexpr std::size_t block = 32 * S::width;
    double sum = 0;
    std::size_t i = 0;
    while (i + S::width <= width) {
      typename S::F x, total;
      std::memset(&total, 0, sizeof total);
      const std::size_t end = std::min(i + block, width);
      for (; i + S::width <= end; i += S::width) {
        simd::load<S>(x, row + i);
        x = x - best;
        simd::exp_inplace<S>(x);
        total += x;
      }
      sum += double{simd::sum<S>(total)};
    }
    for (; i < width; ++i) sum += double{std::exp(row[i] - best)};
    return sum;
  }
};

inline void run(const ops::LogSoftmax<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.scores.shape().back();
  if (width == 0) return;
  parallel_for(worthwhile_threads(context.threads, op.scores.size()), op.scores.size() / width,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r)
                   dispatch<LogSoftmaxKernel>(context.set, op.scores.data() + r * width, width);
               });
}

inline void run(const ops::EditScores<float, HostMemory>& op, const CpuContext&) {
  for (std::size_t i = 0; i < op.indices.size(); ++i) {
    float& score = op.scores.data()[op.indices.data()[i]];
    switch (op.edit) {
      case ScoreEdit::forbid:
        score = -std::numeric_limits<float>::infinity();
        break;
      case ScoreEdit::penalize:
        score = score < 0 ? score * op.values.data()[i] : score / op.values.data()[i];
        break;
      case ScoreEdit::subtract:
        score -= op.values.data()[i];
        break;
    }
  }
}

/// Temperature, top-k and top-p of one row. Only as much of the row is sorted as needed.
class RowWarp {
 public:
  RowWarp(std::span<float> scores, const SamplingWarp& warp) : scores_(scores), warp_(warp) {}

  void run() {
    bool nan = false;
    for (float& score : scores_) {
      score /= warp_.temperature;
      nan |= score != score;
    }
    // A row with NaN has no order: it is left unchanged, to be noticed.
    if (nan || (warp_.top_k == 0 && !(warp_.top_p < 1.0f))) return;
    float* memory = scratch<RowWarp>().get<float>(scores_.size());
    std::copy(scores_.begin(), scores_.end(), memory);
    left_ = {memory, scores_.size()};
    if (warp_.top_k != 0) keep_top_k();
    if (warp_.top_p < 1.0f) keep_top_p();
    for (float& score : scores_)
      if (score < least_) score = -std::numeric_limits<float>::infinity();
  }

 private:
  void keep_top_k() {
    const std::size_t rank = std::min(std::max(warp_.top_k, warp_.min_keep), left_.size());
    const auto last = left_.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(left_.begin(), last, left_.end(), std::greater<>());
    least_ = *last;
    const auto equal =
        std::partition(last + 1, left_.end(), [this](float score) { return score >= least_; });
    left_ = {left_.begin(), equal};
  }

  // Sorts more and more of the best until they have the requested probability.
  void keep_top_p() {
    const double best = double{*std::max_element(left_.begin(), left_.end())};
    double total = 0, before = 0;
    for (const float score : left_) total += std::exp(double{score} - best);
    std::size_t sorted = 0;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      if (i == sorted) sorted = sort_more(sorted);
      if (i >= warp_.min_keep && before / total >= warp_.top_p) {
        least_ = left_[i - 1];
        return;
      }
      before += std::exp(double{left_[i]} - best);
    }
  }

  std::size_t sort_more(std::size_t sorted) {
    const std::size_t end = std::min(std::max<std::size_t>(256, 4 * sorted), left_.size());
    const auto first = left_.begin() + static_cast<std::ptrdiff_t>(sorted);
    const auto last = left_.begin() + static_cast<std::ptrdiff_t>(end);
    if (last != left_.end()) std::nth_element(first, last, left_.end(), std::greater<>());
    std::sort(first, last, std::greater<>());
    return end;
  }

  std::span<float> scores_, left_;
  SamplingWarp warp_;
  float least_ = -std::numeric_limits<float>::infinity();
};

inline void run(const ops::WarpScores<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.scores.shape().back();
  if (width == 0) return;
  parallel_for(worthwhile_threads(context.threads, op.scores.size() * 4), op.scores.size() / width,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t r = begin; r < end; ++r)
                   RowWarp({op.scores.data() + r * width, width}, op.warp).run();
               });
}

}  // namespace coca::detail
