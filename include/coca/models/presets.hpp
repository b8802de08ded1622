#pragma once
/// @file
/// The published configurations.

#include "coca/models/config.hpp"

namespace coca::presets {

/// OpenCLIP's `coca_ViT-B-32`.
inline constexpr CoCaConfig coca_vit_b_32{
    .embed_dim = 512,
    .vision = {.patch_size = 32},
    .pooling = {},
    .text = {.context_length = 76},
    .multimodal = {},
};

/// OpenCLIP's `coca_ViT-L-14`.
inline constexpr CoCaConfig coca_vit_l_14{
    .embed_dim = 768,
    .vision = {.patch_size = 14, .width = 1024, .layers = 24, .heads = 16, .mlp_width = 4096},
    .pooling = {},
    .text = {.context_length = 76, .width = 768, .heads = 12, .mlp_width = 3072},
    .multimodal = {.width = 768, .heads = 12, .mlp_width = 3072},
};

/// OpenCLIP's `coca_base`, which has no pooler: the captioner sees the patches.
inline constexpr CoCaConfig coca_base{
    .embed_dim = 512,
    .vision = {.image_size = 288, .patch_size = 18},
    .pooling = {.kind = Pooling::class_token},
    .text =
        {.context_length = 76, .vocab_size = 64000, .width = 768, .heads = 12, .mlp_width = 3072},
    .multimodal = {.width = 768, .heads = 12, .mlp_width = 3072},
};

/// The paper's CoCa-Base, 383M (arXiv 2205.01917, table 1).
inline constexpr CoCaConfig paper_coca_base{
    .embed_dim = 768,
    .vision = {.image_size = 288, .patch_size = 18},
    .pooling = {.kind = Pooling::cascade, .heads = 12},
    .text =
        {.context_length = 64, .vocab_size = 64000, .width = 768, .heads = 12, .mlp_width = 3072},
    .multimodal = {.width = 768, .heads = 12, .mlp_width = 3072, .design = MultimodalDesign::paper},
};

/// The paper's CoCa-Large, 787M.
inline constexpr CoCaConfig paper_coca_large{
    .embed_dim = 1024,
    .vision = {.image_size = 288,
               .patch_size = 18,
               .width = 1024,
               .layers = 24,
               .heads = 16,
               .mlp_width = 4096},
    .pooling = {.kind = Pooling::cascade, .heads = 16},
    .text =
        {.context_length = 64, .vocab_size = 64000, .width = 1024, .heads = 16, .mlp_width = 4096},
    .multimodal = {.width = 1024,
                   .heads = 16,
                   .mlp_width = 4096,
                   .design = MultimodalDesign::paper},
};

/// The paper's CoCa, 2.1B.
inline constexpr CoCaConfig paper_coca{
    .embed_dim = 1408,
    .vision = {.image_size = 288,
               .patch_size = 18,
               .width = 1408,
               .layers = 40,
               .heads = 16,
               .mlp_width = 6144},
    .pooling = {.kind = Pooling::cascade, .heads = 16},
    .text = {.context_length = 64,
             .vocab_size = 64000,
             .width = 1408,
             .layers = 18,
             .heads = 16,
             .mlp_width = 5632},
    .multimodal = {.width = 1408,
                   .layers = 18,
                   .heads = 16,
                   .mlp_width = 5632,
                   .design = MultimodalDesign::paper},
};

/// CLIP ViT-B/32. OpenAI's own weights need quick_gelu(clip_vit_b_32).
inline constexpr ClipConfig clip_vit_b_32{
    .embed_dim = 512, .vision = {.patch_size = 32}, .text = {}};

/// CLIP ViT-B/16.
inline constexpr ClipConfig clip_vit_b_16{
    .embed_dim = 512, .vision = {.patch_size = 16}, .text = {}};

/// CLIP ViT-L/14.
inline constexpr ClipConfig clip_vit_l_14{
    .embed_dim = 768,
    .vision = {.patch_size = 14, .width = 1024, .layers = 24, .heads = 16, .mlp_width = 4096},
    .text = {.width = 768, .heads = 12, .mlp_width = 3072},
};

/// The same configuration with QuickGELU in every perceptron.
constexpr ClipConfig quick_gelu(ClipConfig config) {
  config.vision.activation = Activation::quick_gelu;
  config.text.activation = Activation::quick_gelu;
  return config;
}

/// The same configuration with QuickGELU in every perceptron.
constexpr CoCaConfig quick_gelu(CoCaConfig config) {
  config.vision.activation = Activation::quick_gelu;
  config.text.activation = Activation::quick_gelu;
  config.multimodal.activation = Activation::quick_gelu;
  return config;
}

}  // namespace coca::presets
