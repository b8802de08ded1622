#pragma once
/// @file
/// Configurations: structural values, so that they are template arguments. Each lists its fields
/// once (for_each_field), for all code that reads, writes, prints or compares it. Everything that
/// follows from them is constexpr.

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
  class_token,  ///< the class token; the captioner sees the patches (`coca_base`, every CLIP)
  single,       ///< one attentional pooler, whose first query is the embedding (OpenCLIP)
  parallel,     ///< two attentional poolers over the encoder's tokens
  cascade,      ///< two attentional poolers, one over the output of the other (the paper)
};

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
  const char* json = "";  ///< in OpenCLIP's files, if the field has a separate key
};

/// The type of a choice.
constexpr const char* type_name(Activation) { return "Activation"; }
/// The same.
constexpr const char* type_name(Pooling) { return "Pooling"; }
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
  return std::array<NamedChoiceOf<Pooling>, 4>{{{Pooling::class_token, "class_token"},
                                                {Pooling::single, "single"},
                                                {Pooling::parallel, "parallel"},
                                                {Pooling::cascade, "cascade"}}};
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
  const char* key = "";  ///< in OpenCLIP's files; "": follows from other keys there
  FieldKind kind = FieldKind::shape;
  int min = 1, max = 1 << 16;
  bool square = false;  ///< whether files may say [number, number]
  bool rare = false;    ///< whether it is written only if it is not the default
};

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

  /// Patches and the class token.
  constexpr int tokens() const {
    const int side = image_size / patch_size;
    return side * side + 1;
  }
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
  }
  friend constexpr bool operator==(const VisionConfig&, const VisionConfig&) = default;
};

/// What comes after the vision transformer of a CoCa.
struct PoolingConfig {
  Pooling kind = Pooling::single;
  int queries = 256;  ///< of the pooler for captions (`single`: the contrastive one among them)
  int heads = 8;

  /// Calls visit(info, pointer to member) for each field.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    visit(FieldInfo{"kind"}, &PoolingConfig::kind);
    visit(FieldInfo{"queries", "attn_pooler_queries"}, &PoolingConfig::queries);
    visit(FieldInfo{"heads", "attn_pooler_heads", FieldKind::compute}, &PoolingConfig::heads);
  }
  friend constexpr bool operator==(const PoolingConfig&, const PoolingConfig&) = default;
};

/// A causal text transformer.
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

  /// Calls visit(info, pointer to member) for each field.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    using Kind = FieldKind;
    using C = TextConfig;
    visit(FieldInfo{"context_length", "context_length"}, &C::context_length);
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
        return vision.tokens() - 1;
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
    return pooling.kind == Pooling::class_token ? vision.width : embed_dim;
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
  TextConfig text{};
  ConfigReal init_logit_scale = default_logit_scale;  ///< a logarithm

  /// Calls visit(info, pointer to member) for each field; parts are fields too.
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    visit(FieldInfo{"embed_dim", "embed_dim"}, &ClipConfig::embed_dim);
    visit(FieldInfo{"vision"}, &ClipConfig::vision);
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

// Weights and biases of attention over width, whose keys and values come from key_width.
constexpr std::size_t attention_parameters(std::size_t width, std::size_t key_width) {
  return width * width * 2 + 2 * width * key_width + 4 * width;
}
constexpr std::size_t mlp_parameters(std::size_t width, std::size_t hidden) {
  return 2 * width * hidden + hidden + width;
}
constexpr std::size_t block_parameters(std::size_t width, std::size_t hidden, bool layer_scale) {
  return 4 * width + attention_parameters(width, width) + mlp_parameters(width, hidden) +
         (layer_scale ? 2 * width : 0);
}
constexpr std::size_t pooler_parameters(std::size_t width, std::size_t key_width,
                                        std::size_t queries) {
  return queries * width + 2 * width + 2 * key_width + attention_parameters(width, key_width);
}

}  // namespace detail

/// Parameters of the vision transformer itself, without its pooler.
constexpr std::size_t parameter_count(const VisionConfig& config) {
  using detail::size;
  const std::size_t width = size(config.width), patch = size(config.patch_size);
  const std::size_t embedding = width * 3 * patch * patch + width + size(config.tokens()) * width;
  return embedding + 2 * width +
         size(config.layers) *
             detail::block_parameters(width, size(config.mlp_width), config.layer_scale);
}

