#pragma once
/// @file
/// Configurations: structural values, so that they are template arguments. Each lists its fields
/// once (for_each_field), for all code that reads, writes, prints or compares it.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <variant>

#include "coca/core/activation.hpp"

namespace coca {

/// A real number of a configuration, kept as its bits: floats themselves cannot be template
/// arguments before clang 18.
struct ConfigReal {
  std::uint64_t bits = 0;

  constexpr ConfigReal() = default;
  constexpr ConfigReal(double value) : bits(std::bit_cast<std::uint64_t>(value)) {}
  constexpr double value() const { return std::bit_cast<double>(bits); }
  friend constexpr bool operator==(const ConfigReal&, const ConfigReal&) = default;
};

/// How a picture's tokens become one embedding and the tokens that the captioner looks at.
enum class Pooling : std::uint8_t {
  class_token,  ///< the class token; the captioner sees the patches (`coca_base`, most CLIPs)
  single,       ///< one attentional pooler, whose first query is the embedding (OpenCLIP)
  parallel,     ///< two attentional poolers over the encoder's tokens
  cascade,      ///< two attentional poolers, one over the output of the other (the paper)
  mean,         ///< the mean of the patches; the captioner sees the patches (CLIPA)
  map_head,     ///< a MapHead over all tokens; the captioner sees the patches (SigLIP)
};

/// Which row of CLIP's text tower becomes the embedding.
enum class TextPooling : std::uint8_t {
  argmax,  ///< that of the largest id, which is CLIP's end token
  eos,     ///< that of the first `eos_id`; the first row if there is none
  first,
  last,  ///< of the padded text
};

/// Whether the captioner looks at the queries of an attentional pooler instead of the patches.
constexpr bool is_attentional(Pooling kind) {
  return kind == Pooling::single || kind == Pooling::parallel || kind == Pooling::cascade;
}

/// How a layer of the multimodal decoder is built.
enum class MultimodalDesign : std::uint8_t {
  open_clip,  ///< self-attention block, then cross-attention block, each with a perceptron
  paper,      ///< self-attention, cross-attention, one perceptron
};

/// A choice of a configuration, and its names.
template <class Choice>
struct NamedChoiceOf {
  Choice value;
  const char* name;       ///< of the enumerator
  const char* json = "";  ///< in configuration files, if the field has a separate key
};

/// The type of a choice.
constexpr const char* type_name(Activation) { return "Activation"; }
/// The same.
constexpr const char* type_name(Pooling) { return "Pooling"; }
/// The same.
constexpr const char* type_name(TextPooling) { return "TextPooling"; }
/// The same.
constexpr const char* type_name(MultimodalDesign) { return "MultimodalDesign"; }

/// All values of a choice.
constexpr auto choices_of(Activation) {
  return std::array<NamedChoiceOf<Activation>, 8>{{{Activation::none, "none"},
                                                   {Activation::gelu, "gelu"},
                                                   {Activation::quick_gelu, "quick_gelu"},
                                                   {Activation::gelu_tanh, "gelu_tanh"},
                                                   {Activation::relu, "relu"},
                                                   {Activation::silu, "silu"},
                                                   {Activation::tanh, "tanh"},
                                                   {Activation::sigmoid, "sigmoid"}}};
}
/// The same.
constexpr auto choices_of(Pooling) {
  return std::array<NamedChoiceOf<Pooling>, 6>{{{Pooling::class_token, "class_token"},
                                                {Pooling::single, "single"},
                                                {Pooling::parallel, "parallel"},
                                                {Pooling::cascade, "cascade"},
                                                {Pooling::mean, "mean"},
                                                {Pooling::map_head, "map_head"}}};
}
/// The same.
constexpr auto choices_of(TextPooling) {
  return std::array<NamedChoiceOf<TextPooling>, 4>{{{TextPooling::argmax, "argmax", "argmax"},
                                                    {TextPooling::eos, "eos", "eos"},
                                                    {TextPooling::first, "first", "first"},
                                                    {TextPooling::last, "last", "last"}}};
}
/// The same.
constexpr auto choices_of(MultimodalDesign) {
  return std::array<NamedChoiceOf<MultimodalDesign>, 2>{
      {{MultimodalDesign::open_clip, "open_clip"}, {MultimodalDesign::paper, "paper"}}};
}

/// What a field of a configuration is about.
enum class FieldKind : std::uint8_t {
  shape,    ///< the shapes of a checkpoint's tensors show it
  compute,  ///< changes what is computed, and leaves no trace in a checkpoint
  start,    ///< where training starts; loaded weights have their own
};

/// A field of a configuration: all that reading, writing, printing and comparing need to know.
struct FieldInfo {
  const char* name;      ///< of the member
  const char* key = "";  ///< in configuration files; "": follows from other keys there
  FieldKind kind = FieldKind::shape;
  int min = 1, max = 1 << 16;
  bool square = false;  ///< whether files may say [number, number]
  bool rare = false;    ///< whether it is written only if it is not the default
};

/// What layer norms add to the variance, if a configuration does not say.
inline constexpr double default_norm_epsilon = 1e-5;

/// A vision transformer.
struct VisionConfig {
  int image_size = 224;  ///< side in pixels
  int patch_size = 16;   ///< side in pixels
  int width = 768;
  int layers = 12;
  int heads = 12;
  int mlp_width = 3072;
  Activation activation = Activation::gelu;
  bool layer_scale = false;
  ConfigReal layer_scale_init = 1e-5;  ///< what its factors are at first
  bool patch_bias = false;             ///< of the convolution that turns patches into tokens
  bool class_token = true;             ///< whether a learnt token precedes the patches
  bool no_ln_pre = false;              ///< whether the blocks read tokens that are not normalised
  ConfigReal norm_epsilon = default_norm_epsilon;

