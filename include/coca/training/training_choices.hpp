#pragma once
/// @file
/// From the options of a run to those of its parts, and the choices of a backend that make two runs
/// compute the same bits.

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/losses/coca.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/schedule.hpp"
#include "coca/training/step.hpp"
#include "coca/training/training_options.hpp"
#include "coca/training/word_dropout.hpp"

namespace coca {

namespace detail {

/// "visual=0.04". @throws ArgumentError for what is not a prefix and a positive number.
inline RateFactor rate_factor_of(const std::string& text) {
  const std::size_t sign = text.rfind('=');
  float factor = 0;
  if (sign != std::string::npos && sign != 0) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + sign + 1, end, factor);
    if (error == std::errc{} && stop == end && factor > 0 && std::isfinite(factor))
      return {text.substr(0, sign), factor};
  }
  throw ArgumentError("rate is " + printable(text, 60) +
                      ", expected a prefix of names of weights and a factor above 0, such as "
                      "visual=0.04");
}

inline std::vector<RateFactor> rate_factors(const std::vector<std::string>& texts) {
  std::vector<RateFactor> rates;
  for (const std::string& text : texts) rates.push_back(rate_factor_of(text));
  return rates;
}

inline OptimizerOptions optimizer_options(const TrainingSteps& options) {
  OptimizerOptions optimizer;
  const auto number = [](double value) { return static_cast<float>(value); };
  optimizer.kind = options.optimizer;
  optimizer.adamw.beta1 = number(options.beta1);
  optimizer.adamw.beta2 = number(options.beta2);
  optimizer.adamw.epsilon = number(options.eps);
  optimizer.sgd.momentum = number(options.momentum);
  optimizer.groups = {number(options.weight_decay), number(options.layer_decay),
                      rate_factors(options.rate)};
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

inline WordDropoutOptions word_dropout_options(const TrainingSteps& options) {
  return {.chance = options.word_dropout, .count = options.word_dropout_count};
}

/// @throws ArgumentError for no steps at all, and as expect_schedule()
inline ScheduleOptions schedule_options(const TrainingSteps& options, std::uint64_t steps) {
  if (steps == 0) throw ArgumentError("there is nothing to do: epochs and steps are 0");
  ScheduleOptions schedule{.kind = options.schedule,
                           .learning_rate = options.learning_rate,
                           .minimum = options.final_learning_rate,
                           .steps = steps,
                           .warmup_steps = options.warmup_steps,
                           .cooldown_steps = options.cooldown_steps};
  expect_schedule(schedule);
  return schedule;
}

inline TrainingStepOptions step_options(const TrainingOptions& options) {
  return {.tape = {.recompute_blocks = options.step.recompute},
          .accumulation = options.step.accumulation,
          .seed = options.seed};
}

/// The options with the name of the task that trains. @throws ArgumentError if they name another
inline TrainingOptions of_task(TrainingOptions options, std::string_view task) {
  if (options.task.empty()) options.task = task;
  if (options.task != task)
    throw ArgumentError("the task is " + options.task + ", but what trains is " +
                        std::string(task));
  return options;
}

/// @param steps of the whole run @throws ArgumentError for options that make no sense.
inline void expect_run(const TrainingOptions& options, std::uint64_t steps) {
  if (steps == 0) throw ArgumentError("there is nothing to do: epochs and steps are 0");
  if (options.step.accumulation == 0)
    throw ArgumentError("a batch cannot be computed in 0 parts (accumulation)");
  if (!(options.step.ema_decay >= 0 && options.step.ema_decay < 1))
    throw ArgumentError("ema_decay must be 0 or more and below 1, got " +
                        std::to_string(options.step.ema_decay));
  if (!(options.step.contrastive_weight >= 0 && options.step.caption_weight >= 0))
    throw ArgumentError("contrastive_weight and caption_weight must be 0 or more, got " +
                        std::to_string(options.step.contrastive_weight) + " and " +
                        std::to_string(options.step.caption_weight));
  if (options.step.batch_size % options.step.accumulation != 0)
    throw ArgumentError("a batch_size of " + std::to_string(options.step.batch_size) +
                        " cannot be computed in " + std::to_string(options.step.accumulation) +
                        " equal parts (accumulation)");
  if (options.log_steps == 0) throw ArgumentError("log_steps is 0, expected at least 1");
  if (!(options.checkpoint_minutes > 0)) throw ArgumentError("checkpoint_minutes must be above 0");
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
