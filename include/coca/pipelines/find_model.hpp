#pragma once
/// @file
/// From a user's reference to a model (a name, a folder, a configuration file, a checkpoint) to its
/// configuration, weights and folder.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/nearest_names.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/pipelines/inferred_config.hpp"

namespace coca {

/// What to search for, in addition to the path.
struct FindOptions {
  std::string weights{};  ///< checkpoint, folder or "random"; empty: those of what is opened
  bool interpolate_positions = false;  ///< whether weights for pictures of another size fit
  /// Folders of models that are known by the folder's name, as presets are by theirs.
  std::vector<std::string> known_folders{};
};

/// A model that was found.
struct FoundModel {
  std::string name;  ///< of the preset or known folder, else the path
  ModelDescription description;
  std::string weights{};                      ///< a checkpoint, "random", or nothing
  std::optional<HuggingFaceFolder> folder{};  ///< with vocabulary and the like
};

namespace detail {

/// A configuration under a name.
struct KnownModel {
  std::string name;
  ModelDescription description;
  std::optional<HuggingFaceFolder> folder{};
};

/// Presets and known folders, folders first.
class KnownModels {
 public:
  explicit KnownModels(const std::vector<std::string>& folders) {
    for (const std::string& path : folders) {
      HuggingFaceFolder folder = open_hugging_face_folder(path);
      const ModelDescription description = folder.description;
      models_.push_back({name_of(path), description, std::move(folder)});
    }
    for (const NamedPreset& preset : named_presets())
      models_.push_back({std::string(preset.name), {.config = preset.config}});
    for (const NamedPreset& preset : open_clip_presets())
      models_.push_back({std::string(preset.name),
                         {.config = preset.config,
                          .tokenizer = {std::string(preset.tokenizer), preset.strip_sep_token}}});
  }

  /// The name of a folder's model.
  static std::string name_of(const std::string& folder) {
    return (std::filesystem::path(folder) / "").parent_path().filename().string();
  }

  const KnownModel* named(const std::string& name) const {
    return first([&](const KnownModel& model) { return model.name == preset_spelling(name); });
  }
  /// The same, in upper or lower case.
  const KnownModel* named_in_any_case(const std::string& name) const {
    const std::string lower = lower_case(preset_spelling(name));
    return first([&](const KnownModel& model) { return lower_case(model.name) == lower; });
  }
  const KnownModel* same_as(const AnyConfig& config) const {
    return first(
        [&](const KnownModel& model) { return same_model(model.description.config, config); });
  }
  const KnownModel* with_shapes(const AnyConfig& inferred) const {
    return first(
        [&](const KnownModel& model) { return has_shapes_of(inferred, model.description.config); });
  }

  /// All names, for a message, and those that resemble one that is not among them.
  std::string names_like(const std::string& unknown) const {
    std::vector<std::string> names;
    std::string all;
    for (const KnownModel& model : models_) {
      names.push_back(model.name);
      all += (all.empty() ? "" : ", ") + model.name;
    }
    const std::vector<std::string> nearest = nearest_names(preset_spelling(unknown), names);
    if (!nearest.empty()) all += "; did you mean " + alternatives(nearest) + "?";
    return all;
  }

 private:
  template <class Predicate>
  const KnownModel* first(const Predicate& holds) const {
    for (const KnownModel& model : models_)
      if (holds(model)) return &model;
    return nullptr;
  }

  std::vector<KnownModel> models_;
};

/// A configuration for pictures of another size.
inline AnyConfig with_image_size_of(AnyConfig config, const AnyConfig& other) {
  const int size = std::visit([](const auto& c) { return c.vision.image_size; }, other);
  std::visit([size](auto& c) { c.vision.image_size = size; }, config);
  return config;
}

inline bool is_folder(const std::string& path) {
  std::error_code ignored;  // who opens the path says what is wrong
  return std::filesystem::is_directory(path, ignored);
}

/// Finds models; holds what the steps of finding one share.
class ModelFinder {
 public:
  explicit ModelFinder(const FindOptions& options)
      : options_(options), known_(options.known_folders) {}

  FoundModel find(const std::string& path) const {
    FoundModel model = without_weights(path);
    if (!options_.weights.empty()) take_weights(model);
    if (model.weights.empty())
      throw ArgumentError("the model " + path +
                          " needs --weights: a file, a folder as on Hugging Face, or \"random\" to "
                          "try it without");
    return model;
  }

  /// The configuration and the files next to it; weights if the path has them.
  FoundModel without_weights(const std::string& path) const {
    std::error_code ignored;
    if (const KnownModel* model = known_.named(path)) return of_known(*model);
    if (is_folder(path)) return of_folder(path);
    if (!std::filesystem::exists(path, ignored)) return of_name(path);
    if (path.ends_with(".json"))
      if (const Json json = read_json_file(path); is_meant_as_config(json, path))
        return named({path, parse_model_description(json, path), "", {}});
    return of_checkpoint(path);
  }

