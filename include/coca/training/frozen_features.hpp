#pragma once
/// @file
/// The tokens of a frozen image encoder for the pictures of a run, computed once and kept in a
/// folder.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/data/fill_feature_cache.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/parameter_groups.hpp"
#include "coca/training/task_defaults.hpp"
#include "coca/training/training_data.hpp"
#include "coca/training/training_options_json.hpp"
#include "coca/training/training_subject.hpp"

namespace coca {

/// A digest of the values of an image encoder's parameters, all of them, with their names.
template <class Model>
std::string encoder_digest(const Model& model) {
  using Encoder = std::remove_cvref_t<decltype(model.image_encoder())>;
  Digest digest;
  Encoder::for_each_parameter(model.image_encoder(), [&](const auto& parameter) {
    const WeightSource source = parameter.store(model.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    digest.add_text(parameter.path());
    digest.add({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  });
  return digest.text();
}

/// Whether none of an image encoder's parameters is trained.
/// @param freeze beginnings of names of parameters that stay, as in TrainingSteps
template <class Model>
bool encoder_is_frozen(const Model& model, const std::vector<std::string>& freeze) {
  using Encoder = std::remove_cvref_t<decltype(model.image_encoder())>;
  bool frozen = true;
  Encoder::for_each_parameter(model.image_encoder(), [&](const auto& parameter) {
    frozen = frozen && std::any_of(freeze.begin(), freeze.end(), [&](const std::string& prefix) {
               return has_prefix(parameter.path(), prefix);
             });
  });
  return frozen;
}

/// @throws ArgumentError for options that features do not go together with
template <class Model>
void expect_frozen(const Model& model, const TrainingOptions& options) {
  const TrainingSteps& step = options.step;
  all_but(model, step.freeze);  // refuses prefixes that no parameter has
  if (!encoder_is_frozen(model, step.freeze))
    throw ArgumentError(
        "feature_cache keeps what a frozen image encoder computes, but this one is trained; freeze "
        "visual (--freeze visual)");
  if (step.mixup > 0 || step.cutmix > 0 || step.patch_dropout > 0)
    throw ArgumentError(
        "feature_cache keeps features of whole pictures: it does not go together with mixup, "
        "cutmix and patch_dropout");
  if (options.features.views > 0 && !options.data.augment)
    throw ArgumentError("cache_views are augmented pictures, but augment is false");
}

namespace detail {

/// The name of each picture; empty for a row that cannot be read, which stays so.
inline std::vector<std::string> picture_names(const AnyDataset& data) {
  std::vector<std::string> names(data.size());
  for (std::size_t i = 0; i < data.size(); ++i) try {
      names[i] = data.record(i).name;
    } catch (const Error&) {
    }
  return names;
}

/// How many bytes at the start of names are the folder that all of them are in.
inline std::size_t common_folder(std::span<const std::string> names) {
  const auto first = std::find_if(names.begin(), names.end(),
                                  [](const std::string& name) { return !name.empty(); });
  if (first == names.end()) return 0;
  std::size_t length = first->rfind('/') + 1;  // 0 without any
  for (const std::string& name : names)
    while (!name.empty() && length != 0 && name.compare(0, length, *first, 0, length) != 0)
      length = length == 1 ? 0 : first->rfind('/', length - 2) + 1;
  return length;
}

/// A digest of the pictures: their number, their paths below the folder that they have in common,
/// in order, and the sizes of files whose names are whole paths. It stays when a data set is moved.
inline std::string picture_digest(const AnyDataset& data) {
  const std::vector<std::string> names = picture_names(data);
  const std::size_t folder = common_folder(names);
  Digest digest;
  for (const std::string& name : names) {
    digest.add_text(name.empty() ? name : std::string_view(name).substr(folder));
    std::error_code error;
    const auto size = name.starts_with('/') ? std::filesystem::file_size(name, error) : 0;
    digest.add_text(error ? "" : std::to_string(size));
  }
  return digest.text();
}

/// How pictures are changed before they are encoded, in full.
inline std::string augmentation_text(const TrainingOptions& options, std::size_t views) {
  if (views == 0) return "none";
  nlohmann::ordered_json json{{"seed", options.seed},
                              {"flip_key", options.data.flip_key},
                              {"color_key", options.data.color_key},
                              {"shrink_to", options.data.shrink_to}};
  for_each_augmentation_option(options.data.augmentation, OptionWriter{json});
  return json.dump();
}

}  // namespace detail

/// The data whose features are kept, and how it is read.
struct FeatureRequest {
  std::string folder;
  AnyDataset data;
  LoaderOptions loading{};
  std::size_t views = 0;  ///< augmented ones; 0: one as in evaluation
};

/// What the features of a request depend on. @param options of the run
template <class Model>
FeatureCacheContent feature_content(const Model& model, const AnyConfig& config,
                                    const TrainingOptions& options, const FeatureRequest& request) {
  const bool truncated = options.data.truncated;
  return {.made_from = {{"configuration", std::to_string(stream_of(config_definition(config, "")))},
                        {"weights", encoder_digest(model)},
                        {"preprocessing",
                         detail::preprocess_json(request.loading.sample.preprocess).dump() +
                             (truncated ? " truncated" : "")},
                        {"augmentation", detail::augmentation_text(options, request.views)},
                        {"precision", choice_name(options.precision, detail::precision_choices)},
                        {"picture_files", detail::picture_digest(request.data)}},
          .pictures = request.data.size(),
          .views = std::max<std::size_t>(request.views, 1),
          .tokens = model.encoder_tokens * request.loading.sample.pictures_per_sample,
          .width = model.encoder_width,
          .dtype = options.features.dtype()};
}

/// The training data of a run, whose features go into the folder "training".
inline FeatureRequest training_features(const TrainingOptions& options,
                                        const TrainingSubject& subject,
                                        const PreprocessConfig& preprocess) {
  LoaderOptions loading = training_loader_options(options, preprocess);
  if (options.features.views == 0) loading.sample.augmentation.reset();
  if (subject.training_data) apply(*subject.training_data, loading.sample);
  return {options.features.folder + "/training",
          subject.training_data ? subject.training_data->records
                                : open_training_data(options.data, subject.classes),
          std::move(loading), options.features.views};
}

/// The validation data, if there is any, whose features go into the folder "validation".
inline std::optional<FeatureRequest> validation_features(const TrainingOptions& options,
                                                         const TrainingSubject& subject,
                                                         const PreprocessConfig& preprocess) {
  if (options.data.validation.empty()) return std::nullopt;
  LoaderOptions loading = validation_loader_options(options, preprocess);
  if (subject.validation_data) apply(*subject.validation_data, loading.sample);
  const AnyDataset data = subject.validation_data
                              ? subject.validation_data->records
                              : open_validation_data(options.data, subject.classes);
  return FeatureRequest{options.features.folder + "/validation",
                        first_of(data, options.validation_pictures), std::move(loading), 0};
}

/// "1,200 MB": of what is about to be written.
inline std::string feature_size_text(const FeatureCache& cache) {
  const FeatureCacheContent& content = cache.content();
  const auto megabytes = [](std::size_t bytes) {
    return std::to_string((bytes + 999'999) / 1'000'000) + " MB";
  };
  return "features of " + std::to_string(content.pictures) + " pictures" +
         (content.views > 1 ? " in " + std::to_string(content.views) + " views" : "") + ", " +
         std::to_string(content.tokens) + " x " + std::to_string(content.width) + " " +
         to_string(content.dtype) + " each, take " + megabytes(content.bytes()) + " in " +
         cache.folder() + ", of which " + megabytes(cache.missing_bytes()) +
         " are still to be computed";
}

namespace detail {

/// What an image encoder makes of pictures, some at a time, since a batch of clips has many.
/// @return [batch, encoder tokens, width]
template <class Model>
std::vector<float> encoded_tokens(Context<typename Model::backend_type>& context,
                                  const Model& model, const PixelBatch& pixels) {
  constexpr std::size_t at_once = 32;
  const auto all = to_device(context, pixels);
  std::vector<float> tokens;
  for (std::size_t first = 0; first < pixels.batch; first += at_once) {
    const std::size_t count = std::min(at_once, pixels.batch - first);
    const auto some = context.to_host(model.image_encoder()(context, all.slice(first, count)));
    tokens.insert(tokens.end(), some.begin(), some.end());
  }
  return tokens;
}

}  // namespace detail

/// Opens a cache, and computes what is missing.
/// @param tell called with a sentence about its size, before anything is computed
/// @return nothing if it was stopped
/// @throws as FeatureCache and fill_feature_cache
template <class Model>
std::shared_ptr<const FeatureSource> frozen_features(
    const Model& model, const FeatureCacheContent& content, const FeatureRequest& request,
    const FeatureEvents& events = {}, const std::function<void(const std::string&)>& tell = {}) {
  using B = typename Model::backend_type;
  const FeatureCache cache(request.folder, content);
  if (tell && cache.missing_bytes() != 0) tell(feature_size_text(cache));
  Context<B> context(model.backend());
  const auto encode = [&](const PixelBatch& pixels) {
    return detail::encoded_tokens(context, model, pixels);
  };
  if (!fill_feature_cache(cache, request.data, request.loading, encode, events)) return nullptr;
  return std::make_shared<const CachedFeatures>(cache);
}

}  // namespace coca
