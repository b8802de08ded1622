#pragma once
/// @file
/// Reading OpenCLIP's model configurations (`open_clip_config.json`, `model_configs/*.json`).
/// Defaults are those of CLIPVisionCfg, CLIPTextCfg and MultimodalCfg in open_clip/model.py and
/// coca_model.py.

#include <optional>
#include <string>

#include "coca/core/error.hpp"
#include "coca/io/config_section.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// How the image tower produces the contrastive embedding and the tokens for the decoder.
enum class PoolingKind {
  class_token,  ///< the class token; the decoder sees the patches
  single,       ///< one attentional pooler: first row and the rest (OpenCLIP's CoCa)
  parallel,     ///< two poolers, both over the patches (the paper)
  cascade       ///< two poolers, the second over the first's output (the paper)
};

/// Layer scale: a learnt factor for each channel of each residual branch.
struct LayerScaleDescription {
  bool enabled = false;
  double initial_value = 0;
};

struct VisionDescription {
  int image_size = 224;  ///< pixels
  int patch_size = 16;   ///< pixels
  int width = 768;
  int layers = 12;
  int heads = 12;
  int mlp_width = 3072;
  PoolingKind pooling = PoolingKind::class_token;
  int pooler_queries = 256;
  int pooler_heads = 8;
  LayerScaleDescription layer_scale;
};

struct TextDescription {
  int context_length = 77;  ///< tokens, without the class token
  int vocab_size = 49408;
  int width = 512;
  int heads = 8;
  int layers = 12;
  int mlp_width = 2048;
  bool class_token = false;  ///< `embed_cls`
  int pad_id = 0;
  LayerScaleDescription layer_scale;
};

struct MultimodalDescription {
  int width = 512;
  int heads = 8;
  int layers = 12;
  int mlp_width = 2048;  ///< always four times the width
  LayerScaleDescription layer_scale;
};

/// A model as its configuration describes it, checked for consistency.
struct ModelDescription {
  int embed_dim = 512;
  VisionDescription vision;
  TextDescription text;
  std::optional<MultimodalDescription> multimodal;  ///< present in CoCa, absent in CLIP
  bool quick_gelu = false;
  bool custom_text = false;                      ///< names of CLIP's text tower begin with "text."
  double init_logit_scale = 2.6592600369327779;  ///< ln(1 / 0.07)
  Json preprocess;                               ///< `preprocess_cfg` as in the file, or null
};

