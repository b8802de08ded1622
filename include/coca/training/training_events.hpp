#pragma once
/// @file
/// What a training run reports while it runs, and the lines of its log.

#include <atomic>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coca/data/batch.hpp"
#include "coca/image/damaged_pictures.hpp"
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
  std::vector<std::string> captions{};  ///< the model's texts for the fixed pictures
};

/// What a run reports while it runs, and how it is stopped.
struct TrainingEvents {
  std::function<void(const TrainingProgress&)> on_step{};
  std::function<void(const TrainingValidation&)> on_validation{};
  std::function<void(const SkippedPicture&)> on_broken_picture{};
  /// Notes on how the data was read, before the first step.
  std::function<void(const std::string&)> on_note{};
  std::function<void(const std::string&)> on_checkpoint{};  ///< with its path, once it is there
  DamagedPictures* damaged = nullptr;  ///< where damaged pictures are counted; may be null
  /// The run saves and ends as soon as this is true. May be set by a signal handler.
  const std::atomic<bool>* stop = nullptr;
};

/// How a run ended.
enum class TrainingEnd : std::uint8_t {
  finished,  ///< all steps are done
  stopped,   ///< by TrainingEvents::stop; the run can be resumed from the checkpoint
};

namespace detail {

/// Adds numbers; those whose names have a point are grouped by the part before it.
inline void add_numbers(nlohmann::ordered_json& line, const NamedNumbers& numbers) {
  for (const auto& [name, value] : numbers) {
    const auto number = to_json_number(static_cast<float>(value));
    const std::size_t point = name.find('.');
    if (point == std::string::npos)
      line[name] = number;
    else
      line[name.substr(0, point)][name.substr(point + 1)] = number;
  }
}

}  // namespace detail

/// A step as a line of the log.
inline nlohmann::ordered_json log_line(const TrainingProgress& progress, const Batch& batch) {
  const TrainingStepResult& result = progress.result;
  nlohmann::ordered_json line{{"step", progress.step},
                              {"epoch", progress.epoch},
                              {"loss", to_json_number(static_cast<float>(sum_of(result.losses)))}};
  detail::add_numbers(line, result.losses);
  line["learning_rate"] = progress.learning_rate;
  line["gradient_norm"] = to_json_number(result.gradient_norm);
  detail::add_numbers(line, result.numbers);
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
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  if (scores.pictures != 0) {
    values["pictures"] = scores.pictures;
    values["loss"] = to_json_number(static_cast<float>(sum_of(scores.losses)));
    detail::add_numbers(values, scores.losses);
    detail::add_numbers(values, scores.scores);
  }
  values["captions"] = validation.captions;
  return {{"step", validation.step}, {"validation", values}};
}

}  // namespace coca
