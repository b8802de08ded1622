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
constexpr bool has_words(const TextConfig& c) { return c.vocab_size > 0 && c.context_length > 1; }
constexpr bool has_epsilon(ConfigReal epsilon) {
  return epsilon.value() > 0 && epsilon.value() < 1;
}
constexpr bool has_end_token(const TextConfig& c) {
  return c.eos_id >= 0 && c.eos_id < c.vocab_size;
}
/// What the text decoder of a CoCa is like, which has a class token and decodes word by word.
constexpr bool decodes(const TextConfig& c) {
  return !c.no_causal_mask && c.pool_type == TextPooling::argmax && !c.proj_bias;
}
constexpr bool has_pooled_token(Pooling kind, bool class_token) {
  return kind != Pooling::class_token || class_token;
}
constexpr bool pools_plainly(const PoolingConfig& c) {
  return !is_attentional(c.kind) || (!c.final_ln_after_pool && c.projection);
}
constexpr bool projection_fits(bool projection, int width, int embed_dim) {
  return projection || width == embed_dim;
}
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
  static_assert(has_epsilon(config.vision.norm_epsilon),
                "VisionConfig: norm_epsilon must be between 0 and 1");
  static_assert(has_pooled_token(config.pooling.kind, config.vision.class_token),
                "VisionConfig: pooling by the class token needs class_token");
  static_assert(projection_fits(config.pooling.projection, config.vision.width, config.embed_dim),
                "PoolingConfig: without projection embed_dim must equal the vision width");
  static_assert(pools_plainly(config.pooling),
                "PoolingConfig: attentional poolers have a projection and no final_ln_after_pool");
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
  static_assert(has_layers(config.text), "TextConfig: layers and mlp_width must be positive");
  static_assert(
      has_words(config.text),
      "TextConfig: vocab_size must be positive, and context_length at least 2, for the start "
      "and the end token");
  static_assert(has_epsilon(config.text.norm_epsilon),
                "TextConfig: norm_epsilon must be between 0 and 1");
  static_assert(
      decodes(config.text),
      "TextConfig: the text decoder of a CoCa is causal, and has a class token in place of "
      "pool_type, and no proj_bias");
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
  static_assert(has_epsilon(config.vision.norm_epsilon),
                "VisionConfig: norm_epsilon must be between 0 and 1");
  static_assert(has_pooled_token(config.pooling.kind, config.vision.class_token),
                "VisionConfig: pooling by the class token needs class_token");
  static_assert(projection_fits(config.pooling.projection, config.vision.width, config.embed_dim),
                "PoolingConfig: without projection embed_dim must equal the vision width");
  static_assert(heads_fit(config.text.width, config.text.heads),
                "TextConfig: width must be a multiple of heads");
  static_assert(has_layers(config.text), "TextConfig: layers and mlp_width must be positive");
  static_assert(
      has_words(config.text),
      "TextConfig: vocab_size must be positive, and context_length at least 2, for the start "
      "and the end token");
  static_assert(has_epsilon(config.text.norm_epsilon),
                "TextConfig: norm_epsilon must be between 0 and 1");
  static_assert(has_end_token(config.text) || config.text.pool_type != TextPooling::eos,
                "TextConfig: eos_id must be an id of the vocabulary");
  static_assert(!is_attentional(config.pooling.kind),
                "ClipConfig: pooling must be class_token, mean or map_head; the other kinds make "
                "tokens for a captioner");
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
  expect_rule(has_epsilon(config.norm_epsilon),
              "VisionConfig: norm_epsilon must be between 0 and 1");
  return config;
}

/// The same.
inline const TextConfig& checked(const TextConfig& config) {
  using namespace detail;
  expect_rule(heads_fit(config.width, config.heads),
              "TextConfig: width must be a multiple of heads");
  expect_rule(has_layers(config), "TextConfig: layers and mlp_width must be positive");
  expect_rule(
      has_words(config),
      "TextConfig: vocab_size must be positive, and context_length at least 2, for the start "
      "and the end token");
  expect_rule(has_epsilon(config.norm_epsilon), "TextConfig: norm_epsilon must be between 0 and 1");
  expect_rule(has_end_token(config) || config.pool_type != TextPooling::eos,
              "TextConfig: eos_id must be an id of the vocabulary");
  return config;
}

/// The same for the text decoder of a CoCa.
inline const TextConfig& checked_decoder(const TextConfig& config) {
  detail::expect_rule(detail::decodes(config),
                      "TextConfig: the text decoder of a CoCa is causal, and has a class token in "
                      "place of pool_type, and no proj_bias");
  return checked(config);
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
