#pragma once
/// @file
/// What follows from a configuration without a model of it: numbers of parameters, bytes of caches,
/// operations.

#include <cstddef>

#include "coca/models/config.hpp"

namespace coca {

namespace detail {

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
  const std::size_t embedding = width * 3 * patch * patch + (config.patch_bias ? width : 0) +
                                (config.class_token ? width : 0) + size(config.tokens()) * width;
  return embedding + (config.no_ln_pre ? 0 : 2 * width) +
         size(config.layers) *
             detail::block_parameters(width, size(config.mlp_width), config.layer_scale);
}

/// Parameters between the vision transformer and its two outputs.
/// @param config a CoCaConfig or a ClipConfig
template <ConfigPart Config>
constexpr std::size_t pooling_parameter_count(const Config& config) {
  using detail::size;
  const std::size_t in = size(config.vision.width), out = size(config.embed_dim);
  const std::size_t queries = size(config.pooling.queries);
  const std::size_t projection = config.pooling.projection ? in * out : 0;
  switch (config.pooling.kind) {
    case Pooling::class_token:
    case Pooling::mean:
      return 2 * in + projection;
    case Pooling::map_head:
      return 2 * in + projection + 3 * in + detail::attention_parameters(in, in) +
             detail::mlp_parameters(in, size(config.vision.mlp_width));
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
/// @param class_token whether it has one (CoCa) or its embedding is one of the rows (CLIP)
constexpr std::size_t parameter_count(const TextConfig& config, int embed_dim, bool class_token) {
  using detail::size;
  const std::size_t width = size(config.width);
  const std::size_t positions = size(config.context_length) + (class_token ? 1 : 0);
  const std::size_t embedding =
      (size(config.vocab_size) + positions + (class_token ? 1 : 0)) * width;
  return embedding + 2 * width + width * size(embed_dim) +
         (config.proj_bias ? size(embed_dim) : 0) +
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
  return parameter_count(config.vision) + pooling_parameter_count(config) +
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
  return 2 * size(config.patches()) * width * 3 * patch * patch + size(config.layers) * layer;
}

}  // namespace coca
