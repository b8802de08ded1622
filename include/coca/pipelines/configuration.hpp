#pragma once
/// @file
/// Configurations at run time: from an OpenCLIP description to a configuration value, to the preset
/// of that value, and to its C++ definition.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "coca/io/model_config.hpp"
#include "coca/models/config.hpp"
#include "coca/models/presets.hpp"

namespace coca {

/// A configuration of either family.
using AnyConfig = std::variant<CoCaConfig, ClipConfig>;

/// A preset and its name in messages, examples and files.
struct NamedPreset {
  std::string_view name;
  AnyConfig config;
};

/// All presets of the library, and OpenAI's variants with QuickGELU.
inline const std::array<NamedPreset, 12>& named_presets() {
  static const std::array<NamedPreset, 12> all{{
      {"coca_vit_b_32", presets::coca_vit_b_32},
      {"coca_vit_l_14", presets::coca_vit_l_14},
      {"coca_base", presets::coca_base},
      {"paper_coca_base", presets::paper_coca_base},
      {"paper_coca_large", presets::paper_coca_large},
      {"paper_coca", presets::paper_coca},
      {"clip_vit_b_32", presets::clip_vit_b_32},
      {"clip_vit_b_16", presets::clip_vit_b_16},
      {"clip_vit_l_14", presets::clip_vit_l_14},
      {"quick_gelu(clip_vit_b_32)", presets::quick_gelu(presets::clip_vit_b_32)},
      {"quick_gelu(clip_vit_b_16)", presets::quick_gelu(presets::clip_vit_b_16)},
      {"quick_gelu(clip_vit_l_14)", presets::quick_gelu(presets::clip_vit_l_14)},
  }};
  return all;
}

/// The preset with exactly that value, if there is one.
inline std::optional<std::string_view> preset_name(const AnyConfig& config) {
  for (const NamedPreset& preset : named_presets())
    if (preset.config == config) return preset.name;
  return std::nullopt;
}

namespace detail {

inline Pooling to_pooling(PoolingKind kind) {
  switch (kind) {
    case PoolingKind::class_token:
      return Pooling::class_token;
    case PoolingKind::single:
      return Pooling::single;
    case PoolingKind::parallel:
      return Pooling::parallel;
    case PoolingKind::cascade:
      return Pooling::cascade;
  }
  return Pooling::single;
}

inline VisionConfig to_vision_config(const VisionDescription& vision, Activation activation) {
  return {.image_size = vision.image_size,
          .patch_size = vision.patch_size,
          .width = vision.width,
          .layers = vision.layers,
          .heads = vision.heads,
          .mlp_width = vision.mlp_width,
          .activation = activation,
          .layer_scale = vision.layer_scale.enabled};
}

inline TextConfig to_text_config(const TextDescription& text, Activation activation) {
  return {.context_length = text.context_length,
          .vocab_size = text.vocab_size,
          .width = text.width,
          .layers = text.layers,
          .heads = text.heads,
          .mlp_width = text.mlp_width,
          .activation = activation,
          .layer_scale = text.layer_scale.enabled,
          .pad_id = text.pad_id};
}

}  // namespace detail

/// The configuration value of a description.
inline AnyConfig to_config(const ModelDescription& model) {
  const Activation activation = model.quick_gelu ? Activation::quick_gelu : Activation::gelu;
  const VisionConfig vision = detail::to_vision_config(model.vision, activation);
  const TextConfig text = detail::to_text_config(model.text, activation);
  if (!model.multimodal)
    return ClipConfig{.embed_dim = model.embed_dim, .vision = vision, .text = text};
  PoolingConfig pooling{.kind = detail::to_pooling(model.vision.pooling)};
  if (pooling.kind != Pooling::class_token) {
    pooling.queries = model.vision.pooler_queries;
    pooling.heads = model.vision.pooler_heads;
  }
  return CoCaConfig{.embed_dim = model.embed_dim,
                    .vision = vision,
                    .pooling = pooling,
                    .text = text,
                    .multimodal = {.width = model.multimodal->width,
                                   .layers = model.multimodal->layers,
                                   .heads = model.multimodal->heads,
                                   .mlp_width = model.multimodal->mlp_width,
                                   .activation = activation,
                                   .layer_scale = model.multimodal->layer_scale.enabled}};
}

namespace detail {

inline std::string field(const char* name, int value) {
  return std::string(".") + name + " = " + std::to_string(value) + ", ";
}
inline std::string text_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "coca::Activation::none";
    case Activation::gelu:
      return "coca::Activation::gelu";
    case Activation::quick_gelu:
      return "coca::Activation::quick_gelu";
  }
  return "";
}
inline std::string text_of(Pooling pooling) {
  switch (pooling) {
    case Pooling::class_token:
      return "coca::Pooling::class_token";
    case Pooling::single:
      return "coca::Pooling::single";
    case Pooling::parallel:
      return "coca::Pooling::parallel";
    case Pooling::cascade:
      return "coca::Pooling::cascade";
  }
  return "";
}

// What all towers share.
template <class Tower>
std::string tower_text(const Tower& tower) {
  return field("width", tower.width) + field("layers", tower.layers) + field("heads", tower.heads) +
         field("mlp_width", tower.mlp_width) + ".activation = " + text_of(tower.activation) +
         ", .layer_scale = " + (tower.layer_scale ? "true" : "false");
}

inline std::string config_text(const VisionConfig& vision) {
  return std::string("{") + field("image_size", vision.image_size) +
         field("patch_size", vision.patch_size) + tower_text(vision) + "}";
}
inline std::string config_text(const TextConfig& text) {
  return std::string("{") + field("context_length", text.context_length) +
         field("vocab_size", text.vocab_size) + tower_text(text) +
         ", .pad_id = " + std::to_string(text.pad_id) +
         ", .correct_cls_mask = " + (text.correct_cls_mask ? "true" : "false") + "}";
}
inline std::string config_text(const CoCaConfig& config) {
  const bool paper = config.multimodal.design == MultimodalDesign::paper;
  return "    .embed_dim = " + std::to_string(config.embed_dim) +
         ",\n    .vision = " + config_text(config.vision) +
         ",\n    .pooling = {.kind = " + text_of(config.pooling.kind) + ", " +
         field("queries", config.pooling.queries) +
         ".heads = " + std::to_string(config.pooling.heads) +
         "},\n    .text = " + config_text(config.text) + ",\n    .multimodal = {" +
         tower_text(config.multimodal) +
         ", .design = coca::MultimodalDesign::" + (paper ? "paper" : "open_clip") + "},\n";
}
inline std::string config_text(const ClipConfig& config) {
  return "    .embed_dim = " + std::to_string(config.embed_dim) +
         ",\n    .vision = " + config_text(config.vision) +
         ",\n    .text = " + config_text(config.text) + ",\n";
}

}  // namespace detail

/// The C++ definition of a configuration: `inline constexpr coca::CoCaConfig name{...};`
inline std::string config_definition(const AnyConfig& config, std::string_view name) {
  const bool coca = std::holds_alternative<CoCaConfig>(config);
  const std::string fields = coca ? detail::config_text(std::get<CoCaConfig>(config))
                                  : detail::config_text(std::get<ClipConfig>(config));
  return std::string("inline constexpr coca::") + (coca ? "CoCaConfig " : "ClipConfig ") +
         std::string(name) + "{\n" + fields + "};\n";
}

}  // namespace coca
