#pragma once
/// @file
/// Any model, opened at run time: its configuration, weights, tokenizer and preprocessing.
///
/// @code
/// const auto model = coca::open_model("folder/");                         // as on Hugging Face
/// const auto random = coca::open_model("ViT-B-32", {.weights = "random"});
/// const std::vector pictures{model->read_pixels("photo.jpg")};
/// for (const auto& captions : model->caption(pictures, {.beams = 6})) ...
/// @endcode

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/core/counted.hpp"
#include "coca/image/preprocess_config_json.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/standard_classifier.hpp"
#include "coca/pipelines/any_model.hpp"
#include "coca/pipelines/classes_file.hpp"
#include "coca/pipelines/find_model.hpp"
#include "coca/pipelines/held_classifier.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/pipelines/model_identity.hpp"
#include "coca/pipelines/model_tokenizer.hpp"

namespace coca {

/// The precision of a model's weights and computation.
enum class ModelPrecision : std::uint8_t { float32, bfloat16 };

/// How a model is opened.
struct OpenOptions {
  std::string weights{};    ///< checkpoint, folder or "random"; empty: those of what is opened
  std::string tokenizer{};  ///< vocabulary file; empty: the folder's, or else CLIP's
  ModelPrecision precision = ModelPrecision::float32;
  int threads = 0;         ///< 0: one per processor
  std::uint64_t seed = 0;  ///< of random weights
  bool open_clip_preprocessing = false;
  bool interpolate_positions = false;
  bool captions = false;  ///< refuses a model without captioner before its weights are read
  ReadOptions reading{};  ///< how the model reads picture files
  /// Folders of models that are known by the folder's name, as presets are by theirs.
  std::vector<std::string> known_folders{};
};

namespace detail {

inline PreprocessConfig preprocessing_of(const FoundModel& found, std::size_t image_size) {
  PreprocessConfig config;
  const Json& json =
      found.folder ? found.folder->description.preprocess : found.description.preprocess;
  if (!json.is_null()) {
    try {
      config = parse_preprocess_config(json);
    } catch (const Error& error) {
      throw FileError(found.folder ? found.folder->config : found.name, error.what());
    }
  }
  config.height = config.width = image_size;
  return config;
}

/// What its embeddings depend on. Of the configuration the fields count, as a name may be a path.
inline ModelIdentity identity_of(const FoundModel& found, const ModelInfo& info,
                                 const OpenOptions& options) {
  return {
      .configuration = std::to_string(stream_of(config_definition(found.description.config, ""))),
      .precision = options.precision == ModelPrecision::bfloat16 ? "bf16" : "f32",
      .preprocessing = info.preprocessing,
      .open_clip_preprocessing = options.open_clip_preprocessing,
      .weights = found.weights,
      .seed = options.seed,
      .truncated = options.reading.truncated};
}

/// @throws ArgumentError for the tokenizer of another model
inline void expect_tokenizer(const ModelInfo& info, const OpenOptions& options) {
  if (fits_vocabulary(info.tokenizer, info.vocab_size)) return;
  throw ArgumentError((options.tokenizer.empty() ? "the tokenizer" : options.tokenizer) + " has " +
                      counted(info.tokenizer.vocab_size(), "token") + ", but the model " +
                      info.preset + " a vocabulary of " + std::to_string(info.vocab_size) +
                      "; --tokenizer FILE gives it its own");
}

/// A classifier goes by the name of its folder: its configuration is that of another model.
inline std::string name_of(const FoundModel& found) {
  return found.description.classifier && found.folder ? found.folder->path : found.name;
}

/// @throws ArgumentError for a model that does not read single pictures
inline void expect_picture_model(const FoundModel& found) {
  if (found.description.video)
    throw ArgumentError("the model " + (found.folder ? found.folder->path : found.name) +
                        " is a classifier of videos, which open_video_model() and the programs "
                        "video and evaluate video open");
}

inline ModelInfo model_info(const FoundModel& found, const OpenOptions& options) {
  expect_picture_model(found);
  const auto& classifier = found.description.classifier;
  ModelInfo info{
      .preset = name_of(found),
      .tokenizer = model_tokenizer(found.description, options.tokenizer, found.folder),
      .open_clip_preprocessing = options.open_clip_preprocessing,
      .reading = options.reading,
      .captions = !classifier && std::holds_alternative<CoCaConfig>(found.description.config),
      .min_length = found.folder ? found.folder->min_length : std::nullopt};
  std::visit(
      [&](const auto& config) {
        info.preprocessing = preprocessing_of(found, size(config.vision.image_size));
        info.context_length = size(config.text.context_length);
        info.vocab_size = size(config.text.vocab_size);
        info.embed_dim = size(config.embed_dim);
      },
      found.description.config);
  if (options.captions && !info.captions)
    throw ArgumentError("the model " + info.preset + " has no captioner; captions need a CoCa");
  if (classifier)
    info.classes =
        classes_of_file(found.folder ? found.folder->classes : std::nullopt, *classifier);
  else
    expect_tokenizer(info, options);
  info.identity_parts = identity_parts(identity_of(found, info, options));
  info.identity = to_string(info.identity_parts);
  return info;
}

template <class Model>
void fill(Model& model, const FoundModel& found, const OpenOptions& options) {
  if (found.weights != "random")
    return load_weights(model, open_checkpoint(found.weights),
                        {.interpolate_positions = options.interpolate_positions});
  if constexpr (requires { model.add_logit_bias(); })
    if (found.description.init_logit_bias) {
      model.add_logit_bias();
      model.set_initial_logit_scale(static_cast<float>(model.config().init_logit_scale.value()));
    }
  initialize(model, options.seed);
}

template <Backend B>
std::unique_ptr<AnyModel> hold(const FoundModel& found, const OpenOptions& options) {
  ModelInfo info = model_info(found, options);
  const B backend = [&] {
    if constexpr (std::constructible_from<B, CpuOptions>)
      return B(CpuOptions{.threads = options.threads});
    else
      return B{};
  }();
  if (found.description.classifier) {
    auto model =
        make_classifier<B>(found.description.config, *found.description.classifier, backend);
    fill(model, found, options);
    info.embed_dim = model.embed_dim;
    return std::make_unique<HeldClassifier<B>>(std::move(info), std::move(model));
  }
  const auto make = [&]<class Model>(Model model) -> std::unique_ptr<AnyModel> {
    fill(model, found, options);
    return std::make_unique<HeldModel<Model>>(std::move(info), std::move(model));
  };
  if (const auto* clip = std::get_if<ClipConfig>(&found.description.config))
    return make(StandardClip<B>(*clip, backend));
  return make(StandardCoCa<B>(std::get<CoCaConfig>(found.description.config), backend));
}

}  // namespace detail

/// Opens a model.
/// @param path see find_model()
/// @tparam Float, Half backends of the two precisions
/// @throws ArgumentError for an unknown model, or a tokenizer or captioner that does not
/// fit; FileError for weights that cannot be loaded.
template <Backend Float = Cpu<float>, Backend Half = Cpu<bfloat16>>
std::unique_ptr<AnyModel> open_model(const std::string& path, const OpenOptions& options = {}) {
  const FoundModel found = find_model(path, {.weights = options.weights,
                                             .interpolate_positions = options.interpolate_positions,
                                             .known_folders = options.known_folders});
  return options.precision == ModelPrecision::bfloat16 ? detail::hold<Half>(found, options)
                                                       : detail::hold<Float>(found, options);
}

}  // namespace coca
