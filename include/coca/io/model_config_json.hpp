#pragma once
/// @file
/// Writing OpenCLIP's model configurations, see model_config.hpp. What OpenCLIP has no key for is
/// written under this library's; OpenCLIP then refuses the file.

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "coca/models/config.hpp"

namespace coca {

namespace detail {

/// Whether OpenCLIP can say which activation each tower has: one `quick_gelu` for all, or the kind
/// of GELU of each tower; the multimodal decoder has the exact one.
inline bool has_open_clip_activations(Activation vision, Activation text, Activation multimodal) {
  const auto gelu = [](Activation a) {
    return a == Activation::gelu || a == Activation::gelu_tanh;
  };
  const auto quick = [](Activation a) { return a == Activation::quick_gelu; };
  return (quick(vision) && quick(text) && quick(multimodal)) ||
         (gelu(vision) && gelu(text) && multimodal == Activation::gelu);
}

/// What both families have.
inline std::optional<std::string> missing_in_towers(const VisionConfig& vision,
                                                    const PoolingConfig& pooling) {
  if (vision.patch_bias) return "a bias of the patch convolution";
  if (!vision.class_token) return "an image encoder without class token";
  if (pooling.kind == Pooling::map_head) return "pooling by a MapHead";
  if (!pooling.projection) return "image embeddings without projection";
  return std::nullopt;
}

}  // namespace detail

/// What of a configuration OpenCLIP has no key for, so that it does not open its file, as a
/// sentence's end; nothing: it has all.
inline std::optional<std::string> missing_in_open_clip(const CoCaConfig& config) {
  if (auto missing = detail::missing_in_towers(config.vision, config.pooling)) return missing;
  if (config.multimodal.design == MultimodalDesign::paper)
    return "multimodal blocks of the paper's design";
  if (config.multimodal.mlp_width != 4 * config.multimodal.width)
    return "a multimodal decoder whose perceptrons are not four times its width";
  if (config.text.correct_cls_mask) return "the correct mask of the class token";
  if (!detail::has_open_clip_activations(config.vision.activation, config.text.activation,
                                         config.multimodal.activation))
    return "another activation in each tower";
  return std::nullopt;
}
/// The same.
inline std::optional<std::string> missing_in_open_clip(const ClipConfig& config) {
  if (auto missing = detail::missing_in_towers(config.vision, config.pooling)) return missing;
  const bool quick = config.vision.activation == Activation::quick_gelu;
  if (!detail::has_open_clip_activations(config.vision.activation, config.text.activation,
                                         quick ? Activation::quick_gelu : Activation::gelu))
    return "another activation in each tower";
  return std::nullopt;
}

namespace detail {

using OrderedJson = nlohmann::ordered_json;

template <class Choice>
requires(std::is_enum_v<Choice>&& requires(Choice c) { choices_of(c); }) OrderedJson
    value_json(Choice value) {
  for (const auto& choice : choices_of(value))
    if (choice.value == value) return choice.json;
  return nullptr;
}
inline OrderedJson value_json(int value) { return value; }
inline OrderedJson value_json(bool value) { return value; }
inline OrderedJson value_json(ConfigReal value) { return value.value(); }

/// Writes the fields that have separate keys.
template <ConfigPart Config>
void write_fields(OrderedJson& json, const Config& config) {
  const Config defaults;
  Config::for_each_field([&](const FieldInfo& field, auto member) {
    if constexpr (requires { value_json(config.*member); })
      if (*field.key != '\0' && !(field.rare && config.*member == defaults.*member))
        json[field.key] = value_json(config.*member);
  });
}

/// A ratio that OpenCLIP's int(width * ratio) turns into the hidden width again.
inline double mlp_ratio(int width, int hidden) {
  double ratio = static_cast<double>(hidden) / width;
  while (static_cast<int>(width * ratio) < hidden) ratio = std::nextafter(ratio, 1e9);
  return ratio;
}

/// What follows from the fields of a tower.
template <class Tower>
void write_tower(OrderedJson& json, const Tower& tower) {
  write_fields(json, tower);
  if (tower.mlp_width != 4 * tower.width)
    json["mlp_ratio"] = mlp_ratio(tower.width, tower.mlp_width);
  if (tower.layer_scale) json["ls_init_value"] = tower.layer_scale_init.value();
  if (tower.norm_epsilon.value() != default_norm_epsilon)
    json["norm_kwargs"] = {{"eps", tower.norm_epsilon.value()}};
}

/// The name of a choice's value.
template <class Choice>
std::string choice_name_of(Choice value) {
  for (const auto& choice : choices_of(value))
    if (choice.value == value) return choice.name;
  return "";
}

/// A section of a model's JSON and its activation.
struct SectionActivation {
  const char* section;
  Activation activation;
};

/// In OpenCLIP's words, or else each by name.
inline void write_activations(OrderedJson& json, std::span<const SectionActivation> sections) {
  const Activation vision = sections[0].activation, text = sections[1].activation;
  const bool quick = vision == Activation::quick_gelu;
  const Activation last = sections.size() > 2 ? sections[2].activation
                          : quick             ? Activation::quick_gelu
                                              : Activation::gelu;
  if (!has_open_clip_activations(vision, text, last)) {
    for (const SectionActivation& each : sections)
      json[each.section]["act_layer"] = choice_name_of(each.activation);
    return;
  }
  if (quick) json["quick_gelu"] = true;
  for (const SectionActivation& each : sections)
    if (each.activation == Activation::gelu_tanh)
      json[each.section]["act_kwargs"] = {{"approximate", "tanh"}};
}

inline OrderedJson vision_json(const VisionConfig& vision) {
  OrderedJson json;
  write_tower(json, vision);
  json["head_width"] = vision.width / vision.heads;
  return json;
}

inline OrderedJson text_json(const TextConfig& text) {
  OrderedJson json;
  write_tower(json, text);
  if (text.pad_id == 0) json.erase("pad_id");
  if (text.correct_cls_mask) json["correct_cls_mask"] = true;
  return json;
}

inline void write_pooling(OrderedJson& json, const PoolingConfig& pooling) {
  if (!is_attentional(pooling.kind)) {
    if (pooling.kind == Pooling::mean) json["pool_type"] = "avg";
    if (pooling.kind == Pooling::map_head) json["pool_type"] = "map";
    if (!pooling.projection) json["proj_type"] = "none";
    if (pooling.final_ln_after_pool) json["final_ln_after_pool"] = true;
    return;
  }
  json["attentional_pool"] = true;
  if (pooling.kind == Pooling::parallel) json["attentional_pool"] = "parallel";
  if (pooling.kind == Pooling::cascade) json["attentional_pool"] = "cascade";
  write_fields(json, pooling);
}

inline OrderedJson multimodal_json(const CoCaConfig& config) {
  OrderedJson json{{"context_length", config.text.context_length},
                   {"vocab_size", config.text.vocab_size}};
  write_fields(json, config.multimodal);
  json["attn_pooler_heads"] = config.pooling.heads;
  if (config.multimodal.mlp_width != 4 * config.multimodal.width)
    json["mlp_width"] = config.multimodal.mlp_width;
  if (config.multimodal.design != MultimodalDesign::open_clip)
    json["design"] = choice_name_of(config.multimodal.design);
  if (config.multimodal.layer_scale)
    json["ls_init_value"] = config.multimodal.layer_scale_init.value();
  return json;
}

/// What both families have.
template <class Config>
OrderedJson towers_json(const Config& config) {
  OrderedJson json;
  write_fields(json, config);
  json["vision_cfg"] = vision_json(config.vision);
  write_pooling(json["vision_cfg"], config.pooling);
  json["text_cfg"] = text_json(config.text);
  if (config.text.pad_id != 0) json["pad_id"] = config.text.pad_id;
  return json;
}

}  // namespace detail

/// A configuration as OpenCLIP writes it under `model_cfg`, in addition to which there are keys for
/// what missing_in_open_clip() names.
inline nlohmann::ordered_json model_config_json(const CoCaConfig& config) {
  detail::OrderedJson json = detail::towers_json(config);
  for (const char* tower : {"vision_cfg", "text_cfg"}) json[tower]["output_tokens"] = true;
  json["text_cfg"]["embed_cls"] = true;
  json["multimodal_cfg"] = detail::multimodal_json(config);
  const detail::SectionActivation activations[] = {
      {"vision_cfg", config.vision.activation},
      {"text_cfg", config.text.activation},
      {"multimodal_cfg", config.multimodal.activation}};
  detail::write_activations(json, activations);
  json["custom_text"] = true;
  return json;
}
/// The same.
inline nlohmann::ordered_json model_config_json(const ClipConfig& config) {
  detail::OrderedJson json = detail::towers_json(config);
  const detail::SectionActivation activations[] = {{"vision_cfg", config.vision.activation},
                                                   {"text_cfg", config.text.activation}};
  detail::write_activations(json, activations);
  return json;
}

}  // namespace coca
