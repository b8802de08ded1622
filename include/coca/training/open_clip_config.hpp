#pragma once
/// @file
/// A model's configuration as OpenCLIP writes it (open_clip_config.json of its repositories on
/// Hugging Face), so that `local-dir:` of a folder opens what was trained.

#include <nlohmann/json.hpp>
#include <variant>
#include <vector>

#include "coca/image/preprocess.hpp"
#include "coca/io/model_config_json.hpp"
#include "coca/models/classifier_config.hpp"
#include "coca/models/config.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/training/model_file.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

namespace detail {

inline OrderedJson preprocess_json(const PreprocessConfig& config) {
  OrderedJson json;
  json["size"] = {config.height, config.width};
  json["mode"] = "RGB";
  json["mean"] = config.mean;
  json["std"] = config.std;
  json["interpolation"] = config.interpolation == Interpolation::bilinear ? "bilinear" : "bicubic";
  json["resize_mode"] = choice_name(config.resize_mode, resize_choices);
  if (config.fill_color[0] == config.fill_color[1] && config.fill_color[1] == config.fill_color[2])
    json["fill_color"] = config.fill_color[0];
  else
    json["fill_color"] = config.fill_color;
  return json;
}

}  // namespace detail

/// `model_cfg` and `preprocess_cfg` of a model. OpenCLIP does not open that of a configuration of
/// which missing_in_open_clip() names something.
/// @param config     a CoCaConfig or a ClipConfig
/// @param logit_bias whether the model has one
template <ConfigPart Config>
nlohmann::ordered_json open_clip_config(const Config& config, const PreprocessConfig& preprocess,
                                        bool logit_bias = false) {
  detail::OrderedJson model = model_config_json(config);
  if (logit_bias) model["init_logit_bias"] = -10;
  return {{"model_cfg", model}, {"preprocess_cfg", detail::preprocess_json(preprocess)}};
}

/// The same for any configuration.
inline nlohmann::ordered_json open_clip_config(const AnyConfig& config,
                                               const PreprocessConfig& preprocess,
                                               bool logit_bias) {
  return std::visit(
      [&](const auto& known) { return open_clip_config(known, preprocess, logit_bias); }, config);
}

/// The same as a file of a run's folder.
inline std::vector<ModelFile> open_clip_config_file(const AnyConfig& config,
                                                    const PreprocessConfig& preprocess,
                                                    bool logit_bias) {
  return {
      {"open_clip_config.json", open_clip_config(config, preprocess, logit_bias).dump(2) + "\n"}};
}

/// The configuration of a classifier: that of the model whose image encoder it has, and beside it
/// `classifier_cfg`, by which open_model() knows it.
inline std::vector<ModelFile> classifier_config_file(const AnyConfig& config,
                                                     const ClassifierConfig& classifier,
                                                     const PreprocessConfig& preprocess) {
  nlohmann::ordered_json json = open_clip_config(config, preprocess, false);
  json["classifier_cfg"] = {{"head", detail::value_json(classifier.head)},
                            {"classes", classifier.classes}};
  return {{"open_clip_config.json", json.dump(2) + "\n"}};
}

/// The same of a classifier of videos, which open_video_model() knows by `video_cfg`.
inline std::vector<ModelFile> video_config_file(const AnyConfig& config, const VideoConfig& video,
                                                const PreprocessConfig& preprocess) {
  nlohmann::ordered_json json = open_clip_config(config, preprocess, false);
  json["video_cfg"] = {{"classes", video.classes},
                       {"frames", video.frames},
                       {"temporal_positions", video.temporal_positions}};
  return {{"open_clip_config.json", json.dump(2) + "\n"}};
}

}  // namespace coca
