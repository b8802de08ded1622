#pragma once
/// @file
/// A model's configuration as OpenCLIP writes it (open_clip_config.json of its repositories on
/// Hugging Face), so that `local-dir:` of a folder opens what was trained.

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "coca/image/preprocess.hpp"
#include "coca/models/config.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

/// What OpenCLIP's format cannot express of a configuration, as the end of a sentence; or nothing.
inline std::optional<std::string> missing_in_open_clip(const CoCaConfig& config) {
  if (config.multimodal.design == MultimodalDesign::paper)
    return "multimodal blocks of the paper's design";
  if (config.multimodal.mlp_width != 4 * config.multimodal.width)
    return "a multimodal decoder whose perceptrons are not four times its width";
  if (config.text.correct_cls_mask) return "the correct mask of the class token";
  return std::nullopt;
}

namespace detail {

using OrderedJson = nlohmann::ordered_json;

/// A ratio that OpenCLIP's int(width * ratio) turns into the hidden width again.
inline double mlp_ratio(int width, int hidden) {
  double ratio = static_cast<double>(hidden) / width;
  while (static_cast<int>(width * ratio) < hidden) ratio = std::nextafter(ratio, 1e9);
  return ratio;
}

/// Keys that towers share.
template <class Tower>
void add_tower(OrderedJson& json, const Tower& tower) {
  json["width"] = tower.width;
  json["layers"] = tower.layers;
  if (tower.mlp_width != 4 * tower.width)
    json["mlp_ratio"] = mlp_ratio(tower.width, tower.mlp_width);
  if (tower.layer_scale) json["ls_init_value"] = 1e-5;
  json["output_tokens"] = true;
}

inline OrderedJson vision_json(const CoCaConfig& config) {
  const VisionConfig& vision = config.vision;
  OrderedJson json{{"image_size", vision.image_size},
                   {"patch_size", vision.patch_size},
                   {"head_width", vision.width / vision.heads}};
  add_tower(json, vision);
  if (config.pooling.kind == Pooling::class_token) return json;
  json["attentional_pool"] = true;
  if (config.pooling.kind == Pooling::parallel) json["attentional_pool"] = "parallel";
  if (config.pooling.kind == Pooling::cascade) json["attentional_pool"] = "cascade";
  json["attn_pooler_queries"] = config.pooling.queries;
  json["attn_pooler_heads"] = config.pooling.heads;
  return json;
}

inline OrderedJson text_json(const TextConfig& text) {
  OrderedJson json{{"context_length", text.context_length},
                   {"vocab_size", text.vocab_size},
                   {"heads", text.heads}};
  add_tower(json, text);
  json["embed_cls"] = true;
  if (text.pad_id != 0) json["pad_id"] = text.pad_id;
  return json;
}

inline OrderedJson multimodal_json(const CoCaConfig& config) {
  OrderedJson json{{"context_length", config.text.context_length},
                   {"vocab_size", config.text.vocab_size},
                   {"width", config.multimodal.width},
                   {"heads", config.multimodal.heads},
                   {"layers", config.multimodal.layers},
                   {"attn_pooler_heads", config.pooling.heads}};
  if (config.multimodal.layer_scale) json["ls_init_value"] = 1e-5;
  return json;
}

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

/// `model_cfg` and `preprocess_cfg` of a model. What missing_in_open_clip() names is left out.
/// @param logit_bias whether the model has one
inline nlohmann::ordered_json open_clip_config(const CoCaConfig& config,
                                               const PreprocessConfig& preprocess,
                                               bool logit_bias = false) {
  detail::OrderedJson model{{"embed_dim", config.embed_dim},
                            {"vision_cfg", detail::vision_json(config)},
                            {"text_cfg", detail::text_json(config.text)},
                            {"multimodal_cfg", detail::multimodal_json(config)}};
  if (config.vision.activation == Activation::quick_gelu) model["quick_gelu"] = true;
  if (config.text.pad_id != 0) model["pad_id"] = config.text.pad_id;
  if (logit_bias) model["init_logit_bias"] = -10;
  model["custom_text"] = true;
  return {{"model_cfg", model}, {"preprocess_cfg", detail::preprocess_json(preprocess)}};
}

}  // namespace coca
