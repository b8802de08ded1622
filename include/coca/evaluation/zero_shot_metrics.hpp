#pragma once
/// @file
/// CLIP_benchmark's metrics of zero-shot classification, from embeddings.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/benchmark_result.hpp"
#include "coca/evaluation/class_scores.hpp"
#include "coca/evaluation/classification.hpp"

namespace coca {

/// "mean_average_precision" of pictures with any number of classes (VOC2007).
/// @param labels [images], classes of each
/// @throws as class_scores() and mean_average_precision(); ArgumentError for a class that does not
///         exist
inline Metrics multi_label_metrics(const EmbeddingRows& images, const EmbeddingRows& classes,
                                   const std::vector<std::vector<std::size_t>>& labels) {
  const std::size_t count = classes.count();
  std::vector<std::uint8_t> targets(labels.size() * count);
  for (std::size_t i = 0; i < labels.size(); ++i)
    for (const std::size_t label : labels[i]) {
      if (label >= count)
        throw ArgumentError("picture " + std::to_string(i) + " is of class " +
                            std::to_string(label) + ", but there are " + std::to_string(count) +
                            " classes");
      targets[i * count + label] = 1;
    }
  return {{"mean_average_precision",
           mean_average_precision(class_scores(images, classes), targets, count)}};
}

/// "acc1", "acc5" (without value below five classes) and "mean_per_class_recall" of pictures with
/// one class each; shares, 0 to 1. Equally near classes rank by their order, as in argmax.
/// @param labels [images]
/// @throws as class_scores() and classification_scores()
inline Metrics single_label_metrics(const EmbeddingRows& images, const EmbeddingRows& classes,
                                    const std::vector<std::size_t>& labels) {
  const ClassificationScores scores =
      classification_scores(class_scores(images, classes), labels, classes.count());
  return {{"acc1", scores.top_1},
          {"acc5", scores.top_5},
          {"mean_per_class_recall", scores.mean_per_class}};
}

}  // namespace coca
