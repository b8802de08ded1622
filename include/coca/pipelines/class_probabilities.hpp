#pragma once
/// @file
/// From the logits of a classifier to its classes, most probable first.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/pipelines/classify.hpp"

namespace coca {

/// Softmax, in double. @param logits of a picture, finite numbers, at least one
inline std::vector<double> class_probabilities(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> result;
  for (const float logit : logits) result.push_back(std::exp(double{logit} - largest));
  const double total = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& value : result) value /= total;
  return result;
}

/// All classes of a picture, most probable first, equally probable ones in their order.
/// @param logits [classes]
/// @throws ShapeError for another number of names
inline std::vector<LabelProbability> ranked_classes(std::span<const float> logits,
                                                    std::span<const std::string> names) {
  if (logits.empty() || logits.size() != names.size())
    throw ShapeError("there are " + std::to_string(logits.size()) + " logits for " +
                     std::to_string(names.size()) + " classes");
  const std::vector<double> probabilities = class_probabilities(logits);
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  std::vector<LabelProbability> result;
  for (const std::size_t i : order)
    result.push_back({names[i], static_cast<float>(probabilities[i])});
  return result;
}

}  // namespace coca
