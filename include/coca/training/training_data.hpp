#pragma once
/// @file
/// The data of a training run: opening what options name, and how it is loaded.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/caption_table.hpp"
#include "coca/data/class_labels.hpp"
#include "coca/data/loader.hpp"
#include "coca/data/open_data.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

/// How data is read, according to options. @throws ArgumentError for an invalid separator
inline DataOptions data_options(const TrainingData& data) {
  return {.captions = {.image_key = data.image_key,
                       .caption_key = data.caption_key,
                       .separator = to_separator(data.separator),
                       .image_folder = data.image_folder,
                       .field_keys = data.field_keys,
                       .splits = data.split},
          .templates = data.templates,
          .folders = data.folders};
}

/// Opens everything that paths name, one after the other.
/// @throws ArgumentError for no path, FileError if one cannot be read.
inline AnyDataset open_datasets(const std::vector<std::string>& paths, const DataOptions& options) {
  if (paths.empty()) throw ArgumentError("there is no data to read, give a caption file");
  if (paths.size() == 1) return open_data(paths.front(), options);
  std::vector<AnyDataset> datasets;
  for (const std::string& path : paths) datasets.push_back(open_data(path, options));
  return ConcatDataset(std::move(datasets));
}

/// The same, read as options say.
inline AnyDataset open_datasets(const std::vector<std::string>& paths, const TrainingData& data) {
  return open_datasets(paths, data_options(data));
}

