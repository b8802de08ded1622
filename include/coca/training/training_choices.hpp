#pragma once
/// @file
/// From the options of a run to those of its parts, and the choices of a backend that make two runs
/// compute the same bits.

#include <cstdint>
#include <map>
#include <string>

#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/losses/coca.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/schedule.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

namespace detail {

inline OptimizerOptions optimizer_options(const TrainingSteps& options) {
  OptimizerOptions optimizer;
  const auto number = [](double value) { return static_cast<float>(value); };
  optimizer.kind = options.optimizer;
  optimizer.adamw.beta1 = number(options.beta1);
  optimizer.adamw.beta2 = number(options.beta2);
  optimizer.adamw.epsilon = number(options.eps);
  optimizer.sgd.momentum = number(options.momentum);
  optimizer.groups = {number(options.weight_decay), number(options.layer_decay)};
  optimizer.largest_norm = number(options.clip_norm);
  return optimizer;
}

inline CoCaLossOptions loss_options(const TrainingSteps& options, int pad_id) {
  CoCaLossOptions loss;
  loss.contrastive = options.contrastive;
  loss.contrastive_weight = static_cast<float>(options.contrastive_weight);
  loss.captioning.weight = static_cast<float>(options.caption_weight);
  loss.captioning.label_smoothing = static_cast<float>(options.label_smoothing);
  loss.captioning.pad_id = pad_id;
  return loss;
}

inline ScheduleOptions schedule_options(const TrainingSteps& options, std::uint64_t steps) {
  ScheduleOptions schedule{.kind = options.schedule,
                           .learning_rate = options.learning_rate,
                           .minimum = options.final_learning_rate,
                           .steps = steps,
                           .warmup_steps = options.warmup_steps,
                           .cooldown_steps = options.cooldown_steps};
  expect_schedule(schedule);
  return schedule;
}

/// The backend's own choices (which kernels were measured to be fastest), which another run needs
/// to compute the same bits; an empty object if it chooses nothing.
template <class B>
Json backend_choices() {
  Json json = Json::object();
  if constexpr (requires { B::choices(); })
    for (const auto& [name, choice] : B::choices()) json[name] = choice;
  return json;
}

}  // namespace detail

/// Makes the choices that a checkpoint of a run holds, so that the same bits are computed. Call it
/// before the model is made. @param path of the checkpoint @throws FileError for invalid choices.
template <class B>
void preset_backend_choices(const Json& choices, const std::string& path) {
  if constexpr (requires { B::choices(); }) {
    std::map<std::string, std::string> named;
    for (const auto& [name, choice] : choices.items())
      named[name] = choice.is_string() ? choice.template get<std::string>() : choice.dump();
    try {
      B::preset_choices(named);
    } catch (const ArgumentError& error) {
      throw FileError(path, error.what());
    }
  }
}

}  // namespace coca
