#pragma once
/// @file
/// Queries of a retrieval run that show what the model finds and what it takes for something else.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/caption_retrieval.hpp"
#include "coca/evaluation/nearest.hpp"
#include "coca/evaluation/retrieval_run.hpp"

namespace coca {

/// A query, its rank, and its nearest candidates.
struct RetrievalExample {
  std::size_t query = 0;  ///< picture, or text
  std::size_t rank = 0;   ///< from 0
  std::vector<Neighbour> nearest{};
  std::vector<std::size_t> right{};  ///< all right candidates
};

/// Examples of one way.
struct RetrievalExamples {
  std::vector<RetrievalExample> misses{};  ///< worst rank first
  std::vector<RetrievalExample> hits{};    ///< spread over the data
};

/// How many examples of each kind, and how many candidates of each.
struct RetrievalExampleCounts {
  std::size_t queries = 12;
  std::size_t nearest = 5;
};

namespace detail {

/// Queries of the worst ranks; those that found nothing are the worst.
inline std::vector<std::size_t> worst_queries(std::span<const std::size_t> ranks,
                                              std::size_t count) {
  std::vector<std::size_t> queries;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] != 0) queries.push_back(i);
  std::stable_sort(queries.begin(), queries.end(),
                   [&](std::size_t a, std::size_t b) { return ranks[a] > ranks[b]; });
  queries.resize(std::min(count, queries.size()));
  return queries;
}

/// Queries that found a match first, evenly spaced among all of these.
inline std::vector<std::size_t> spread_hits(std::span<const std::size_t> ranks, std::size_t count) {
  std::vector<std::size_t> hits, chosen;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] == 0) hits.push_back(i);
  count = std::min(count, hits.size());
  for (std::size_t i = 0; i < count; ++i) chosen.push_back(hits[i * hits.size() / count]);
  return chosen;
}

}  // namespace detail

/// Examples of queries among candidates of the other kind.
/// @param right right candidates of each query
inline RetrievalExamples retrieval_examples(const EmbeddingRows& queries,
                                            const EmbeddingRows& candidates,
                                            std::span<const std::size_t> ranks,
                                            const CaptionPositives& right,
                                            const RetrievalExampleCounts& counts = {}) {
  if (ranks.size() != queries.count() || right.size() != queries.count())
    throw ShapeError("there are " + std::to_string(ranks.size()) + " ranks and " +
                     std::to_string(right.size()) + " lists of right candidates for " +
                     std::to_string(queries.count()) + " queries");
  const auto examples_of = [&](const std::vector<std::size_t>& chosen) {
    std::vector<RetrievalExample> examples;
    for (const std::size_t query : chosen)
      examples.push_back({query, ranks[query],
                          nearest_rows(queries, query, candidates, counts.nearest), right[query]});
    return examples;
  };
  return {examples_of(detail::worst_queries(ranks, counts.queries)),
          examples_of(detail::spread_hits(ranks, counts.queries))};
}

}  // namespace coca