namespace detail {

inline constexpr int max_width = 1 << 16;
inline constexpr int max_layers = 1024;

/// Rounded down, as OpenCLIP rounds.
inline int mlp_width(ConfigSection& section, int width) {
  const double ratio = section.real("mlp_ratio", 4.0, 0.0, 64.0);
  const int rounded = static_cast<int>(width * ratio);
  if (rounded < 1) section.fail("mlp_ratio", "leaves no width for the hidden layer");
  return rounded;
}

inline LayerScaleDescription layer_scale(ConfigSection& section) {
  const bool enabled = section.find("ls_init_value") != nullptr;
  return {enabled, section.real("ls_init_value", 0.0, -1e6, 1e6)};
}

inline PoolingKind pooling_kind(ConfigSection& section) {
  const Json* value = section.find("attentional_pool");
  if (value == nullptr || *value == false || *value == "") return PoolingKind::class_token;
  if (*value == true) return PoolingKind::single;
  if (*value == "parallel") return PoolingKind::parallel;
  if (*value == "cascade") return PoolingKind::cascade;
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

inline VisionDescription parse_vision(const std::string& path, const Json& json) {
  ConfigSection section(path, "vision_cfg.", json);
  section.require_default({{"timm_model_name", ""}});
  if (const Json* layers = section.find("layers"); layers != nullptr && layers->is_array())
    section.fail("layers",
                 "is a list, which means a ResNet; only vision transformers are supported");
  VisionDescription vision;
  vision.image_size = section.side("image_size", 224, 1 << 14);
  vision.patch_size = section.side("patch_size", 16, 1 << 14);
  vision.width = section.integer("width", 768, 1, max_width);
  vision.layers = section.integer("layers", 12, 1, max_layers);
  const int head_width = section.integer("head_width", 64, 1, max_width);
  if (head_width > vision.width)
    section.fail("head_width", "is " + std::to_string(head_width) + ", more than the width " +
                                   std::to_string(vision.width));
  vision.heads = vision.width / head_width;
  vision.mlp_width = mlp_width(section, vision.width);
  vision.pooling = pooling_kind(section);
  vision.pooler_queries = section.integer("attn_pooler_queries", 256, 1, 1 << 16);
  vision.pooler_heads = section.integer("attn_pooler_heads", 8, 1, max_width);
  vision.layer_scale = layer_scale(section);
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
  if (vision.pooling == PoolingKind::single && vision.pooler_queries < 2)
    section.fail("attn_pooler_queries",
                 "must be at least 2: one for the embedding, one to caption");
  return vision;
}

inline TextDescription parse_text(const std::string& path, const Json& json) {
  ConfigSection section(path, "text_cfg.", json);
  section.require_default({{"hf_model_name", ""},
                           {"hf_tokenizer_name", ""},
                           {"tokenizer_mode", nullptr},
                           {"tokenizer_kwargs", nullptr}});
  TextDescription text;
  text.context_length = section.integer("context_length", 77, 1, 1 << 16);
  text.vocab_size = section.integer("vocab_size", 49408, 1, 1 << 24);
  text.width = section.integer("width", 512, 1, max_width);
  text.heads = section.integer("heads", 8, 1, max_width);
  text.layers = section.integer("layers", 12, 1, max_layers);
  text.mlp_width = mlp_width(section, text.width);
  text.class_token = section.boolean("embed_cls", false);
  text.pad_id = section.integer("pad_id", 0, 0, text.vocab_size - 1);
  text.layer_scale = layer_scale(section);
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
  return text;
}

inline MultimodalDescription parse_multimodal(const std::string& path, const Json& json) {
  ConfigSection section(path, "multimodal_cfg.", json);
  MultimodalDescription multimodal;
  multimodal.width = section.integer("width", 512, 1, max_width);
  multimodal.heads = section.integer("heads", 8, 1, max_width);
  multimodal.layers = section.integer("layers", 12, 1, max_layers);
  multimodal.mlp_width = 4 * multimodal.width;
  multimodal.layer_scale = layer_scale(section);
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
inline void check_multimodal(const ConfigSection& section, const ModelDescription& model) {
  const auto disagree = [&](const char* key, int value, const std::string& other, int expected) {
    section.fail(key, "is " + std::to_string(value) + ", but " + other + " is " +
                          std::to_string(expected) + "; they must be equal");
  };
  const int width = model.multimodal->width;
  if (model.text.width != width)
    disagree("text_cfg.width", model.text.width, "multimodal_cfg.width", width);
  if (!model.text.class_token)
    section.fail("text_cfg.embed_cls", "must be true in a model with a multimodal_cfg");
  if (model.vision.pooling == PoolingKind::class_token) {
    if (model.vision.width != width)
      disagree("vision_cfg.width", model.vision.width,
               "without attentional pooling multimodal_cfg.width", width);
  } else if (model.embed_dim != width) {
    disagree("embed_dim", model.embed_dim, "with attentional pooling multimodal_cfg.width", width);
  }
}

inline void check_model(const ConfigSection& section, const ModelDescription& model) {
  if (model.vision.pooling != PoolingKind::class_token &&
      model.embed_dim % model.vision.pooler_heads != 0)
    section.fail("embed_dim", "is " + std::to_string(model.embed_dim) + ", which " +
                                  std::to_string(model.vision.pooler_heads) +
                                  " heads of the attentional pooler do not divide");
  if (model.multimodal) {
    check_multimodal(section, model);
  } else if (model.text.class_token) {
    section.fail("text_cfg.embed_cls", "is true, which needs a multimodal_cfg");
  }
}

inline const Json& required_object(ConfigSection& section, const char* key) {
  const Json* value = section.find(key);
  if (value == nullptr) section.fail(key, "is missing");
  return *value;
}

}  // namespace detail

/// Whether a JSON document looks like a model configuration of OpenCLIP, bare or nested.
inline bool is_model_config(const Json& json) {
  if (!json.is_object()) return false;
  return json.contains("model_cfg") || (json.contains("embed_dim") && json.contains("vision_cfg"));
}

/// Reads a configuration, bare or nested under `model_cfg`.
/// @param path its name in messages
/// @throws FileError naming the key that is missing, wrong, unknown, or asks for a model that is
/// not supported.
inline ModelDescription parse_model_description(const Json& json, const std::string& path) {
  const bool nested = json.is_object() && json.contains("model_cfg");
  detail::ConfigSection section(path, "", nested ? json.at("model_cfg") : json);
  ModelDescription model;
  model.embed_dim = section.required_integer("embed_dim", 1, detail::max_width);
  model.vision = detail::parse_vision(path, detail::required_object(section, "vision_cfg"));
  model.text = detail::parse_text(path, detail::required_object(section, "text_cfg"));
  if (const Json* multimodal = section.find("multimodal_cfg"))
    model.multimodal = detail::parse_multimodal(path, *multimodal);
  model.quick_gelu = section.boolean("quick_gelu", false);
  model.custom_text = section.boolean("custom_text", false);
  model.init_logit_scale = section.real("init_logit_scale", model.init_logit_scale, -100.0, 100.0);
  section.real("init_logit_bias", 0, -1000.0, 1000.0);  // weights contain their own
  section.require_default({{"logit_bias", nullptr}, {"pad_id", model.text.pad_id}});
  // With one element or no axes it is the same number.
  section.ignore({"nonscalar_logit_scale", "output_dict", "cast_dtype", "preprocess_cfg"});
  section.finish();
  detail::check_model(section, model);
  if (json.contains("preprocess_cfg")) model.preprocess = json.at("preprocess_cfg");
  return model;
}

/// Reads a configuration file. @throws FileError like parse_model_description.
inline ModelDescription read_model_description(const std::string& path) {
  return parse_model_description(read_json_file(path), path);
}

}  // namespace coca
