#pragma once
/// @file
/// What a training run reports while it runs, and the lines of its log.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coca/data/batch.hpp"
#include "coca/training/step.hpp"
#include "coca/training/training_log.hpp"
#include "coca/training/validation.hpp"

namespace coca {

/// A finished step, for observers.
struct TrainingProgress {
  std::uint64_t step = 0;   ///< steps done
  std::uint64_t steps = 0;  ///< of the whole run
  double epoch = 0;         ///< epochs done, 1.5: one and a half
  TrainingStepResult result{};
  double learning_rate = 0;
  double pictures_per_second = 0;
  double seconds_waited = 0;  ///< for data
  double seconds_left = 0;    ///< of this run, at its current speed
  std::uint64_t skipped = 0;  ///< skipped steps of the whole run
};

/// A finished validation.
struct TrainingValidation {
  std::uint64_t step = 0;
  ValidationScores scores{};
  std::vector<std::string> captions{};  ///< of the fixed pictures
};

/// What a run reports while it runs, and how it is stopped.
struct TrainingEvents {
  std::function<void(const TrainingProgress&)> on_step{};
  std::function<void(const TrainingValidation&)> on_validation{};
  std::function<void(const SkippedPicture&)> on_broken_picture{};
  std::function<void(const std::string&)> on_checkpoint{};  ///< with its path, once written
  /// The run saves and ends as soon as this is true. May be set by a signal handler.
  const std::atomic<bool>* stop = nullptr;
};

/// How a run ended.
enum class TrainingEnd : std::uint8_t {
  finished,  ///< all steps are done
  stopped,   ///< by TrainingEvents::stop; the run can be resumed from the checkpoint
};

/// A step as a line of the log.
inline nlohmann::ordered_json log_line(const TrainingProgress& progress, const Batch& batch) {
  const TrainingStepResult& result = progress.result;
  nlohmann::ordered_json line{
      {"step", progress.step},
      {"epoch", progress.epoch},
      {"loss", to_json_number(result.contrastive_loss + result.captioning_loss)},
      {"contrastive_loss", to_json_number(result.contrastive_loss)},
      {"captioning_loss", to_json_number(result.captioning_loss)},
      {"learning_rate", progress.learning_rate},
      {"gradient_norm", to_json_number(result.gradient_norm)},
      {"logit_scale", to_json_number(std::exp(result.logit_scale))}};
  if (result.logit_bias) line["logit_bias"] = to_json_number(*result.logit_bias);
  if (!result.applied) line["skipped"] = true;
  for (const SkippedPicture& picture : batch.skipped)
    line["broken_pictures"].push_back({{"name", picture.name}, {"reason", picture.reason}});
  line["pictures_per_second"] = to_json_number(static_cast<float>(progress.pictures_per_second));
  line["seconds_waited"] = to_json_number(static_cast<float>(progress.seconds_waited));
  return line;
}

/// A validation as a line of the log.
inline nlohmann::ordered_json log_line(const TrainingValidation& validation) {
  const ValidationScores& scores = validation.scores;
  const auto number = [](double value) { return to_json_number(static_cast<float>(value)); };
  const auto recall = [&](const Recall& value) -> nlohmann::ordered_json {
    return {{"r1", number(value.at_1)}, {"r5", number(value.at_5)}, {"r10", number(value.at_10)}};
  };
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  if (scores.pictures != 0) {
    values["pictures"] = scores.pictures;
    values["loss"] = number(scores.contrastive_loss + scores.captioning_loss);
    values["contrastive_loss"] = number(scores.contrastive_loss);
    values["captioning_loss"] = number(scores.captioning_loss);
    values["image_to_text"] = recall(scores.retrieval.image_to_text);
    values["text_to_image"] = recall(scores.retrieval.text_to_image);
  }
  values["captions"] = validation.captions;
  return {{"step", validation.step}, {"validation", values}};
}

}  // namespace coca
