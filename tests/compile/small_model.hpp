#pragma once
/// @file
/// A small configuration that compiles, and the parts of its model. Each source next to this file
/// changes one thing.

#include <string>

#include "coca/backend/reference/reference.hpp"
#include "coca/models/coca.hpp"

using B = coca::Reference<float>;

inline constexpr coca::CoCaConfig small{
    .embed_dim = 32,
    .vision =
        {.image_size = 32, .patch_size = 8, .width = 48, .layers = 1, .heads = 3, .mlp_width = 96},
    .pooling = {.queries = 9, .heads = 4},
    .text = {.context_length = 15,
             .vocab_size = 512,
             .width = 32,
             .layers = 1,
             .heads = 4,
             .mlp_width = 64},
    .multimodal = {.width = 32, .layers = 1, .heads = 4, .mlp_width = 64},
};

// Custom components have their sizes as constants, so the compiler compares them.
template <coca::CoCaConfig config>
struct Encoder : coca::VisionTransformer<B> {
  static constexpr std::size_t width = config.vision.width;
  explicit Encoder(const std::string& path) : VisionTransformer(config.vision, path) {}
};
template <coca::CoCaConfig config>
struct Pool : coca::AnyPooler<B> {
  static constexpr std::size_t input_width = config.vision.width, embed_dim = config.embed_dim,
                               width = config.caption_width();
  explicit Pool(const std::string& path)
      : AnyPooler({config.pooling.kind, coca::pooler_sizes(config)}, path) {}
};
template <coca::CoCaConfig config>
struct Text : coca::TextDecoder<B> {
  static constexpr std::size_t width = config.text.width, embed_dim = config.embed_dim;
  explicit Text(const std::string& path) : TextDecoder({config.text, config.embed_dim}, path) {}
};
template <coca::CoCaConfig config>
struct Decoder : coca::MultimodalDecoder<B> {
  static constexpr std::size_t width = config.multimodal.width,
                               image_token_width = config.caption_width();
  explicit Decoder(const std::string& path)
      : MultimodalDecoder({config.multimodal, config.text.vocab_size, config.caption_width()},
                          path) {}
};

inline constexpr coca::CoCaConfig other_embed_dim = [] {
  coca::CoCaConfig config = small;
  config.embed_dim = 64;
  return config;
}();
