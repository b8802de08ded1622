#pragma once
/// @file
/// Retrieval where a query has many right answers (Musgrave et al. 2020; ECCV Caption, Chun et al.
/// 2022): of the nearest R candidates, with R the number of right ones.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/similarity_tile.hpp"

namespace coca {

/// Means over the queries that have right answers; shares, 0 to 1.
struct PrecisionAtR {
  double recall_at_1 = 0;
  double r_precision = 0;             ///< share of the nearest R that are right
  double mean_average_precision = 0;  ///< mAP\@R: mean over them of the precision at each right one
  std::size_t queries = 0;
};

namespace detail {

/// Adds the scores of one query. @param similarities [candidates] @param right at least one
inline void add_query(std::span<const float> similarities, const std::vector<std::size_t>& right,
                      PrecisionAtR& sums) {
  std::vector<std::size_t> order(similarities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t r = std::min(right.size(), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(r), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return similarities[a] > similarities[b] ||
                             (similarities[a] == similarities[b] && a < b);
                    });
  std::size_t found = 0;
  double precisions = 0;
  for (std::size_t i = 0; i < r; ++i) {
    if (std::find(right.begin(), right.end(), order[i]) == right.end()) continue;
    precisions += static_cast<double>(++found) / static_cast<double>(i + 1);
    if (i == 0) sums.recall_at_1 += 1;
  }
  const auto count = static_cast<double>(right.size());
  sums.r_precision += static_cast<double>(found) / count;
  sums.mean_average_precision += precisions / count;
  ++sums.queries;
}

}  // namespace detail

/// @param queries    [queries, width]
/// @param candidates [candidates, width]
/// @param right      [queries]: numbers of candidates, each once; queries without any are left out
/// @throws ShapeError for shapes that do not fit; ArgumentError for embeddings that are not finite,
///         norms out of range (see EmbeddingRows), candidates that do not exist, and if no query
///         has a right answer
inline PrecisionAtR precision_at_r(const EmbeddingRows& queries, const EmbeddingRows& candidates,
                                   const std::vector<std::vector<std::size_t>>& right) {
  const std::vector<float> norms = detail::inverse_norms(candidates, "candidates");
  detail::inverse_norms(queries, "queries");
  if (queries.width != candidates.width || right.size() != queries.count())
    throw ShapeError(there_are(queries.count(), "query", "queries") + " of width " +
                     std::to_string(queries.width) + ", " + counted(right.size(), "list") +
                     " of right answers, and candidates of width " +
                     std::to_string(candidates.width));
  std::vector<std::size_t> all(candidates.count());
  std::iota(all.begin(), all.end(), std::size_t{0});
  constexpr std::size_t block = 1024;
  PrecisionAtR sums;
  std::vector<float> products, similarities(candidates.count());
  for (std::size_t q = 0; q < right.size(); ++q) {
    if (right[q].empty()) continue;
    for (const std::size_t answer : right[q])
      if (answer >= candidates.count())
        throw ArgumentError("query " + std::to_string(q) + " has candidate " +
                            std::to_string(answer) + ", but there are " +
                            std::to_string(candidates.count()));
    for (std::size_t first = 0; first < all.size(); first += block) {
      const std::size_t some = std::min(block, all.size() - first);
      const PackedRows packed(candidates, std::span(all).subspan(first, some));
      similarity_tile(queries, q, 1, packed, products);
      for (std::size_t i = 0; i < some; ++i)
        similarities[first + i] = products[i] * norms[first + i];
    }
    detail::add_query(similarities, right[q], sums);
  }
  if (sums.queries == 0) throw ArgumentError("no query has a right answer");
  const auto count = static_cast<double>(sums.queries);
  sums.recall_at_1 /= count;
  sums.r_precision /= count;
  sums.mean_average_precision /= count;
  return sums;
}

}  // namespace coca
