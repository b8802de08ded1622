#pragma once
/// @file
/// The rules of configurations. If one is broken, `checked` throws, and CoCa<config, Backend> and
/// Clip<config, Backend> do not compile, with the same sentence.

#include "coca/core/error.hpp"
#include "coca/models/config.hpp"

namespace coca {

namespace detail {

constexpr bool patches_fit(const VisionConfig& c) {
  return c.image_size > 0 && c.patch_size > 0 && c.image_size % c.patch_size == 0;
}
constexpr bool heads_fit(int width, int heads) {
  return width > 0 && heads > 0 && width % heads == 0;
}
template <class Tower>
constexpr bool has_layers(const Tower& c) {
  return c.layers > 0 && c.mlp_width > 0;
}
constexpr bool has_words(const TextConfig& c) { return c.vocab_size > 0 && c.context_length > 0; }
constexpr bool is_dual(Pooling kind) {
  return kind == Pooling::parallel || kind == Pooling::cascade;
}

inline void expect_rule(bool holds, const char* sentence) {
  if (!holds) throw ArgumentError(sentence);
}

/// The rules of a CoCa, for the compiler.
template <CoCaConfig config>
struct CoCaRules {
  static_assert(patches_fit(config.vision),
                "VisionConfig: image_size must be a multiple of patch_size");
  static_assert(heads_fit(config.vision.width, config.vision.heads),
                "VisionConfig: width must be a multiple of heads");
  static_assert(has_layers(config.vision), "VisionConfig: layers and mlp_width must be positive");
  static_assert(config.pooling.kind != Pooling::single ||
                    heads_fit(config.embed_dim, config.pooling.heads),
                "SinglePooler: embed_dim must be a multiple of the pooler's heads");
  static_assert(config.pooling.kind != Pooling::single || config.pooling.queries > 1,
                "SinglePooler: needs a query for the embedding and at least one for captions");
  static_assert(!is_dual(config.pooling.kind) ||
                    (config.pooling.queries > 0 &&
                     heads_fit(config.embed_dim, config.pooling.heads)),
                "DualPooler: embed_dim must be a multiple of the pooler's heads");
  static_assert(heads_fit(config.text.width, config.text.heads),
                "TextConfig: width must be a multiple of heads");
  static_assert(has_layers(config.text) && has_words(config.text),
                "TextConfig: layers, mlp_width, vocab_size and context_length must be positive");
  static_assert(heads_fit(config.multimodal.width, config.multimodal.heads),
                "MultimodalConfig: width must be a multiple of heads");
  static_assert(has_layers(config.multimodal),
                "MultimodalConfig: layers and mlp_width must be positive");
  static_assert(
      config.caption_width() == config.multimodal.width,
      "MultimodalConfig: width must equal the width of the image tokens (embed_dim with an "
      "attentional pooler, the vision width without)");
  static_assert(config.text.width == config.multimodal.width,
                "CoCaModel: text decoder and multimodal decoder must have the same width");
  static constexpr bool hold = true;
};

/// The rules of a CLIP, for the compiler.
template <ClipConfig config>
struct ClipRules {
  static_assert(patches_fit(config.vision),
                "VisionConfig: image_size must be a multiple of patch_size");
  static_assert(heads_fit(config.vision.width, config.vision.heads),
                "VisionConfig: width must be a multiple of heads");
  static_assert(has_layers(config.vision), "VisionConfig: layers and mlp_width must be positive");
  static_assert(heads_fit(config.text.width, config.text.heads),
                "TextConfig: width must be a multiple of heads");
  static_assert(has_layers(config.text) && has_words(config.text),
                "TextConfig: layers, mlp_width, vocab_size and context_length must be positive");
  static constexpr bool hold = true;
};

}  // namespace detail

/// The configuration itself. @throws ArgumentError if it does not fit together.
inline const VisionConfig& checked(const VisionConfig& config) {
  using namespace detail;
  expect_rule(patches_fit(config), "VisionConfig: image_size must be a multiple of patch_size");
  expect_rule(heads_fit(config.width, config.heads),
              "VisionConfig: width must be a multiple of heads");
  expect_rule(has_layers(config), "VisionConfig: layers and mlp_width must be positive");
  return config;
}

/// The same.
inline const TextConfig& checked(const TextConfig& config) {
  using namespace detail;
  expect_rule(heads_fit(config.width, config.heads),
              "TextConfig: width must be a multiple of heads");
  expect_rule(has_layers(config) && has_words(config),
              "TextConfig: layers, mlp_width, vocab_size and context_length must be positive");
  return config;
}

/// The same.
/// @param image_width of the picture's tokens
inline const MultimodalConfig& checked(const MultimodalConfig& config, int image_width) {
  using namespace detail;
  expect_rule(heads_fit(config.width, config.heads),
              "MultimodalConfig: width must be a multiple of heads");
  expect_rule(has_layers(config), "MultimodalConfig: layers and mlp_width must be positive");
  expect_rule(image_width == config.width,
              "MultimodalConfig: width must equal the width of the image tokens (embed_dim with an "
              "attentional pooler, the vision width without)");
  return config;
}

}  // namespace coca