/// Parameters between the vision transformer and its two outputs.
constexpr std::size_t pooling_parameter_count(const CoCaConfig& config) {
  using detail::size;
  const std::size_t in = size(config.vision.width), out = size(config.embed_dim);
  const std::size_t queries = size(config.pooling.queries);
  switch (config.pooling.kind) {
    case Pooling::class_token:
      return 2 * in + in * out;
    case Pooling::single:
      return 2 * out + out * out + detail::pooler_parameters(out, in, queries);
    case Pooling::parallel:
      return 2 * in + out * out + detail::pooler_parameters(out, in, queries) +
             detail::pooler_parameters(out, in, 1);
    case Pooling::cascade:
      return 2 * in + out * out + detail::pooler_parameters(out, in, queries) +
             detail::pooler_parameters(out, out, 1);
  }
  return 0;
}

/// Parameters of a text transformer with its projection to `embed_dim`.
/// @param class_token whether it has one (CoCa) or reads the end token's row (CLIP)
constexpr std::size_t parameter_count(const TextConfig& config, int embed_dim, bool class_token) {
  using detail::size;
  const std::size_t width = size(config.width);
  const std::size_t positions = size(config.context_length) + (class_token ? 1 : 0);
  const std::size_t embedding =
      (size(config.vocab_size) + positions + (class_token ? 1 : 0)) * width;
  return embedding + 2 * width + width * size(embed_dim) +
         size(config.layers) *
             detail::block_parameters(width, size(config.mlp_width), config.layer_scale);
}

/// Parameters of a multimodal decoder with its projection to the vocabulary.
constexpr std::size_t parameter_count(const MultimodalConfig& config, int vocab_size) {
  using detail::size;
  const std::size_t width = size(config.width), hidden = size(config.mlp_width);
  const std::size_t attention = detail::attention_parameters(width, width);
  const std::size_t norm = 2 * width, scale = config.layer_scale ? width : 0;
  const std::size_t layer =
      config.design == MultimodalDesign::open_clip
          ? 2 * attention + 2 * detail::mlp_parameters(width, hidden) + 5 * norm + 4 * scale
          : 2 * attention + detail::mlp_parameters(width, hidden) + 3 * norm + 3 * scale;
  return size(config.layers) * layer + norm + width * size(vocab_size);
}

/// All parameters, the temperature included.
constexpr std::size_t parameter_count(const CoCaConfig& config) {
  return parameter_count(config.vision) + pooling_parameter_count(config) +
         parameter_count(config.text, config.embed_dim, true) +
         parameter_count(config.multimodal, config.text.vocab_size) + 1;
}

/// All parameters, the temperature included.
constexpr std::size_t parameter_count(const ClipConfig& config) {
  using detail::size;
  return parameter_count(config.vision) + 2 * size(config.vision.width) +
         size(config.vision.width) * size(config.embed_dim) +
         parameter_count(config.text, config.embed_dim, false) + 1;
}

/// Bytes of keys and values of one sequence of `tokens` in a decoder's caches, with elements
/// of `element_size` bytes; those of the picture, shared by its beams, not counted.
constexpr std::size_t kv_cache_bytes(const CoCaConfig& config, std::size_t tokens,
                                     std::size_t element_size = sizeof(float)) {
  using detail::size;
  return 2 * tokens * element_size *
         (size(config.text.layers) * size(config.text.width) +
          size(config.multimodal.layers) * size(config.multimodal.width));
}

/// Multiplications and additions of encoding one picture, only matrix products and attention.
constexpr std::size_t encode_image_flops(const VisionConfig& config) {
  using detail::size;
  const std::size_t width = size(config.width), tokens = size(config.tokens());
  const std::size_t patch = size(config.patch_size);
  const std::size_t layer = 2 * tokens * (4 * width * width + 2 * width * size(config.mlp_width)) +
                            4 * tokens * tokens * width;
  return 2 * (tokens - 1) * width * 3 * patch * patch + size(config.layers) * layer;
}

}  // namespace coca
