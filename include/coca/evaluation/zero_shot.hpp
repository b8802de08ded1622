#pragma once
/// @file
/// The accuracy of zero-shot classification: how often the embedding of the right class is nearest.

#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/retrieval.hpp"

namespace coca {

/// Shares, 0 to 1.
struct ZeroShotAccuracy {
  double top_1 = 0;           ///< of pictures whose class is the nearest
  double top_5 = 0;           ///< of pictures whose class is among the nearest five
  double mean_per_class = 0;  ///< top_1 of each class that has pictures, averaged over these
};

/// @param images  [count, width], and the class of each
/// @param classes [classes, width]; need not be normalised
/// @throws ShapeError    for embeddings that do not fit each other or the labels
/// @throws ArgumentError for a label that no class has
inline ZeroShotAccuracy zero_shot_accuracy(const GroupedEmbeddings& images,
                                           std::span<const float> classes) {
  const std::size_t width = detail::embedding_width(images, "pictures");
  if (classes.empty() || classes.size() % width != 0)
    throw ShapeError("the classes have " + counted(classes.size(), "value") +
                     ", expected a multiple of the pictures' width, " + std::to_string(width));
  std::vector<std::size_t> numbers(classes.size() / width);
  std::iota(numbers.begin(), numbers.end(), std::size_t{0});
  for (const std::size_t label : images.groups)
    if (label >= numbers.size())
      throw ArgumentError("a picture is of class " + std::to_string(label) + ", but " +
                          there_are(numbers.size(), "class", "classes"));
  const std::vector<std::size_t> ranks = retrieval_ranks(images, {classes, numbers});
  const Recall overall = recall(ranks);
  std::vector<double> right(numbers.size()), all(numbers.size());
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    all[images.groups[i]] += 1;
    right[images.groups[i]] += ranks[i] == 0;
  }
  double sum = 0, present = 0;
  for (std::size_t c = 0; c < all.size(); ++c) {
    if (all[c] == 0) continue;
    sum += right[c] / all[c];
    present += 1;
  }
  return {overall.at_1, overall.at_5, sum / present};
}

}  // namespace coca
