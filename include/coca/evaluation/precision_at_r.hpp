#pragma once
/// @file
/// Retrieval where a query has many right answers (Musgrave et al. 2020; ECCV Caption, Chun et al.
/// 2022): of the nearest R candidates, with R the number of right ones.

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/similarity_tile.hpp"
#include "coca/evaluation/worker_threads.hpp"

namespace coca {

/// Means over the queries that have right answers; shares, 0 to 1.
struct PrecisionAtR {
  double recall_at_1 = 0;
  double r_precision = 0;             ///< share of the nearest R that are right
  double mean_average_precision = 0;  ///< mAP\@R: mean over them of the precision at each right one
  std::size_t queries = 0;
};

namespace detail {

/// The scores of one query: recall at 1, R-precision, average precision at R.
/// @param similarities [candidates] @param right at least one
inline std::array<double, 3> query_scores(std::span<const float> similarities,
                                          const std::vector<std::size_t>& right) {
  std::vector<std::size_t> order(similarities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t r = std::min(right.size(), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(r), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return similarities[a] > similarities[b] ||
                             (similarities[a] == similarities[b] && a < b);
                    });
  std::size_t found = 0;
  double precisions = 0, recall_at_1 = 0;
  for (std::size_t i = 0; i < r; ++i) {
    if (std::find(right.begin(), right.end(), order[i]) == right.end()) continue;
    precisions += static_cast<double>(++found) / static_cast<double>(i + 1);
    if (i == 0) recall_at_1 = 1;
  }
  const auto count = static_cast<double>(right.size());
  return {recall_at_1, static_cast<double>(found) / count, precisions / count};
}

/// Computes the scores of some queries together, so that candidates are read once for all of them.
class PrecisionCounter {
 public:
  PrecisionCounter(const EmbeddingRows& queries, const EmbeddingRows& candidates,
                   const std::vector<std::vector<std::size_t>>& right)
      : queries_(queries),
        candidates_(candidates),
        right_(right),
        norms_(inverse_norms(candidates, "candidates")) {
    inverse_norms(queries, "queries");
    check();
    for (std::size_t q = 0; q < right.size(); ++q)
      if (!right[q].empty()) which_.push_back(q);
    if (which_.empty()) throw ArgumentError("no query has a right answer");
    scores_.resize(which_.size());
  }

  PrecisionAtR count(std::size_t threads) {
    const std::size_t blocks = (which_.size() + block - 1) / block;
    share_tasks(blocks, worker_count(threads, blocks),
                [&](std::size_t task, std::size_t) { score_block(task * block); });
    PrecisionAtR means{.queries = which_.size()};
    for (const auto& [recall_at_1, r_precision, average_precision] : scores_) {
      means.recall_at_1 += recall_at_1;
      means.r_precision += r_precision;
      means.mean_average_precision += average_precision;
    }
    const auto queries = static_cast<double>(which_.size());
    means.recall_at_1 /= queries;
    means.r_precision /= queries;
    means.mean_average_precision /= queries;
    return means;
  }

 private:
  static constexpr std::size_t block = 32;  // queries
  static constexpr std::size_t tile = 256;  // candidates

  void check() const {
    if (queries_.width != candidates_.width || right_.size() != queries_.count())
      throw ShapeError(there_are(queries_.count(), "query", "queries") + " of width " +
                       std::to_string(queries_.width) + ", " + counted(right_.size(), "list") +
                       " of right answers, and candidates of width " +
                       std::to_string(candidates_.width));
    for (std::size_t q = 0; q < right_.size(); ++q)
      for (const std::size_t answer : right_[q])
        if (answer >= candidates_.count())
          throw ArgumentError("query " + std::to_string(q) + " has candidate " +
                              std::to_string(answer) + ", but there are " +
                              std::to_string(candidates_.count()));
  }

  /// The queries which_[first] and so on.
  void score_block(std::size_t first) {
    const std::size_t some = std::min(block, which_.size() - first), all = candidates_.count();
    const PackedRows packed(queries_, std::span(which_).subspan(first, some));
    std::vector<float> products, similarities(some * all);  // [some, candidates]
    for (std::size_t begin = 0; begin < all; begin += tile) {
      const std::size_t count = std::min(tile, all - begin);
      similarity_tile(candidates_, begin, count, packed, products);  // [count, some]
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t q = 0; q < some; ++q)
          similarities[q * all + begin + i] = products[i * some + q] * norms_[begin + i];
    }
    for (std::size_t q = 0; q < some; ++q)
      scores_[first + q] = query_scores(std::span<const float>(similarities).subspan(q * all, all),
                                        right_[which_[first + q]]);
  }

  const EmbeddingRows& queries_;
  const EmbeddingRows& candidates_;
  const std::vector<std::vector<std::size_t>>& right_;
  std::vector<float> norms_;
  std::vector<std::size_t> which_;             // queries that have a right answer
  std::vector<std::array<double, 3>> scores_;  // of these
};

}  // namespace detail

/// @param queries    [queries, width]
/// @param candidates [candidates, width]
/// @param right      [queries]: numbers of candidates, each once; queries without any are left out
/// @param threads    0: one per processor; the result does not depend on it
/// @throws ShapeError for shapes that do not fit; ArgumentError for embeddings that are not finite,
///         norms out of range (see EmbeddingRows), candidates that do not exist, and if no query
///         has a right answer
inline PrecisionAtR precision_at_r(const EmbeddingRows& queries, const EmbeddingRows& candidates,
                                   const std::vector<std::vector<std::size_t>>& right,
                                   std::size_t threads = 0) {
  return detail::PrecisionCounter(queries, candidates, right).count(threads);
}

}  // namespace coca
