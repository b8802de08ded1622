#pragma once
/// @file
/// A training run's inputs apart from its options: the model's configuration, words and pictures.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coca/data/feature_source.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/text/tokenizer.hpp"
#include "coca/training/task_data.hpp"

namespace coca {

/// What a run trains.
struct TrainingSubject {
  AnyConfig config{};                       ///< of the model
  std::optional<AnyTokenizer> tokenizer{};  ///< of tasks that read texts
  PreprocessConfig preprocess{};            ///< mean and deviation; the size is the model's
  std::string tokenizer_file{};             ///< kept next to the model; empty: CLIP's
  std::vector<std::string> classes{};       ///< names by label, of tasks that have classes
  /// Features of the training and of the validation data, read in the place of pictures; or null.
  std::shared_ptr<const FeatureSource> training_features{}, validation_features{};
  std::vector<std::string> answers{};  ///< of questions, by their number
  /// Of tasks on questions, pairs of pictures and videos, in the place of what options name: see
  /// with_task_data() and with_video_data().
  std::optional<TaskData> training_data{}, validation_data{};
};

/// Id of the padding of a model's texts.
inline int pad_id_of(const AnyConfig& config) {
  return std::visit([](const auto& each) { return each.text.pad_id; }, config);
}

}  // namespace coca