  /// Of a picture.
  constexpr int patches() const {
    const int side = image_size / patch_size;
    return side * side;
  }
  /// Patches and the class token, if there is one.
  constexpr int tokens() const { return patches() + (class_token ? 1 : 0); }
  /// Calls visit(info, pointer to member) for each field.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    using Kind = FieldKind;
    using C = VisionConfig;
    visit(FieldInfo{"image_size", "image_size", Kind::shape, 1, 1 << 14, true}, &C::image_size);
    visit(FieldInfo{"patch_size", "patch_size", Kind::shape, 1, 1 << 14, true}, &C::patch_size);
    visit(FieldInfo{"width", "width"}, &C::width);
    visit(FieldInfo{"layers", "layers", Kind::shape, 1, 1024}, &C::layers);
    visit(FieldInfo{"heads", "", Kind::compute}, &C::heads);
    visit(FieldInfo{"mlp_width"}, &C::mlp_width);
    visit(FieldInfo{"activation", "", Kind::compute}, &C::activation);
    visit(FieldInfo{"layer_scale"}, &C::layer_scale);
    visit(FieldInfo{.name = "layer_scale_init", .kind = Kind::start, .rare = true},
          &C::layer_scale_init);
    visit(FieldInfo{.name = "patch_bias", .key = "patch_bias", .rare = true}, &C::patch_bias);
    visit(FieldInfo{.name = "class_token", .key = "class_token", .rare = true}, &C::class_token);
    visit(FieldInfo{.name = "no_ln_pre", .key = "no_ln_pre", .rare = true}, &C::no_ln_pre);
    visit(FieldInfo{.name = "norm_epsilon", .kind = Kind::compute, .rare = true}, &C::norm_epsilon);
  }
  friend constexpr bool operator==(const VisionConfig&, const VisionConfig&) = default;
};

/// What comes after the vision transformer.
struct PoolingConfig {
  Pooling kind = Pooling::single;
  int queries = 256;  ///< of the pooler for captions (`single`: the contrastive one among them)
  int heads = 8;      ///< of the attentional poolers; a MapHead has those of the encoder
  /// Whether the last norm follows pooling and leaves the captioner's tokens alone. Not with an
  /// attentional pooler.
  bool final_ln_after_pool = false;
  bool projection = true;  ///< to embed_dim; without it the embedding is as wide as the encoder

  /// Calls visit(info, pointer to member) for each field.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    visit(FieldInfo{"kind"}, &PoolingConfig::kind);
    visit(FieldInfo{"queries", "attn_pooler_queries"}, &PoolingConfig::queries);
    visit(FieldInfo{"heads", "attn_pooler_heads", FieldKind::compute}, &PoolingConfig::heads);
    visit(FieldInfo{.name = "final_ln_after_pool",
                    .key = "final_ln_after_pool",
                    .kind = FieldKind::compute,
                    .rare = true},
          &PoolingConfig::final_ln_after_pool);
    visit(FieldInfo{.name = "projection", .rare = true}, &PoolingConfig::projection);
  }
  friend constexpr bool operator==(const PoolingConfig&, const PoolingConfig&) = default;
};