namespace detail {

inline void add_keys(TrainingData& data, const std::vector<std::string>& added) {
  std::vector<std::string>& keys = data.field_keys;
  for (const std::string& key : added)
    if (!key.empty() && std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
}

inline AnyDataset labelled(AnyDataset dataset, const TrainingData& data,
                           const std::vector<std::string>& classes) {
  if (classes.empty()) return dataset;
  return LabelledDataset(std::move(dataset), data.label_key, classes);
}

inline std::string absolute_path(const std::string& path) {
  if (path.empty()) return path;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

/// Of a pattern of shards, in which "::" separates several.
inline std::string absolute_patterns(const std::string& patterns) {
  std::string absolute;
  std::size_t begin = 0;
  for (std::size_t end; (end = patterns.find("::", begin)) != std::string::npos; begin = end + 2)
    absolute += absolute_path(patterns.substr(begin, end - begin)) + "::";
  return absolute + absolute_path(patterns.substr(begin));
}

/// Files that cannot be opened may have been moved since the run began.
/// @param captions whether each picture must have one
inline AnyDataset open_with_hint(const std::vector<std::string>& paths, const TrainingData& data,
                                 const char* flag, bool captions) {
  DataOptions options = data_options(data);
  options.captions.captions_required = captions;
  options.captions.structured_fields = true;  // a task may read them
  try {
    return open_datasets(paths, options);
  } catch (const FileError& error) {
    for (const std::string& path : paths)
      if (error.what() == path + ": cannot be opened: No such file or directory")
        throw FileError(path,
                        "cannot be opened: No such file or directory; if the data has moved, "
                        "give its new path with " +
                            std::string(flag));
    throw;
  }
}

inline AnyDataset open_to_train(TrainingData data, bool captions) {
  add_keys(data, {data.label_key, data.group_key, data.flip_key, data.color_key});
  if (data.split.empty()) data.split = {"train", "restval"};
  return open_with_hint(data.training, data, "--data", captions);
}

}  // namespace detail

/// Opens what is trained on, with the keys of its classes, of its groups and of what augmentation
/// may do. Of files with splits train and restval are read unless data.split says otherwise.
/// @param classes names by label, see LabelledDataset: pictures then need no caption; none: labels
///        stay as they are, and each picture needs a caption
/// @throws as open_datasets
inline AnyDataset open_training_data(const TrainingData& data,
                                     const std::vector<std::string>& classes = {}) {
  return detail::labelled(detail::open_to_train(data, classes.empty()), data, classes);
}

/// Opens what is validated on. Of files with splits val is read unless data.validation_split says
/// otherwise. @param classes as of open_training_data @throws as open_datasets
inline AnyDataset open_validation_data(TrainingData data,
                                       const std::vector<std::string>& classes = {}) {
  detail::add_keys(data, {data.label_key});
  data.split =
      data.validation_split.empty() ? std::vector<std::string>{"val"} : data.validation_split;
  return detail::labelled(
      detail::open_with_hint(data.validation, data, "--validation", classes.empty()), data,
      classes);
}

/// The names of the classes of what is trained on, which needs no captions.
/// @throws as class_names and open_training_data
inline std::vector<std::string> training_classes(const TrainingData& data) {
  return class_names(detail::open_to_train(data, false), data.label_key);
}

/// The options with the paths of all that is read absolute, so that a run may be resumed from any
/// folder.
inline TrainingOptions with_absolute_paths(TrainingOptions options) {
  for (auto* paths : {&options.data.training, &options.data.validation, &options.data.annotations,
                      &options.data.validation_annotations})
    for (std::string& path : *paths) path = detail::absolute_patterns(path);
  for (std::string& path : options.pictures) path = detail::absolute_path(path);
  for (std::string* path :
       {&options.data.image_folder, &options.data.class_names, &options.data.answers,
        &options.tokenizer, &options.init_from, &options.features.folder})
    *path = detail::absolute_path(*path);
  return options;
}

/// The first records of a data set. @param count maximum number; 0: all
inline AnyDataset first_of(const AnyDataset& dataset, std::size_t count) {
  if (count == 0 || count >= dataset.size()) return dataset;
  std::vector<std::size_t> indices(count);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  return Subset(dataset, std::move(indices));
}

/// How pictures are prepared for a model.
/// @param config the model's size, mean and deviation
inline PreprocessConfig training_preprocess(PreprocessConfig config, const TrainingData& data) {
  if (data.fill_color > 255)
    throw ArgumentError("fill_color is " + std::to_string(data.fill_color) + ", expected 0 to 255");
  config.resize_mode = data.resize_mode;
  config.fill_color.fill(static_cast<std::uint8_t>(data.fill_color));
  return config;
}

/// How training batches are formed. @param config of training_preprocess()
inline LoaderOptions training_loader_options(const TrainingOptions& options,
                                             const PreprocessConfig& config) {
  const TrainingData& data = options.data;
  LoaderOptions loader;
  loader.order = {
      .batch_size = options.step.batch_size, .seed = options.seed, .group_size = data.group_size};
  loader.group_key = data.group_key;
  loader.sample.preprocess = config;
  loader.sample.first_caption = data.first_caption;
  loader.sample.flip_key = data.flip_key;
  loader.sample.color_key = data.color_key;
  if (data.augment) loader.sample.augmentation = data.augmentation;
  loader.sample.truncated = data.truncated;
  loader.sample.shrink_to = data.shrink_to;
  loader.sample.cache_bytes =
      std::min(data.cache_megabytes, std::numeric_limits<std::size_t>::max() >> 20) << 20;
  loader.threads = data.loader_threads;
  loader.prefetch = data.prefetch;
  return loader;
}

/// How validation batches are formed: all pictures in order, as in evaluation, each with
/// its first caption.
inline LoaderOptions validation_loader_options(const TrainingOptions& options,
                                               const PreprocessConfig& config) {
  LoaderOptions loader;
  loader.order = {.batch_size = options.step.batch_size, .shuffle = false, .drop_last = false};
  loader.sample.preprocess = config;
  loader.sample.first_caption = 1;
  loader.sample.truncated = options.data.truncated;
  loader.replace_broken = false;
  loader.threads = options.data.loader_threads;
  loader.prefetch = options.data.prefetch;
  return loader;
}

/// Steps of a whole run.
inline std::uint64_t training_step_count(const TrainingSteps& options,
                                         std::size_t batches_per_epoch) {
  if (options.steps != 0) return options.steps;
  return std::uint64_t{options.epochs} * batches_per_epoch;
}

}  // namespace coca
