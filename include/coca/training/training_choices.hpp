#pragma once
/// @file
/// From the options of a run to those of its parts, and the choices of matrix kernels that make
/// two runs compute the same bits.

#include <cstdint>
#include <string>

#include "coca/backend/cpu/cpu_options.hpp"
#include "coca/backend/cpu/gemm_choice.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/losses/coca.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/schedule.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

namespace detail {

/// The kernels used without any measurement: the library's own, or those that the environment
/// names.
inline GemmKind fixed_gemm() {
  const GemmKind wish = resolve(GemmKind::automatic);  // from the environment
  return wish == GemmKind::automatic ? GemmKind::packed : wish;
}

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

/// The choices of matrix kernels of this process.
inline Json gemm_choices_json() {
  Json json = Json::object();
  for (const auto& [name, kind] : GemmChoices::recorded()) json[name] = to_string(kind);
  return json;
}

/// Restores the choices in a checkpoint. @throws FileError for invalid ones.
inline void preset_gemm_choices(const Json& json, const std::string& path) {
  GemmChoices::Map choices;
  for (const auto& [name, value] : json.items()) {
    const auto found = [&, text = &value](GemmKind kind) { return *text == to_string(kind); };
    GemmKind kind = GemmKind::automatic;
    for (const GemmKind one :
         {GemmKind::packed, GemmKind::fixed24, GemmKind::eigen, GemmKind::onednn})
      if (found(one)) kind = one;
    if (kind == GemmKind::automatic)
      throw FileError(path, "the choice of matrix kernels for " + printable(name) + " is unknown");
    choices[name] = kind;
  }
  GemmChoices::preset(choices);
}

}  // namespace detail

/// Options of the CPU backend of a run.
inline CpuOptions training_cpu_options(const TrainingOptions& options) {
  const auto kind = [&] {
    switch (options.gemm) {
      case TrainingGemm::fixed:
        return detail::fixed_gemm();
      case TrainingGemm::automatic:
        return GemmKind::automatic;
      case TrainingGemm::packed:
        return GemmKind::packed;
      case TrainingGemm::eigen:
        return GemmKind::eigen;
      case TrainingGemm::onednn:
        return GemmKind::onednn;
    }
    return GemmKind::automatic;
  };
  return {.threads = options.threads, .gemm = kind()};
}

}  // namespace coca