/// A text transformer, in a CoCa a causal one.
struct TextConfig {
  int context_length = 77;  ///< tokens of a text, start and end included
  int vocab_size = 49408;
  int width = 512;
  int layers = 12;
  int heads = 8;
  int mlp_width = 2048;
  Activation activation = Activation::gelu;
  bool layer_scale = false;
  ConfigReal layer_scale_init = 1e-5;  ///< what its factors are at first
  int pad_id = 0;
  /// Hides the keys of padding themselves, and never the class token, as OpenCLIP's constructor
  /// argument of that name; published checkpoints were trained without.
  bool correct_cls_mask = false;
  bool no_causal_mask = false;                  ///< whether words see those after them too
  TextPooling pool_type = TextPooling::argmax;  ///< of CLIP; CoCa has a class token
  int eos_id = 2;                               ///< of TextPooling::eos
  bool proj_bias = false;                       ///< of the projection to the embedding
  ConfigReal norm_epsilon = default_norm_epsilon;

  /// Calls visit(info, pointer to member) for each field.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    using Kind = FieldKind;
    using C = TextConfig;
    visit(FieldInfo{"context_length", "context_length", Kind::shape, 2}, &C::context_length);
    visit(FieldInfo{"vocab_size", "vocab_size", Kind::shape, 1, 1 << 24}, &C::vocab_size);
    visit(FieldInfo{"width", "width"}, &C::width);
    visit(FieldInfo{"layers", "layers", Kind::shape, 1, 1024}, &C::layers);
    visit(FieldInfo{"heads", "heads", Kind::compute}, &C::heads);
    visit(FieldInfo{"mlp_width"}, &C::mlp_width);
    visit(FieldInfo{"activation", "", Kind::compute}, &C::activation);
    visit(FieldInfo{"layer_scale"}, &C::layer_scale);
    visit(FieldInfo{.name = "layer_scale_init", .kind = Kind::start, .rare = true},
          &C::layer_scale_init);
    visit(FieldInfo{"pad_id", "pad_id", Kind::compute, 0, 1 << 24}, &C::pad_id);
    visit(FieldInfo{"correct_cls_mask", "", Kind::compute}, &C::correct_cls_mask);
    visit(
        FieldInfo{
            .name = "no_causal_mask", .key = "no_causal_mask", .kind = Kind::compute, .rare = true},
        &C::no_causal_mask);
    visit(FieldInfo{.name = "pool_type", .key = "pool_type", .kind = Kind::compute, .rare = true},
          &C::pool_type);
    visit(FieldInfo{.name = "eos_id",
                    .key = "eos_id",
                    .kind = Kind::compute,
                    .min = 0,
                    .max = 1 << 24,
                    .rare = true},
          &C::eos_id);
    visit(FieldInfo{.name = "proj_bias", .key = "proj_bias", .rare = true}, &C::proj_bias);
    visit(FieldInfo{.name = "norm_epsilon", .kind = Kind::compute, .rare = true}, &C::norm_epsilon);
  }
  friend constexpr bool operator==(const TextConfig&, const TextConfig&) = default;
};

/// A decoder of text that attends to the picture.
struct MultimodalConfig {
  int width = 512;
  int layers = 12;
  int heads = 8;
  int mlp_width = 2048;
  Activation activation = Activation::gelu;
  bool layer_scale = false;
  ConfigReal layer_scale_init = 1e-5;  ///< what its factors are at first
  MultimodalDesign design = MultimodalDesign::open_clip;

  /// Calls visit(info, pointer to member) for each field.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    using Kind = FieldKind;
    using C = MultimodalConfig;
    visit(FieldInfo{"width", "width"}, &C::width);
    visit(FieldInfo{"layers", "layers", Kind::shape, 1, 1024}, &C::layers);
    visit(FieldInfo{"heads", "heads", Kind::compute}, &C::heads);
    visit(FieldInfo{"mlp_width"}, &C::mlp_width);
    visit(FieldInfo{"activation", "", Kind::compute}, &C::activation);
    visit(FieldInfo{"layer_scale"}, &C::layer_scale);
    visit(FieldInfo{.name = "layer_scale_init", .kind = Kind::start, .rare = true},
          &C::layer_scale_init);
    visit(FieldInfo{"design"}, &C::design);
  }
  friend constexpr bool operator==(const MultimodalConfig&, const MultimodalConfig&) = default;
};

