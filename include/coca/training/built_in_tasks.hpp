#pragma once
/// @file
/// The tasks of this library, by name, with the options that each of them reads.

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace coca {

/// A task, as programs offer it.
struct BuiltInTask {
  std::string_view name;
  /// Names of the options that it reads, of those that not every task reads.
  std::vector<std::string_view> options;

  bool reads(std::string_view option) const {
    return std::find(options.begin(), options.end(), option) != options.end();
  }
};

namespace detail {

using OptionList = std::vector<std::string_view>;

inline OptionList joined(std::initializer_list<OptionList> lists) {
  OptionList all;
  for (const OptionList& list : lists) all.insert(all.end(), list.begin(), list.end());
  return all;
}

/// Of lists of pictures with captions or labels.
inline const OptionList picture_list_options{"image_key", "separator", "split",
                                             "folders",   "flip_key",  "validation_split",
                                             "color_key", "templates", "cache_megabytes"};
/// Of tasks that learn from captions.
inline const OptionList caption_options{"patch_dropout", "caption_key",  "first_caption",
                                        "switchout",     "word_dropout", "word_dropout_count"};
inline const OptionList contrastive_options{"contrastive", "contrastive_weight"};
/// Of tasks that write captions.
inline const OptionList writing_options{"caption_weight", "label_smoothing", "pictures", "beams"};
inline const OptionList class_options{
    "patch_dropout",   "label_key", "head",   "head_start",      "feature_cache", "cache_views",
    "cache_precision", "mixup",     "cutmix", "label_smoothing", "pictures"};
/// Of lists of videos.
inline const OptionList video_options{"frames",         "temporal_positions", "class_names",
                                      "feature_cache",  "cache_views",        "cache_precision",
                                      "label_smoothing"};
inline const OptionList question_options{
    "patch_dropout", "annotations", "validation_annotations", "picture_pattern", "answers",
    "answer_count",  "answer_loss", "caption_weight",         "label_smoothing"};

}  // namespace detail

/// All of them.
inline const std::vector<BuiltInTask>& built_in_tasks() {
  static const std::vector<BuiltInTask> all{
      {"coca", detail::joined({detail::picture_list_options, detail::caption_options,
                               detail::contrastive_options, detail::writing_options})},
      {"clip", detail::joined({detail::picture_list_options, detail::caption_options,
                               detail::contrastive_options})},
      {"caption", detail::joined({detail::picture_list_options, detail::caption_options,
                                  detail::writing_options})},
      {"classify", detail::joined({detail::picture_list_options, detail::class_options})},
      {"video", detail::video_options},
      {"vqa", detail::question_options},
      {"entailment", {"patch_dropout", "label_smoothing"}},
      {"pairs", {"patch_dropout", "label_smoothing", "head"}}};
  return all;
}

/// The names of all of them.
inline std::vector<std::string> built_in_task_names() {
  std::vector<std::string> names;
  for (const BuiltInTask& task : built_in_tasks()) names.emplace_back(task.name);
  return names;
}

/// The task with that name; nullptr: it is none of this library's.
inline const BuiltInTask* find_built_in_task(std::string_view name) {
  for (const BuiltInTask& task : built_in_tasks())
    if (task.name == name) return &task;
  return nullptr;
}

/// The names of the tasks that read an option; none if it is one that every task reads.
inline std::vector<std::string> tasks_that_read(std::string_view option) {
  std::vector<std::string> names;
  for (const BuiltInTask& task : built_in_tasks())
    if (task.reads(option)) names.emplace_back(task.name);
  return names;
}

}  // namespace coca
