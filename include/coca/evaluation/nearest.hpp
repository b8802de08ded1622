#pragma once
/// @file
/// The nearest of many embeddings.

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/similarity_tile.hpp"

namespace coca {

/// A candidate and its cosine with the query.
struct Neighbour {
  std::size_t number = 0;
  float similarity = 0;
};

/// The nearest candidates of row `query`, nearest first; equally near ones in their order.
/// @param queries, candidates rows of one width
/// @param limit how many, at most
/// @throws ShapeError for shapes that do not fit; ArgumentError for a row that does not exist,
///         embeddings that are not finite, and norms out of range (see EmbeddingRows)
inline std::vector<Neighbour> nearest_rows(const EmbeddingRows& queries, std::size_t query,
                                           const EmbeddingRows& candidates, std::size_t limit) {
  if (query >= queries.count())
    throw ArgumentError("query " + std::to_string(query) + " was requested of " +
                        std::to_string(queries.count()));
  if (queries.width != candidates.width)
    throw ShapeError("the queries have width " + std::to_string(queries.width) +
                     ", the candidates " + std::to_string(candidates.width));
  const std::vector<float> norms = detail::inverse_norms(candidates, "candidates");
  const std::vector<float> own =
      detail::inverse_norms({queries.row(query), queries.width}, "query");
  const std::array<std::size_t, 1> which{query};
  std::vector<float> products;
  similarity_tile(candidates, 0, candidates.count(), PackedRows(queries, which), products);
  std::vector<Neighbour> all;
  for (std::size_t i = 0; i < products.size(); ++i)
    all.push_back({i, products[i] * norms[i] * own[0]});
  const std::size_t count = std::min(limit, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
                    [](const Neighbour& a, const Neighbour& b) {
                      return a.similarity > b.similarity ||
                             (a.similarity == b.similarity && a.number < b.number);
                    });
  all.resize(count);
  return all;
}

}  // namespace coca
