#pragma once
/// @file
/// From the logits of a classifier to its classes, most probable first.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/pipelines/classify.hpp"
#include "coca/pipelines/probabilities.hpp"

namespace coca {

/// All classes of a picture, most probable first, equally probable ones in their order.
/// @param logits [classes]
/// @throws ShapeError for another number of names
inline std::vector<LabelProbability> ranked_classes(std::span<const float> logits,
                                                    std::span<const std::string> names) {
  if (logits.empty() || logits.size() != names.size())
    throw ShapeError("there are " + std::to_string(logits.size()) + " logits for " +
                     std::to_string(names.size()) + " classes");
  const std::vector<double> probabilities = softmax_probabilities(logits);
  std::vector<LabelProbability> result;
  for (const std::size_t i : descending_order(logits))
    result.push_back({names[i], static_cast<float>(probabilities[i])});
  return result;
}

}  // namespace coca
