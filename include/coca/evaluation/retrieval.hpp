#pragma once
/// @file
/// Retrieval: finding a picture's caption among all captions, and vice versa.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/bootstrap.hpp"

namespace coca {

/// Embeddings with their groups. A picture and a text match if their groups are
/// equal: so a picture may have several captions, and a caption several pictures.
struct GroupedEmbeddings {
  std::span<const float> values;          ///< [count, width]; need not be normalised
  std::span<const std::size_t> groups{};  ///< [count]
};

/// The share, 0 to 1, of queries with a match among the nearest 1, 5, 10.
struct Recall {
  double at_1 = 0;
  double at_5 = 0;
  double at_10 = 0;
};

/// Recall in both directions.
struct RetrievalScores {
  Recall image_to_text;
  Recall text_to_image;
};

/// How a candidate that does not match is ranked if it is exactly as near as the nearest match,
/// such as the same caption of another picture.
enum class Ties {
  before,    ///< comes before: a model that gives everything the same embedding finds nothing
  in_order,  ///< comes before if it is earlier in the list, as when candidates are sorted
};

/// The rank of a query for which nothing fits.
inline constexpr std::size_t never_found = std::numeric_limits<std::size_t>::max();

namespace detail {

/// The width of embeddings. @throws ShapeError if there is none, or they do not fit their groups
inline std::size_t embedding_width(const GroupedEmbeddings& embeddings, const std::string& name) {
  const std::size_t count = embeddings.groups.size(), values = embeddings.values.size();
  if (count == 0 || values == 0 || values % count != 0)
    throw ShapeError("the " + name + " have " + counted(values, "value") + " for " +
                     counted(count, "embedding") +
                     ", expected the same number for each, and at least one");
  return values / count;
}

/// Rows divided by their norms; a row of zeros stays.
inline std::vector<double> unit_rows(std::span<const float> values, std::size_t width) {
  std::vector<double> rows(values.begin(), values.end());
  for (std::size_t first = 0; first < rows.size(); first += width) {
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += rows[first + i] * rows[first + i];
    if (squares == 0) continue;
    for (std::size_t i = 0; i < width; ++i) rows[first + i] /= std::sqrt(squares);
  }
  return rows;
}

/// How many candidates that do not match come before the first that does; NaN comes before.
inline std::size_t rank_of_first(std::span<const double> similarities,
                                 std::span<const std::size_t> groups, std::size_t group,
                                 Ties ties) {
  double best = -std::numeric_limits<double>::infinity();
  std::size_t place = groups.size();
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (groups[i] == group &&
        (similarities[i] > best || (place == groups.size() && similarities[i] == best))) {
      best = similarities[i];
      place = i;
    }
  if (place == groups.size()) return never_found;
  std::size_t rank = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const bool after =
        similarities[i] < best || (similarities[i] == best && ties == Ties::in_order && i > place);
    if (groups[i] != group && !after) ++rank;
  }
  return rank;
}

/// Queries whose similarities are computed together, so that each sum need not wait for itself.
inline constexpr std::size_t similarity_block = 8;

/// Scalar products of some queries, at most similarity_block, with all candidates.
/// @param queries    [count, width]
/// @param candidates [candidates, width]
/// @param out        [count, candidates]
inline void block_similarities(std::span<const float> queries, std::span<const double> candidates,
                               std::size_t width, std::vector<double>& out) {
  const std::size_t count = queries.size() / width, others = candidates.size() / width;
  std::vector<double> columns(width * similarity_block);  // [width, similarity_block]
  for (std::size_t q = 0; q < count; ++q)
    for (std::size_t i = 0; i < width; ++i)
      columns[i * similarity_block + q] = double{queries[q * width + i]};
  out.resize(count * others);
  for (std::size_t c = 0; c < others; ++c) {
    std::array<double, similarity_block> sums{};
    for (std::size_t i = 0; i < width; ++i)
      for (std::size_t q = 0; q < similarity_block; ++q)
        sums[q] += columns[i * similarity_block + q] * candidates[c * width + i];
    for (std::size_t q = 0; q < count; ++q) out[q * others + c] = sums[q];
  }
}

}  // namespace detail

/// For each query, how many candidates that do not match are nearer (by cosine) than the nearest
/// match, or as near (`ties`); `never_found` if none matches. 0 is a hit.
/// @throws ShapeError for embeddings of different widths, or whose number is not that of the groups
inline std::vector<std::size_t> retrieval_ranks(const GroupedEmbeddings& queries,
                                                const GroupedEmbeddings& candidates,
                                                Ties ties = Ties::before) {
  const std::size_t width = detail::embedding_width(queries, "queries");
  if (const std::size_t other = detail::embedding_width(candidates, "candidates"); other != width)
    throw ShapeError("the queries have width " + std::to_string(width) + ", the candidates " +
                     std::to_string(other));
  const std::vector<double> rows = detail::unit_rows(candidates.values, width);
  const std::size_t all = queries.groups.size(), others = candidates.groups.size();
  std::vector<double> similarities;
  std::vector<std::size_t> ranks;
  for (std::size_t first = 0; first < all; first += detail::similarity_block) {
    const std::size_t count = std::min(detail::similarity_block, all - first);
    detail::block_similarities(queries.values.subspan(first * width, count * width), rows, width,
                               similarities);
    for (std::size_t q = 0; q < count; ++q)
      ranks.push_back(
          detail::rank_of_first(std::span<const double>(similarities).subspan(q * others, others),
                                candidates.groups, queries.groups[first + q], ties));
  }
  return ranks;
}

/// The recall of queries with these ranks, which may be those of only some queries.
/// @throws ArgumentError for no ranks
inline Recall recall(std::span<const std::size_t> ranks) {
  if (ranks.empty()) throw ArgumentError("recall needs at least one query");
  const auto share = [&](std::size_t limit) {
    const auto found = std::count_if(ranks.begin(), ranks.end(),
                                     [limit](std::size_t rank) { return rank < limit; });
    return static_cast<double>(found) / static_cast<double>(ranks.size());
  };
  return {share(1), share(5), share(10)};
}

/// The two ends of an interval, of each number on its own.
struct RecallInterval {
  Recall low;
  Recall high;
};

/// Where the recall lies in test sets of other clusters of queries (bootstrap_intervals).
/// @param ranks    [queries]
/// @param clusters [queries], which of them belong together
/// @throws ArgumentError for no ranks, and for ranks without cluster
inline RecallInterval recall_interval(std::span<const std::size_t> ranks,
                                      std::span<const std::size_t> clusters,
                                      const BootstrapOptions& options = {}) {
  std::vector<std::array<double, 3>> hits;
  for (const std::size_t rank : ranks)
    hits.push_back({rank < 1 ? 1.0 : 0.0, rank < 5 ? 1.0 : 0.0, rank < 10 ? 1.0 : 0.0});
  const auto [at_1, at_5, at_10] = bootstrap_intervals(hits, clusters, options);
  return {{at_1.low, at_5.low, at_10.low}, {at_1.high, at_5.high, at_10.high}};
}

/// Recall in both directions. Captions shared by several pictures should be in `texts` once.
/// @throws ShapeError for embeddings of different widths, or whose number is not that of the groups
inline RetrievalScores retrieval(const GroupedEmbeddings& images, const GroupedEmbeddings& texts) {
  return {recall(retrieval_ranks(images, texts)), recall(retrieval_ranks(texts, images))};
}

}  // namespace coca
