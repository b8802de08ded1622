#pragma once
/// @file
/// Reading and writing OpenCLIP's model configurations (`open_clip_config.json`,
/// `model_configs/*.json`). Defaults are those of CLIPVisionCfg, CLIPTextCfg and MultimodalCfg in
/// open_clip/model.py and coca_model.py.

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/io/config_section.hpp"
#include "coca/io/json.hpp"
#include "coca/models/config.hpp"

namespace coca {

/// A model's configuration as in OpenCLIP's files. Checked to be consistent.
struct ModelDescription {
  AnyConfig config;                         ///< a CoCa if there is a `multimodal_cfg`, else a CLIP
  bool custom_text = false;                 ///< names of CLIP's text tower begin with "text."
  std::optional<double> init_logit_bias{};  ///< of a model for SigLIP's loss
  Json preprocess{};                        ///< `preprocess_cfg` as it stands in the file, or null
};

namespace detail {

inline void read_value(ConfigSection& section, const FieldInfo& field, int& value) {
  value = field.square ? section.side(field.key, value, field.max)
                       : section.integer(field.key, value, field.min, field.max);
}
inline void read_value(ConfigSection& section, const FieldInfo& field, bool& value) {
  value = section.boolean(field.key, value);
}
inline void read_value(ConfigSection& section, const FieldInfo& field, ConfigReal& value) {
  value = section.real(field.key, value.value(), field.min, field.max);
}

/// Reads the fields that have separate keys.
template <ConfigPart Config>
void read_fields(ConfigSection& section, Config& config) {
  Config::for_each_field([&](const FieldInfo& field, auto member) {
    if constexpr (requires { read_value(section, field, config.*member); })
      if (*field.key != '\0') read_value(section, field, config.*member);
  });
}

/// Rounded down, as OpenCLIP rounds.
inline int mlp_width(ConfigSection& section, int width) {
  const double ratio = section.real("mlp_ratio", 4.0, 0.0, 64.0);
  const int rounded = static_cast<int>(width * ratio);
  if (rounded < 1) section.fail("mlp_ratio", "leaves no width for the hidden layer");
  return rounded;
}

template <class Tower>
void read_layer_scale(ConfigSection& section, Tower& tower) {
  tower.layer_scale = section.find("ls_init_value") != nullptr;
  tower.layer_scale_init = section.real("ls_init_value", tower.layer_scale_init.value(), -1e6, 1e6);
}

inline Pooling pooling_kind(ConfigSection& section) {
  const Json* value = section.find("attentional_pool");
  if (value == nullptr || *value == false || *value == "") return Pooling::class_token;
  if (*value == true) return Pooling::single;
  if (*value == "parallel") return Pooling::parallel;
  if (*value == "cascade") return Pooling::cascade;
  section.fail("attentional_pool", "must be true, false, \"parallel\" or \"cascade\"");
}

/// Keys that both towers have, and that would change their blocks.
inline void require_plain_blocks(ConfigSection& section) {
  section.require_default({{"final_ln_after_pool", false},
                           {"norm_kwargs", {{"eps", 1e-5}}},
                           {"act_kwargs", nullptr},
                           {"block_type", "default"},
                           {"qk_norm", false},
                           {"scaled_cosine_attn", false},
                           {"scale_heads", false},
                           {"scale_attn_inner", false},
                           {"scale_attn", false},
                           {"scale_fc", false}});
}

inline void check_heads(const ConfigSection& section, int width, int heads) {
  if (width % heads != 0)
    section.fail("width", "is " + std::to_string(width) + ", which " + std::to_string(heads) +
                              " heads do not divide");
}

inline int heads_of_head_width(ConfigSection& section, int width) {
  const int head_width = section.integer("head_width", 64, 1, 1 << 16);
  if (head_width > width)
    section.fail("head_width", "is " + std::to_string(head_width) + ", more than the width " +
                                   std::to_string(width));
  return width / head_width;
}

inline PoolingConfig parse_pooling(ConfigSection& section) {
  PoolingConfig pooling{.kind = pooling_kind(section)};
  read_fields(section, pooling);
  if (pooling.kind == Pooling::single && pooling.queries < 2)
    section.fail("attn_pooler_queries",
                 "must be at least 2: one for the embedding, one to caption");
  // Not distinguished, since nothing reads it.
  return pooling.kind == Pooling::class_token ? PoolingConfig{.kind = pooling.kind} : pooling;
}

/// A vision transformer and what pools its tokens.
inline std::pair<VisionConfig, PoolingConfig> parse_vision(const std::string& path,
                                                           const Json& json) {
  ConfigSection section(path, "vision_cfg.", json);
  section.require_default({{"timm_model_name", ""}});
  if (const Json* layers = section.find("layers"); layers != nullptr && layers->is_array())
    section.fail("layers",
                 "is a list, which means a ResNet; only vision transformers are supported");
  VisionConfig vision;
  read_fields(section, vision);
  vision.heads = heads_of_head_width(section, vision.width);
  vision.mlp_width = mlp_width(section, vision.width);
  read_layer_scale(section, vision);
  const PoolingConfig pooling = parse_pooling(section);
  require_plain_blocks(section);
  section.require_default({{"no_ln_pre", false},
                           {"pos_embed_type", "learnable"},
                           {"pool_type", "tok"},
                           {"input_patchnorm", false},
                           {"global_average_pool", false}});
  // Dropout matters only in training; timm_* matter only with a timm_model_name.
  section.ignore({"patch_dropout", "output_tokens", "timm_model_pretrained", "timm_pool",
                  "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path"});
  section.finish();
  check_heads(section, vision.width, vision.heads);
  if (vision.image_size % vision.patch_size != 0)
    section.fail("patch_size", "is " + std::to_string(vision.patch_size) +
                                   ", which does not divide the image size " +
                                   std::to_string(vision.image_size));
  return {vision, pooling};
}

/// A text tower, and whether it has a class token.
inline std::pair<TextConfig, bool> parse_text(const std::string& path, const Json& json) {
  ConfigSection section(path, "text_cfg.", json);
  section.require_default({{"hf_model_name", ""},
                           {"hf_tokenizer_name", ""},
                           {"tokenizer_mode", nullptr},
                           {"tokenizer_kwargs", nullptr}});
  TextConfig text;
  read_fields(section, text);
  text.pad_id = section.integer("pad_id", 0, 0, text.vocab_size - 1);
  text.mlp_width = mlp_width(section, text.width);
  read_layer_scale(section, text);
  const bool class_token = section.boolean("embed_cls", false);
  require_plain_blocks(section);
  section.require_default({{"no_causal_mask", false},
                           {"pool_type", "argmax"},
                           {"proj_bias", false},
                           {"proj_type", "linear"}});
  // eos_id matters only for pool_type "eos", hf_* only with an hf_model_name.
  section.ignore({"output_tokens", "eos_id", "hf_model_pretrained", "hf_proj_type",
                  "hf_pooler_type", "proj", "pooler_type"});
  section.finish();
  check_heads(section, text.width, text.heads);
  return {text, class_token};
}

inline MultimodalConfig parse_multimodal(const std::string& path, const Json& json) {
  ConfigSection section(path, "multimodal_cfg.", json);
  MultimodalConfig multimodal;
  read_fields(section, multimodal);
  multimodal.mlp_width = 4 * multimodal.width;
  read_layer_scale(section, multimodal);
  // MultimodalCfg inherits all keys of a text tower; OpenCLIP's decoder reads none of these.
  section.ignore({"context_length",
                  "vocab_size",
                  "mlp_ratio",
                  "dim_head",
                  "n_queries",
                  "attn_pooler_heads",
                  "output_tokens",
                  "embed_cls",
                  "pad_id",
                  "eos_id",
                  "no_causal_mask",
                  "final_ln_after_pool",
                  "pool_type",
                  "proj_bias",
                  "proj_type",
                  "act_kwargs",
                  "norm_kwargs",
                  "block_type",
                  "qk_norm",
                  "scaled_cosine_attn",
                  "scale_heads",
                  "scale_attn_inner",
                  "scale_attn",
                  "scale_fc",
                  "hf_tokenizer_name",
                  "tokenizer_mode",
                  "tokenizer_kwargs",
                  "hf_model_name",
                  "hf_model_pretrained",
                  "hf_proj_type",
                  "hf_pooler_type"});
  section.finish();
  check_heads(section, multimodal.width, multimodal.heads);
  return multimodal;
}

/// Widths must agree where the parts meet.
inline void check_widths(const ConfigSection& section, const CoCaConfig& config) {
  const auto disagree = [&](const char* key, int value, const std::string& other, int expected) {
    section.fail(key, "is " + std::to_string(value) + ", but " + other + " is " +
                          std::to_string(expected) + "; they must be equal");
  };
  const int width = config.multimodal.width;
  if (config.text.width != width)
    disagree("text_cfg.width", config.text.width, "multimodal_cfg.width", width);
  if (config.pooling.kind == Pooling::class_token) {
    if (config.vision.width != width)
      disagree("vision_cfg.width", config.vision.width,
               "without attentional pooling multimodal_cfg.width", width);
  } else if (config.embed_dim != width) {
    disagree("embed_dim", config.embed_dim, "with attentional pooling multimodal_cfg.width", width);
  }
}

inline const Json& required_object(ConfigSection& section, const char* key) {
  const Json* value = section.find(key);
  if (value == nullptr) section.fail(key, "is missing");
  return *value;
}

inline CoCaConfig parse_coca(ConfigSection& section, const std::string& path,
                             const ClipConfig& towers, const PoolingConfig& pooling,
                             bool class_token) {
  const Activation activation = towers.vision.activation;
  CoCaConfig config{.embed_dim = towers.embed_dim,
                    .vision = towers.vision,
                    .pooling = pooling,
                    .text = towers.text,
                    .multimodal = parse_multimodal(path, *section.find("multimodal_cfg")),
                    .init_logit_scale = towers.init_logit_scale};
  config.multimodal.activation = activation;
  if (pooling.kind != Pooling::class_token && config.embed_dim % pooling.heads != 0)
    section.fail("embed_dim", "is " + std::to_string(config.embed_dim) + ", which " +
                                  std::to_string(pooling.heads) +
                                  " heads of the attentional pooler do not divide");
  check_widths(section, config);
  if (!class_token)
    section.fail("text_cfg.embed_cls", "must be true in a model with a multimodal_cfg");
  return config;
}

}  // namespace detail

/// Whether a JSON document looks like a model configuration of OpenCLIP, bare or nested.
inline bool is_model_config(const Json& json) {
  if (!json.is_object()) return false;
  return json.contains("model_cfg") || (json.contains("embed_dim") && json.contains("vision_cfg"));
}

/// Reads a configuration, bare or nested under `model_cfg`.
/// @param path its name in messages
/// @throws FileError naming the key that is missing, wrong, unknown, or describes a model that is
/// not supported.
inline ModelDescription parse_model_description(const Json& json, const std::string& path) {
  const bool nested = json.is_object() && json.contains("model_cfg");
  detail::ConfigSection section(path, "", nested ? json.at("model_cfg") : json);
  section.required_integer("embed_dim", 1, 1 << 16);
  ClipConfig towers;
  detail::read_fields(section, towers);
  PoolingConfig pooling;
  bool class_token = false;
  std::tie(towers.vision, pooling) =
      detail::parse_vision(path, detail::required_object(section, "vision_cfg"));
  std::tie(towers.text, class_token) =
      detail::parse_text(path, detail::required_object(section, "text_cfg"));
  if (section.boolean("quick_gelu", false))
    towers.vision.activation = towers.text.activation = Activation::quick_gelu;
  ModelDescription model;
  model.custom_text = section.boolean("custom_text", false);
  if (section.find("init_logit_bias") != nullptr)
    model.init_logit_bias = section.real("init_logit_bias", 0, -1000.0, 1000.0);
  section.require_default({{"logit_bias", nullptr}, {"pad_id", towers.text.pad_id}});
  // Of one element or none: the same number.
  section.ignore({"nonscalar_logit_scale", "output_dict", "cast_dtype", "preprocess_cfg"});
  if (section.find("multimodal_cfg") != nullptr) {
    model.config = detail::parse_coca(section, path, towers, pooling, class_token);
  } else {
    if (class_token) section.fail("text_cfg.embed_cls", "is true, which needs a multimodal_cfg");
    if (pooling.kind != Pooling::class_token)
      section.fail("vision_cfg.attentional_pool", "is set, which needs a multimodal_cfg");
    model.config = towers;
  }
  section.finish();
  if (json.contains("preprocess_cfg")) model.preprocess = json.at("preprocess_cfg");
  return model;
}

/// Reads a configuration file. @throws FileError like parse_model_description.
inline ModelDescription read_model_description(const std::string& path) {
  return parse_model_description(read_json_file(path), path);
}

/// What of a configuration OpenCLIP has no words for, as a sentence's end; nothing: it has all.
inline std::optional<std::string> missing_in_open_clip(const CoCaConfig& config) {
  if (config.multimodal.design == MultimodalDesign::paper)
    return "multimodal blocks of the paper's design";
  if (config.multimodal.mlp_width != 4 * config.multimodal.width)
    return "a multimodal decoder whose perceptrons are not four times its width";
  if (config.text.correct_cls_mask) return "the correct mask of the class token";
  if (config.text.activation != config.vision.activation ||
      config.multimodal.activation != config.vision.activation)
    return "another activation in each tower";
  return std::nullopt;
}
/// The same.
inline std::optional<std::string> missing_in_open_clip(const ClipConfig& config) {
  if (config.text.activation != config.vision.activation) return "another activation in each tower";
  return std::nullopt;
}

namespace detail {

using OrderedJson = nlohmann::ordered_json;

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
  return json;
}

inline void write_pooling(OrderedJson& json, const PoolingConfig& pooling) {
  if (pooling.kind == Pooling::class_token) return;
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
  json["text_cfg"] = text_json(config.text);
  if (config.vision.activation == Activation::quick_gelu) json["quick_gelu"] = true;
  if (config.text.pad_id != 0) json["pad_id"] = config.text.pad_id;
  return json;
}

}  // namespace detail

/// A configuration as OpenCLIP writes it under `model_cfg`. What missing_in_open_clip() names is
/// left out.
inline nlohmann::ordered_json model_config_json(const CoCaConfig& config) {
  detail::OrderedJson json = detail::towers_json(config);
  detail::write_pooling(json["vision_cfg"], config.pooling);
  for (const char* tower : {"vision_cfg", "text_cfg"}) json[tower]["output_tokens"] = true;
  json["text_cfg"]["embed_cls"] = true;
  json["multimodal_cfg"] = detail::multimodal_json(config);
  json["custom_text"] = true;
  return json;
}
/// The same.
inline nlohmann::ordered_json model_config_json(const ClipConfig& config) {
  return detail::towers_json(config);
}

}  // namespace coca
