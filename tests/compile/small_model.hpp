#pragma once
/// @file
/// A small configuration that compiles, and the parts of its model. Each source next to this file
/// changes one thing.

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

template <coca::CoCaConfig config>
using Encoder = coca::VisionTransformer<config.vision, B>;
template <coca::CoCaConfig config>
using Text = coca::TextDecoder<config.text, config.embed_dim, B>;
template <coca::CoCaConfig config>
using Decoder =
    coca::MultimodalDecoder<config.multimodal, config.text.vocab_size, config.caption_width(), B>;
