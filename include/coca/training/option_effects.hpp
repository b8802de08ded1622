#pragma once
/// @file
/// Options that change nothing, for the task of a run or without another option. A program refuses
/// them rather than let a person wait for what was never going to happen.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coca/training/training_options_json.hpp"

namespace coca {

namespace detail {

/// The tasks that an option has an effect on.
struct TaskOption {
  std::string_view option;
  std::vector<std::string_view> tasks;
};

/// Of the library's own tasks; options that are not listed are of all of them.
inline const std::vector<TaskOption>& task_options() {
  static const std::vector<TaskOption> all{
      {"contrastive", {"coca", "clip"}},
      {"contrastive_weight", {"coca", "clip"}},
      {"caption_weight", {"coca", "caption"}},
      {"beams", {"coca", "caption"}},
      {"label_smoothing", {"coca", "caption", "classify", "video"}},
      {"pictures", {"coca", "caption", "classify"}},
      {"label_key", {"classify"}},
      {"head", {"classify"}},
      {"head_start", {"classify"}},
      {"feature_cache", {"classify", "video"}},
      {"cache_views", {"classify", "video"}},
      {"cache_precision", {"classify", "video"}},
      {"mixup", {"classify"}},
      {"cutmix", {"classify"}},
      {"cache_megabytes", {"coca", "clip", "caption", "classify"}},
      {"patch_dropout", {"coca", "clip", "caption", "classify"}},
      {"tokenizer", {"coca", "clip", "caption", "classify"}},
      {"caption_key", {"coca", "clip", "caption"}},
      {"templates", {"coca", "clip", "caption", "classify"}},
      {"first_caption", {"coca", "clip", "caption"}},
      {"switchout", {"coca", "clip", "caption"}},
      {"word_dropout", {"coca", "clip", "caption"}},
      {"word_dropout_count", {"coca", "clip", "caption"}}};
  return all;
}

/// An option that needs another.
struct OptionNeed {
  std::string_view option;
  bool (*is_met)(const TrainingOptions&);
  std::string_view need;  ///< what it changes nothing without
};

/// Whether texts are read: a classifier reads names of classes at most.
inline bool starts_from_text(const TrainingOptions& options) {
  return options.task != "classify" || options.head_start == HeadStart::text;
}

inline bool is_on_videos(const TrainingOptions& options) { return options.task == "video"; }

inline constexpr OptionNeed option_needs[] = {
    {"keep_best", [](const TrainingOptions& o) { return !o.data.validation.empty(); },
     "--validation"},
    {"validation_pictures", [](const TrainingOptions& o) { return !o.data.validation.empty(); },
     "--validation"},
    {"validation_split", [](const TrainingOptions& o) { return !o.data.validation.empty(); },
     "--validation"},
    {"final_learning_rate",
     [](const TrainingOptions& o) {
       return o.step.schedule != ScheduleKind::constant &&
              (o.step.schedule != ScheduleKind::constant_cooldown || o.step.cooldown_steps != 0);
     },
     "a --schedule that ends below its peak"},
    {"cooldown_steps",
     [](const TrainingOptions& o) { return o.step.schedule == ScheduleKind::constant_cooldown; },
     "--schedule constant_cooldown"},
    {"beta1", [](const TrainingOptions& o) { return o.step.optimizer == OptimizerKind::adamw; },
     "--optimizer adamw"},
    {"beta2", [](const TrainingOptions& o) { return o.step.optimizer == OptimizerKind::adamw; },
     "--optimizer adamw"},
    {"eps", [](const TrainingOptions& o) { return o.step.optimizer == OptimizerKind::adamw; },
     "--optimizer adamw"},
    {"momentum", [](const TrainingOptions& o) { return o.step.optimizer == OptimizerKind::sgd; },
     "--optimizer sgd"},
    {"word_dropout_count", [](const TrainingOptions& o) { return o.step.word_dropout > 0; },
     "--word-dropout"},
    {"group_size", [](const TrainingOptions& o) { return !o.data.group_key.empty(); },
     "--group-key"},
    {"templates", starts_from_text, "--head-start text"},
    {"tokenizer", starts_from_text, "--head-start text"},
    {"frames", is_on_videos, "--task video"},
    {"temporal_positions", is_on_videos, "--task video"},
    {"class_names", is_on_videos, "--task video"},
    {"cache_views", [](const TrainingOptions& o) { return !o.features.folder.empty(); },
     "--feature-cache"},
    {"cache_precision", [](const TrainingOptions& o) { return !o.features.folder.empty(); },
     "--feature-cache"},
    {"fill_color",
     [](const TrainingOptions& o) { return o.data.resize_mode == ResizeMode::longest; },
     "--resize-mode longest"},
};

/// Options of augmentation that need another of them.
struct AugmentationNeed {
  std::string_view option;  ///< or, with _ at its end, what several begin with
  bool (*is_met)(const AugmentationOptions&);
  std::string_view need;
};

inline constexpr AugmentationNeed augmentation_needs[] = {
    {"rand_augment_", [](const AugmentationOptions& o) { return o.rand_augment.operations > 0; },
     "--rand-augment"},
    {"affine_", [](const AugmentationOptions& o) { return o.affine.probability > 0; }, "--affine"},
    {"blur_", [](const AugmentationOptions& o) { return o.blur.probability > 0; }, "--blur"},
    {"erasing_", [](const AugmentationOptions& o) { return o.erasing.probability > 0; },
     "--erasing"},
    {"brightness", [](const AugmentationOptions& o) { return o.color_jitter.probability > 0; },
     "--color-jitter"},
    {"contrast", [](const AugmentationOptions& o) { return o.color_jitter.probability > 0; },
     "--color-jitter"},
    {"saturation", [](const AugmentationOptions& o) { return o.color_jitter.probability > 0; },
     "--color-jitter"},
    {"hue", [](const AugmentationOptions& o) { return o.color_jitter.probability > 0; },
     "--color-jitter"},
};

/// "--keep-best" of "keep_best".
inline std::string flag_of(std::string_view option) {
  std::string flag = "--" + std::string(option);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

/// "coca, clip and caption"
inline std::string task_names(const std::vector<std::string_view>& tasks) {
  std::string names;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    names += (i == 0 ? "" : i + 1 == tasks.size() ? " and " : ", ") + std::string(tasks[i]);
  return names;
}

inline bool is_own_task(std::string_view task) {
  for (const char* own : {"coca", "clip", "caption", "classify", "video"})
    if (task == own) return true;
  return false;
}

inline std::string task_problem(const TrainingOptions& options, std::string_view option) {
  if (!is_own_task(options.task)) return {};
  for (const TaskOption& each : task_options()) {
    const auto& tasks = each.tasks;
    if (each.option != option) continue;
    if (std::find(tasks.begin(), tasks.end(), options.task) != tasks.end()) continue;
    return flag_of(option) + " changes nothing in the task " + options.task + ", only in " +
           task_names(tasks);
  }
  return {};
}

inline std::string need_problem(const TrainingOptions& options, std::string_view option) {
  const auto without = [&](std::string_view need) {
    return flag_of(option) + " changes nothing without " + std::string(need);
  };
  for (const OptionNeed& each : option_needs)
    if (each.option == option && !each.is_met(options)) return without(each.need);
  for (const AugmentationNeed& each : augmentation_needs) {
    const bool is_meant =
        each.option.ends_with('_') ? option.starts_with(each.option) : option == each.option;
    if (is_meant && !each.is_met(options.data.augmentation)) return without(each.need);
  }
  return {};
}

/// Collects the names of a list of options.
struct OptionNames {
  std::set<std::string, std::less<>> names;

  template <class... Rest>
  void operator()(const OptionInfo& info, const Rest&...) {
    names.insert(info.name);
  }
};

inline std::string augmentation_problem(const TrainingOptions& options, std::string_view option) {
  if (options.data.augment) return {};
  OptionNames augmentation{{"flip_key", "color_key"}};
  for_each_augmentation_option(options.data.augmentation, augmentation);
  if (!augmentation.names.contains(option)) return {};
  return flag_of(option) + " changes nothing with --no-augment";
}

}  // namespace detail

/// The first of some options that has no effect on a run, in a sentence; empty if all have one. An
/// option that has its default value is as if it were not given.
/// @param options with the name of the task; of a custom task only what needs another option is
///        known
/// @param given names of the options that somebody has set
inline std::string ineffective_option(const TrainingOptions& options,
                                      const std::set<std::string>& given) {
  const nlohmann::ordered_json values = to_json(options), defaults = to_json(TrainingOptions{});
  for (const std::string& option : given) {
    if (!values.contains(option) || values.at(option) == defaults.at(option)) continue;
    for (const auto problem_of :
         {detail::task_problem, detail::augmentation_problem, detail::need_problem})
      if (std::string problem = problem_of(options, option); !problem.empty()) return problem;
  }
  return {};
}

}  // namespace coca