 private:
  static FoundModel of_known(const KnownModel& model) {
    return {model.name, model.description, model.folder ? model.folder->weights : "", model.folder};
  }

  FoundModel of_name(const std::string& name) const {
    if (const KnownModel* model = known_.named_in_any_case(name)) return of_known(*model);
    throw ArgumentError("there is no model " + name +
                        ": no such file or folder, and the names are " + known_.names_like(name));
  }

  // A configuration, even one that lacks something, rather than an index of weights.
  static bool is_meant_as_config(const Json& json, const std::string& path) {
    if (json.is_object())
      for (const char* key : {"model_cfg", "embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg"})
        if (json.contains(key)) return true;
    if (json.is_object() && json.contains("weight_map")) return false;
    throw FileError(path,
                    "is neither a model configuration (an object with embed_dim, vision_cfg and "
                    "text_cfg) nor an index of weights (an object with weight_map)");
  }

  // Gives a model the name of a known one with the same configuration.
  FoundModel named(FoundModel model) const {
    if (const KnownModel* known = known_.same_as(model.description.config))
      model.name = known->name;
    return model;
  }

  FoundModel of_folder(const std::string& path) const {
    HuggingFaceFolder folder = open_hugging_face_folder(path, options_.weights.empty());
    const ModelDescription description = folder.description;
    const std::string weights = folder.weights;
    return named({path, description, weights, std::move(folder)});
  }

  // The first known model that the checkpoint's shapes fit.
  FoundModel of_checkpoint(const std::string& path) const {
    const Checkpoint checkpoint = open_checkpoint(path);
    expect_model_weights(checkpoint);
    const auto inferred = infer_config(checkpoint);
    if (!inferred)
      throw FileError(path,
                      "these weights are not those of a CoCa or CLIP with a vision transformer");
    const KnownModel* model = known_.with_shapes(*inferred);
    if (model == nullptr)
      throw FileError(path,
                      "these weights have the sizes of no model that is known by name; give their "
                      "configuration as a config.json or a folder (--model). Heads, activations "
                      "and what else is marked leave no trace in a checkpoint and are guessed:\n" +
                          guessed_config_definition(*inferred, "my_model"));
    return {model->name, model->description, path, model->folder};
  }

  void take_weights(FoundModel& model) const {
    if (options_.weights == "random") {
      model.weights = "random";
      return;
    }
    if (is_folder(options_.weights)) {
      HuggingFaceFolder folder = open_hugging_face_folder(options_.weights);
      expect_same(model, folder);
      model.weights = folder.weights;
      model.description.classifier = folder.description.classifier;
      model.description.video = folder.description.video;
      model.folder = std::move(folder);
    } else {
      model.weights = options_.weights;
    }
    if (!options_.interpolate_positions) expect_shapes(model);
  }

  // A folder's configuration must be the requested one, except for the size of pictures if
  // positions are interpolated.
  void expect_same(const FoundModel& model, const HuggingFaceFolder& folder) const {
    AnyConfig described = folder.description.config;
    const AnyConfig& wanted = model.description.config;
    if (options_.interpolate_positions) described = with_image_size_of(described, wanted);
    if (same_model(described, wanted)) return;
    const KnownModel* other = known_.same_as(folder.description.config);
    throw FileError(folder.config,
                    "is the configuration of " +
                        (other == nullptr ? "another model" : "--model " + other->name) +
                        ", not of --model " + model.name);
  }

  // Weights of another known model are the likeliest mistake, and get a short answer.
  void expect_shapes(const FoundModel& model) const {
    const Checkpoint checkpoint = open_checkpoint(model.weights);
    const auto inferred = infer_config(checkpoint);
    const AnyConfig& wanted = model.description.config;
    if (!inferred || has_shapes_of(*inferred, wanted)) return;
    const KnownModel* other = known_.with_shapes(*inferred);
    if (other == nullptr) return;
    const bool size_alone =
        same_model(with_image_size_of(other->description.config, wanted), wanted);
    throw FileError(model.weights, "these weights fit the preset " + other->name +
                                       ", not --model " + model.name +
                                       (size_alone ? " (try --interpolate-positions)" : ""));
  }

  const FindOptions& options_;
  KnownModels known_;
};

}  // namespace detail

/// Finds a model.
/// @param path name of a preset (the library's, or OpenCLIP's such as "ViT-B-32") or of a known
///             folder; a folder as on Hugging Face; an OpenCLIP configuration file; or a checkpoint
///             whose tensors have the sizes of a known model
/// @throws ArgumentError if there is no such model, or nothing says where its weights are;
/// FileError for files that cannot be read or belong to another model.
inline FoundModel find_model(const std::string& path, const FindOptions& options = {}) {
  return detail::ModelFinder(options).find(path);
}

/// The same without checking weights, for callers that initialise their own.
inline FoundModel find_configuration(const std::string& path, const FindOptions& options = {}) {
  FindOptions without = options;
  without.weights = "random";
  return detail::ModelFinder(without).without_weights(path);
}

}  // namespace coca
