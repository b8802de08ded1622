#pragma once
/// @file
/// Queries made of several: a text, and a picture, but not another text.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/pipelines/encode.hpp"

namespace coca {

/// The weighted sum of embeddings, of Euclidean norm 1 again. Weights may be negative.
/// @throws ArgumentError for another number of weights than embeddings, and if nothing is left:
/// `a - a`
inline std::vector<float> combined_query(const Embeddings& embeddings,
                                         std::span<const float> weights) {
  if (weights.size() != embeddings.count)
    throw ArgumentError(counted(weights.size(), "weight") + " for " +
                        counted(embeddings.count, "embedding"));
  std::vector<double> sum(embeddings.width, 0);
  for (std::size_t i = 0; i < embeddings.count; ++i)
    for (std::size_t k = 0; k < embeddings.width; ++k)
      sum[k] += double{weights[i]} * double{embeddings[i][k]};
  double squares = 0;
  for (const double value : sum) squares += value * value;
  constexpr double least = 1e-6;  // of the norm: what remains of equal embeddings is rounding
  if (!(squares > least * least)) throw ArgumentError("the parts of the query cancel out");
  std::vector<float> query;
  for (const double value : sum) query.push_back(static_cast<float>(value / std::sqrt(squares)));
  return query;
}

}  // namespace coca
