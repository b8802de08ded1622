#pragma once
/// @file
/// Reading OpenCLIP's model configurations (`open_clip_config.json`,
/// `model_configs/*.json`). Defaults are those of CLIPVisionCfg, CLIPTextCfg and MultimodalCfg in
/// open_clip/model.py and coca_model.py. What they have no key for has one of this library, named
/// after timm's arguments where there is one.

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/config_section.hpp"
#include "coca/io/json.hpp"
#include "coca/models/classifier_config.hpp"
#include "coca/models/config.hpp"

namespace coca {

/// The tokenizer that a configuration names, if it is not CLIP's.
struct NamedTokenizer {
  std::string name{};            ///< on Hugging Face, such as "bert-base-uncased"; empty: CLIP's
  bool strip_sep_token = false;  ///< whether token 0 stands in place of the end token

  friend bool operator==(const NamedTokenizer&, const NamedTokenizer&) = default;
};

/// A model's configuration as in OpenCLIP's files. Checked to be consistent.
struct ModelDescription {
  AnyConfig config;                         ///< a CoCa if there is a `multimodal_cfg`, else a CLIP
  bool custom_text = false;                 ///< names of CLIP's text tower begin with "text."
  std::optional<double> init_logit_bias{};  ///< of a model for SigLIP's loss
  Json preprocess{};                        ///< `preprocess_cfg` as it stands in the file, or null
  NamedTokenizer tokenizer{};
  /// `classifier_cfg` next to `model_cfg`: the model is a classifier with that image encoder, and
  /// has no text tower. OpenCLIP knows no such key.
  std::optional<ClassifierConfig> classifier{};
  /// `video_cfg`, in the same way of a classifier of videos.
  std::optional<VideoConfig> video{};
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

/// The choice that a key names, by the enumerators' names; nothing if the key is absent.
template <class Choice>
std::optional<Choice> named_choice(ConfigSection& section, const char* key) {
  const Json* json = section.find(key);
  if (json == nullptr) return std::nullopt;
  std::string names;
  for (const auto& choice : choices_of(Choice{})) {
    if (*json == choice.name) return choice.value;
    names += (names.empty() ? "\"" : ", \"") + std::string(choice.name) + "\"";
  }
  section.fail(key, "must be one of " + names);
}

template <class Choice>
requires std::is_enum_v<Choice>
void read_value(ConfigSection& section, const FieldInfo& field, Choice& value) {
  const Json* json = section.find(field.key);
  if (json == nullptr) return;
  std::string names;
  for (const auto& choice : choices_of(value)) {
    if (*json == choice.json) {
      value = choice.value;
      return;
    }
    names += (names.empty() ? "\"" : ", \"") + std::string(choice.json) + "\"";
  }
  section.fail(field.key, "must be one of " + names);
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

/// The value of the only key of an object; nullptr if it is not that alone.
inline const Json* only_value(const Json& object, const char* key) {
  if (!object.is_object() || object.size() != 1) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// The value of the only key of an object under `options`, such as the arguments of a constructor;
/// nullptr if there is none.
inline const Json* only_option(ConfigSection& section, const char* options, const char* key) {
  const Json* object = section.find(options);
  if (object == nullptr || object->empty()) return nullptr;
  const Json* value = only_value(*object, key);
  if (value == nullptr) section.refuse(options);
  return value;
}

/// Of the layer norms of a tower: `norm_kwargs` of torch.nn.LayerNorm.
inline ConfigReal norm_epsilon(ConfigSection& section) {
  const Json* epsilon = only_option(section, "norm_kwargs", "eps");
  if (epsilon == nullptr) return default_norm_epsilon;
  const double value = epsilon->is_number() ? epsilon->get<double>() : 0;
  if (!(value >= 1e-12 && value <= 0.1)) section.refuse("norm_kwargs");
  return value;
}

/// Of the perceptrons of a tower: `act_kwargs` of torch.nn.GELU, or any by name: timm's
/// `act_layer`.
inline Activation activation(ConfigSection& section) {
  const Json* approximate = only_option(section, "act_kwargs", "approximate");
  if (const auto named = named_choice<Activation>(section, "act_layer")) {
    if (approximate != nullptr)
      section.fail("act_layer", "is given, which does not go together with act_kwargs");
    return *named;
  }
  if (approximate == nullptr || *approximate == "none") return Activation::gelu;
  if (*approximate != "tanh") section.refuse("act_kwargs");
  return Activation::gelu_tanh;
}

inline Pooling pooling_kind(ConfigSection& section) {
  const Json* value = section.find("attentional_pool");
  if (value == nullptr || *value == false || *value == "") {
    const Json* type = section.find("pool_type");
    if (type == nullptr || *type == "tok") return Pooling::class_token;
    if (*type == "avg") return Pooling::mean;
    if (*type == "map") return Pooling::map_head;  // timm's name
    section.fail("pool_type", "must be \"tok\", \"avg\" or \"map\"");
  }
  section.require_default(
      {{"pool_type", "tok"}, {"final_ln_after_pool", false}, {"proj_type", "linear"}});
  if (*value == true) return Pooling::single;
  if (*value == "parallel") return Pooling::parallel;
  if (*value == "cascade") return Pooling::cascade;
  section.fail("attentional_pool", "must be true, false, \"parallel\" or \"cascade\"");
}

/// Keys that both towers have, and that would change their blocks.
inline void require_plain_blocks(ConfigSection& section) {
  section.require_default({{"block_type", "default"},
                           {"qk_norm", false},
                           {"scaled_cosine_attn", false},
                           {"scale_heads", false},
                           {"scale_attn_inner", false},
                           {"scale_attn", false},
                           {"scale_fc", false}});
}

inline void check_heads(const ConfigSection& section, int width, int heads) {
  if (width % heads != 0)
    section.fail("width", "is " + std::to_string(width) + ", which " + counted(heads, "head") +
                              " do not divide");
}

inline int heads_of_head_width(ConfigSection& section, int width) {
  const int head_width = section.integer("head_width", 64, 1, 1 << 16);
  if (head_width > width)
    section.fail("head_width", "is " + std::to_string(head_width) + ", more than the width " +
                                   std::to_string(width));
  return width / head_width;
}

/// Of the embedding of pictures: `proj_type`, as in the text towers of OpenCLIP.
inline bool has_projection(ConfigSection& section) {
  const Json* type = section.find("proj_type");
  if (type == nullptr || *type == "linear") return true;
  if (*type != "none") section.fail("proj_type", "must be \"linear\" or \"none\"");
  return false;
}

inline PoolingConfig parse_pooling(ConfigSection& section) {
  PoolingConfig pooling{.kind = pooling_kind(section)};
  read_fields(section, pooling);
  if (pooling.kind == Pooling::single && pooling.queries < 2)
    section.fail("attn_pooler_queries",
                 "must be at least 2: one for the embedding, one to caption");
  // Not distinguished, since nothing reads it.
  if (is_attentional(pooling.kind)) return pooling;
  return {.kind = pooling.kind,
          .final_ln_after_pool = pooling.final_ln_after_pool,
          .projection = has_projection(section)};
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
  vision.norm_epsilon = norm_epsilon(section);
  vision.activation = activation(section);
  const PoolingConfig pooling = parse_pooling(section);
  if (pooling.kind == Pooling::class_token && !vision.class_token)
    section.fail("class_token", "is false, which needs pool_type \"avg\" or \"map\"");
  require_plain_blocks(section);
  section.require_default({{"pos_embed_type", "learnable"},
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

inline NamedTokenizer parse_tokenizer(ConfigSection& section) {
  NamedTokenizer tokenizer;
  section.require_default({{"tokenizer_mode", nullptr}});
  if (const Json* name = section.find("hf_tokenizer_name"); name != nullptr) {
    if (!name->is_string()) section.refuse("hf_tokenizer_name");
    tokenizer.name = name->get<std::string>();
  }
  const Json* strip = only_option(section, "tokenizer_kwargs", "strip_sep_token");
  if (strip != nullptr && !strip->is_boolean()) section.refuse("tokenizer_kwargs");
  tokenizer.strip_sep_token = strip != nullptr && strip->get<bool>();
  return tokenizer;
}

/// A text tower, what its texts are made of, and whether it has a class token.
struct DescribedText {
  TextConfig config{};
  NamedTokenizer tokenizer{};
  bool class_token = false;
};

inline DescribedText parse_text(const std::string& path, const Json& json) {
  ConfigSection section(path, "text_cfg.", json);
  section.require_default({{"hf_model_name", ""}});
  const NamedTokenizer tokenizer = parse_tokenizer(section);
  TextConfig text;
  read_fields(section, text);
  text.pad_id = section.integer("pad_id", 0, 0, text.vocab_size - 1);
  text.mlp_width = mlp_width(section, text.width);
  read_layer_scale(section, text);
  text.norm_epsilon = norm_epsilon(section);
  text.activation = activation(section);
  const bool class_token = section.boolean("embed_cls", false);
  text.correct_cls_mask = section.boolean("correct_cls_mask", false);
  require_plain_blocks(section);
  if (class_token)
    section.require_default(
        {{"no_causal_mask", false}, {"pool_type", "argmax"}, {"proj_bias", false}});
  section.require_default({{"proj_type", "linear"}, {"final_ln_after_pool", false}});
  if (text.pool_type != TextPooling::eos)
    text.eos_id = TextConfig{}.eos_id;  // not distinguished, since nothing reads it
  else if (text.eos_id >= text.vocab_size)
    section.fail("eos_id", "is " + std::to_string(text.eos_id) + ", beyond the vocabulary of " +
                               std::to_string(text.vocab_size));
  // hf_* matter only with an hf_model_name.
  section.ignore({"output_tokens", "hf_model_pretrained", "hf_proj_type", "hf_pooler_type", "proj",
                  "pooler_type"});
  section.finish();
  check_heads(section, text.width, text.heads);
  return {text, tokenizer, class_token};
}

inline MultimodalConfig parse_multimodal(const std::string& path, const Json& json) {
  ConfigSection section(path, "multimodal_cfg.", json);
  MultimodalConfig multimodal;
  read_fields(section, multimodal);
  multimodal.mlp_width = section.integer("mlp_width", 4 * multimodal.width, 1, 1 << 20);
  multimodal.activation = named_choice<Activation>(section, "act_layer").value_or(Activation::gelu);
  multimodal.design = named_choice<MultimodalDesign>(section, "design").value_or(multimodal.design);
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
  if (!is_attentional(config.pooling.kind)) {
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

/// One activation for all towers, none of which then has its own.
inline void read_quick_gelu(ConfigSection& section, Activation& activation) {
  if (!section.boolean("quick_gelu", false)) return;
  if (activation != Activation::gelu)
    section.fail("quick_gelu",
                 std::string("is true, which does not go together with ") +
                     (activation == Activation::gelu_tanh ? "act_kwargs" : "act_layer"));
  activation = Activation::quick_gelu;
}

inline CoCaConfig parse_coca(ConfigSection& section, const std::string& path,
                             const ClipConfig& towers, bool class_token) {
  const PoolingConfig& pooling = towers.pooling;
  CoCaConfig config{.embed_dim = towers.embed_dim,
                    .vision = towers.vision,
                    .pooling = pooling,
                    .text = towers.text,
                    .multimodal = parse_multimodal(path, *section.find("multimodal_cfg")),
                    .init_logit_scale = towers.init_logit_scale};
  read_quick_gelu(section, config.multimodal.activation);
  if (is_attentional(pooling.kind) && config.embed_dim % pooling.heads != 0)
    section.fail("embed_dim", "is " + std::to_string(config.embed_dim) + ", which " +
                                  counted(pooling.heads, "head") +
                                  " of the attentional pooler do not divide");
  check_widths(section, config);
  if (!class_token)
    section.fail("text_cfg.embed_cls", "must be true in a model with a multimodal_cfg");
  return config;
}

}  // namespace detail

namespace detail {

/// `classifier_cfg`: its head and the number of its classes.
inline ClassifierConfig parse_classifier(const std::string& path, const Json& json) {
  ConfigSection section(path, "classifier_cfg.", json);
  ClassifierConfig classifier;
  const FieldInfo head{.name = "head", .key = "head"};
  read_value(section, head, classifier.head);
  classifier.classes = static_cast<std::size_t>(section.required_integer("classes", 2, 1'000'000));
  section.finish();
  return classifier;
}

/// `video_cfg`: numbers of classes and frames, and whether frames have positions.
inline VideoConfig parse_video(const std::string& path, const Json& json) {
  ConfigSection section(path, "video_cfg.", json);
  VideoConfig video;
  video.classes = static_cast<std::size_t>(section.required_integer("classes", 2, 1'000'000));
  video.frames = static_cast<std::size_t>(section.required_integer("frames", 1, 65'536));
  video.temporal_positions = section.boolean("temporal_positions", false);
  section.finish();
  return video;
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
  std::tie(towers.vision, towers.pooling) =
      detail::parse_vision(path, detail::required_object(section, "vision_cfg"));
  const detail::DescribedText text =
      detail::parse_text(path, detail::required_object(section, "text_cfg"));
  towers.text = text.config;
  for (Activation* activation : {&towers.vision.activation, &towers.text.activation})
    detail::read_quick_gelu(section, *activation);
  if (!towers.pooling.projection && towers.vision.width != towers.embed_dim)
    section.fail("vision_cfg.proj_type", "is \"none\", which needs a vision_cfg.width of " +
                                             std::to_string(towers.embed_dim) +
                                             ", the embed_dim, not " +
                                             std::to_string(towers.vision.width));
  ModelDescription model;
  model.tokenizer = text.tokenizer;
  model.custom_text = section.boolean("custom_text", false);
  if (section.find("init_logit_bias") != nullptr)
    model.init_logit_bias = section.real("init_logit_bias", 0, -1000.0, 1000.0);
  section.require_default({{"logit_bias", nullptr}, {"pad_id", towers.text.pad_id}});
  // Of one element or none: the same number.
  section.ignore({"nonscalar_logit_scale", "output_dict", "cast_dtype", "preprocess_cfg"});
  if (section.find("multimodal_cfg") != nullptr) {
    model.config = detail::parse_coca(section, path, towers, text.class_token);
  } else {
    if (text.class_token)
      section.fail("text_cfg.embed_cls", "is true, which needs a multimodal_cfg");
    if (is_attentional(towers.pooling.kind))
      section.fail("vision_cfg.attentional_pool", "is set, which needs a multimodal_cfg");
    model.config = towers;
  }
  section.finish();
  if (json.contains("preprocess_cfg")) model.preprocess = json.at("preprocess_cfg");
  if (nested && json.contains("classifier_cfg"))
    model.classifier = detail::parse_classifier(path, json.at("classifier_cfg"));
  if (nested && json.contains("video_cfg"))
    model.video = detail::parse_video(path, json.at("video_cfg"));
  return model;
}

/// Reads a configuration file. @throws FileError like parse_model_description.
inline ModelDescription read_model_description(const std::string& path) {
  return parse_model_description(read_json_file(path), path);
}

}  // namespace coca