/// Default logarithm of the inverse temperature that training starts from: ln(1 / 0.07).
inline constexpr double default_logit_scale = 2.6592600369327779;

/// A contrastive captioner.
struct CoCaConfig {
  int embed_dim = 512;
  VisionConfig vision{};
  PoolingConfig pooling{};
  TextConfig text{};
  MultimodalConfig multimodal{};
  ConfigReal init_logit_scale = default_logit_scale;  ///< a logarithm

  /// Image tokens that the captioner attends to.
  constexpr int caption_tokens() const {
    switch (pooling.kind) {
      case Pooling::class_token:
      case Pooling::mean:
      case Pooling::map_head:
        return vision.patches();
      case Pooling::single:
        return pooling.queries - 1;
      case Pooling::parallel:
      case Pooling::cascade:
        return pooling.queries;
    }
    return 0;
  }
  /// Their width.
  constexpr int caption_width() const {
    return is_attentional(pooling.kind) ? embed_dim : vision.width;
  }
  /// Calls visit(info, pointer to member) for each field; parts are fields too.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    visit(FieldInfo{"embed_dim", "embed_dim"}, &CoCaConfig::embed_dim);
    visit(FieldInfo{"vision"}, &CoCaConfig::vision);
    visit(FieldInfo{"pooling"}, &CoCaConfig::pooling);
    visit(FieldInfo{"text"}, &CoCaConfig::text);
    visit(FieldInfo{"multimodal"}, &CoCaConfig::multimodal);
    visit(FieldInfo{.name = "init_logit_scale",
                    .key = "init_logit_scale",
                    .kind = FieldKind::start,
                    .min = -100,
                    .max = 100,
                    .rare = true},
          &CoCaConfig::init_logit_scale);
  }
  friend constexpr bool operator==(const CoCaConfig&, const CoCaConfig&) = default;
};

/// A contrastive model without captions (OpenAI's and OpenCLIP's CLIP).
struct ClipConfig {
  int embed_dim = 512;
  VisionConfig vision{};
  PoolingConfig pooling{.kind = Pooling::class_token};
  TextConfig text{};
  ConfigReal init_logit_scale = default_logit_scale;  ///< a logarithm

  /// Calls visit(info, pointer to member) for each field; parts are fields too.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    visit(FieldInfo{"embed_dim", "embed_dim"}, &ClipConfig::embed_dim);
    visit(FieldInfo{"vision"}, &ClipConfig::vision);
    visit(FieldInfo{.name = "pooling", .rare = true}, &ClipConfig::pooling);
    visit(FieldInfo{"text"}, &ClipConfig::text);
    visit(FieldInfo{.name = "init_logit_scale",
                    .key = "init_logit_scale",
                    .kind = FieldKind::start,
                    .min = -100,
                    .max = 100,
                    .rare = true},
          &ClipConfig::init_logit_scale);
  }
  friend constexpr bool operator==(const ClipConfig&, const ClipConfig&) = default;
};

/// A configuration of either family.
using AnyConfig = std::variant<CoCaConfig, ClipConfig>;

/// A configuration or a part of one.
template <class T>
concept ConfigPart = requires {
  T::for_each_field([](const FieldInfo&, auto) {});
};

/// `to` with the fields of some kinds taken from `from`.
/// @param chosen chosen(info) -> whether the field is taken
template <ConfigPart Config, class Chosen>
constexpr Config with_fields_of(Config to, const Config& from, const Chosen& chosen) {
  Config::for_each_field([&](const FieldInfo& field, auto member) {
    if constexpr (ConfigPart<std::remove_cvref_t<decltype(to.*member)>>)
      to.*member = with_fields_of(to.*member, from.*member, chosen);
    else if (chosen(field))
      to.*member = from.*member;
  });
  return to;
}

/// Whether two configurations compute the same, apart from where training starts.
template <ConfigPart Config>
constexpr bool same_model(const Config& a, const Config& b) {
  return with_fields_of(a, b,
                        [](const FieldInfo& field) { return field.kind == FieldKind::start; }) == b;
}
/// The same.
inline bool same_model(const AnyConfig& a, const AnyConfig& b) {
  return std::visit(
      [](const auto& one, const auto& other) {
        if constexpr (std::is_same_v<decltype(one), decltype(other)>)
          return same_model(one, other);
        else
          return false;
      },
      a, b);
}

namespace detail {

constexpr std::size_t size(int value) { return static_cast<std::size_t>(value); }

}  // namespace detail

}  // namespace coca
