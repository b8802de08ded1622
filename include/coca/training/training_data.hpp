#pragma once
/// @file
/// The data of a training run: opening what options name, and how it is loaded.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/caption_file.hpp"
#include "coca/data/class_folders.hpp"
#include "coca/data/loader.hpp"
#include "coca/data/web_dataset.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

/// Opens what one path names: a folder of classes, WebDataset's shards (.tar), or else a caption
/// file.
/// @throws FileError if it cannot be read.
inline AnyDataset open_dataset(const std::string& path, const TrainingData& data) {
  std::error_code ignored;  // opening it will report the problem
  if (std::filesystem::is_directory(path, ignored))
    return ClassFolders(path, {.templates = data.templates});
  if (path.ends_with(".tar"))
    return WebDataset(path,
                      {.caption_key = data.caption_key.empty() ? "caption" : data.caption_key});
  return CaptionFile(path, {.image_key = data.image_key,
                            .caption_key = data.caption_key,
                            .image_folder = data.image_folder,
                            .field_keys = data.field_keys});
}

/// Opens all of them, one after the other.
/// @throws ArgumentError for no path, FileError if one cannot be read.
inline AnyDataset open_datasets(const std::vector<std::string>& paths, const TrainingData& data) {
  if (paths.empty()) throw ArgumentError("there is no data to read, give a caption file");
  if (paths.size() == 1) return open_dataset(paths.front(), data);
  std::vector<AnyDataset> datasets;
  for (const std::string& path : paths) datasets.push_back(open_dataset(path, data));
  return ConcatDataset(std::move(datasets));
}

/// Opens the training data, with the keys of its groups and of limits on augmentation.
/// @throws as open_datasets
inline AnyDataset open_training_data(TrainingData data) {
  auto& keys = data.field_keys;
  for (const std::string& key : {data.group_key, data.flip_key, data.color_key})
    if (!key.empty() && std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  return open_datasets(data.training, data);
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
  loader.sample.shrink_to = data.shrink_to;
  loader.sample.cache_bytes = data.cache_megabytes << 20;
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
