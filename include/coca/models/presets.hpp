#pragma once
/// @file
/// The published configurations: as values for the compiler, and by name.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

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

namespace detail {

/// One of OpenCLIP's vision transformers, with heads of width 64 by default.
constexpr VisionConfig vision(int patch_size, int width, int layers, int image_size = 224) {
  return {.image_size = image_size,
          .patch_size = patch_size,
          .width = width,
          .layers = layers,
          .heads = width / 64,
          .mlp_width = 4 * width};
}

/// A larger one, with given numbers of heads and widths of perceptrons.
constexpr VisionConfig vision(VisionConfig config, int heads, int mlp_width) {
  config.heads = heads;
  config.mlp_width = mlp_width;
  return config;
}

/// One of OpenCLIP's CLIPs: its text tower is as wide as the embedding, with heads of width 64.
constexpr ClipConfig clip(int embed_dim, const VisionConfig& vision, int text_layers = 12) {
  return {.embed_dim = embed_dim,
          .vision = vision,
          .text = {.width = embed_dim,
                   .layers = text_layers,
                   .heads = embed_dim / 64,
                   .mlp_width = 4 * embed_dim}};
}

constexpr VisionConfig with_layer_scale(VisionConfig config, double initial) {
  config.layer_scale = true;
  config.layer_scale_init = initial;
  return config;
}

inline constexpr VisionConfig huge_14 = vision(vision(14, 1280, 32), 16, 5120);
inline constexpr VisionConfig huge_14_378 = vision(vision(14, 1280, 32, 378), 16, 5120);
inline constexpr ClipConfig clip_huge_14 = clip(1024, huge_14, 24);
inline constexpr ClipConfig clip_huge_14_378 = clip(1024, huge_14_378, 24);
inline constexpr ClipConfig clip_large_14_336 = clip(768, vision(14, 1024, 24, 336));
inline constexpr VisionConfig big_g_14 = vision(vision(14, 1664, 48), 16, 8192);
inline constexpr VisionConfig big_g_14_336 = vision(vision(14, 1664, 48, 336), 16, 8192);
inline constexpr VisionConfig big_g_14_378 = vision(vision(14, 1664, 48, 378), 16, 8192);
inline constexpr ClipConfig clip_big_g_14 = clip(1280, big_g_14, 32);

/// One of CLIPA's (Li et al. 2023, arXiv 2305.07017): the mean of the patches, and texts of 32
/// words of BERT's vocabulary that all see each other.
constexpr ClipConfig clipa(int embed_dim, VisionConfig vision, int text_layers = 12) {
  vision.no_ln_pre = true;
  ClipConfig config = clip(embed_dim, vision, text_layers);
  config.pooling = {.kind = Pooling::mean, .final_ln_after_pool = true};
  config.text.context_length = 32;
  config.text.vocab_size = 32000;
  config.text.no_causal_mask = true;
  config.text.pool_type = TextPooling::last;
  return config;
}

/// One of MetaCLIP's for all languages (Chuang et al. 2025, arXiv 2507.22062), with the vocabulary
/// of XLM-V.
constexpr ClipConfig worldwide(ClipConfig config) {
  config.text.vocab_size = 901629;
  config.text.pool_type = TextPooling::eos;
  return config;
}

}  // namespace detail

}  // namespace coca::presets

namespace coca {

/// A configuration and the name that messages, programs and files call it by.
struct NamedPreset {
  std::string_view name;
  AnyConfig config;
  std::string_view tokenizer{};  ///< on Hugging Face; empty: CLIP's
  bool strip_sep_token = false;  ///< see NamedTokenizer
};

/// All presets of the library, and OpenAI's variants with QuickGELU.
inline const std::array<NamedPreset, 12>& named_presets() {
  static const std::array<NamedPreset, 12> all{{
      {"coca_vit_b_32", presets::coca_vit_b_32},
      {"coca_vit_l_14", presets::coca_vit_l_14},
      {"coca_base", presets::coca_base},
      {"paper_coca_base", presets::paper_coca_base},
      {"paper_coca_large", presets::paper_coca_large},
      {"paper_coca", presets::paper_coca},
      {"clip_vit_b_32", presets::clip_vit_b_32},
      {"clip_vit_b_16", presets::clip_vit_b_16},
      {"clip_vit_l_14", presets::clip_vit_l_14},
      {"quick_gelu(clip_vit_b_32)", presets::quick_gelu(presets::clip_vit_b_32)},
      {"quick_gelu(clip_vit_b_16)", presets::quick_gelu(presets::clip_vit_b_16)},
      {"quick_gelu(clip_vit_l_14)", presets::quick_gelu(presets::clip_vit_l_14)},
  }};
  return all;
}

/// OpenCLIP's configurations with its own vision transformers, under its names.
inline const std::array<NamedPreset, 46>& open_clip_presets() {
  using namespace presets;
  using presets::detail::clip, presets::detail::vision;
  using presets::detail::clipa, presets::detail::worldwide;
  constexpr std::string_view bert = "bert-base-uncased", xlm_v = "facebook/xlm-v-base";
  static const std::array<NamedPreset, 46> all{{
      {"coca_ViT-B-32", coca_vit_b_32},
      {"coca_ViT-L-14", coca_vit_l_14},
      {"coca_base", coca_base},
      {"ViT-B-32", clip_vit_b_32},
      {"ViT-B-32-quickgelu", quick_gelu(clip_vit_b_32)},
      {"ViT-B-32-256", clip(512, vision(32, 768, 12, 256))},
      {"ViT-B-32-plus-256", clip(640, vision(32, 896, 12, 256))},
      {"ViT-B-16", clip_vit_b_16},
      {"ViT-B-16-quickgelu", quick_gelu(clip_vit_b_16)},
      {"ViT-B-16-plus", clip(640, vision(16, 896, 12))},
      {"ViT-B-16-plus-240", clip(640, vision(16, 896, 12, 240))},
      {"ViT-L-14", clip_vit_l_14},
      {"ViT-L-14-quickgelu", quick_gelu(clip_vit_l_14)},
      {"ViT-L-14-280", clip(768, vision(14, 1024, 24, 280))},
      {"ViT-L-14-336", presets::detail::clip_large_14_336},
      {"ViT-L-14-336-quickgelu", quick_gelu(presets::detail::clip_large_14_336)},
      {"ViT-L-16", clip(768, vision(16, 1024, 24))},
      {"ViT-L-16-320", clip(768, vision(16, 1024, 24, 320))},
      {"ViT-H-14", presets::detail::clip_huge_14},
      {"ViT-H-14-quickgelu", quick_gelu(presets::detail::clip_huge_14)},
      {"ViT-H-14-378", presets::detail::clip_huge_14_378},
      {"ViT-H-14-378-quickgelu", quick_gelu(presets::detail::clip_huge_14_378)},
      {"ViT-H-16", clip(1024, vision(vision(16, 1280, 32), 16, 5120), 24)},
      {"ViT-g-14", clip(1024, vision(vision(14, 1408, 40), 16, 6144), 24)},
      {"ViT-bigG-14", presets::detail::clip_big_g_14},
      {"ViT-bigG-14-quickgelu", quick_gelu(presets::detail::clip_big_g_14)},
      {"ViT-e-14", clip(1280, vision(vision(14, 1792, 56), 16, 15360), 36)},
      {"ViT-M-32", clip(512, vision(32, 512, 12))},
      {"ViT-M-32-alt", clip(384, vision(32, 512, 12))},
      {"ViT-M-16", clip(512, vision(16, 512, 12))},
      {"ViT-M-16-alt", clip(384, presets::detail::with_layer_scale(vision(16, 512, 12), 1e-4))},
      {"ViT-S-32", clip(384, vision(32, 384, 12))},
      {"ViT-S-32-alt", clip(256, vision(32, 384, 12), 10)},
      {"ViT-S-16", clip(384, vision(16, 384, 12))},
      {"ViT-S-16-alt", clip(256, vision(16, 384, 12), 10)},
      {"ViT-L-14-CLIPA", clipa(768, vision(14, 1024, 24)), bert, true},
      {"ViT-L-14-CLIPA-336", clipa(768, vision(14, 1024, 24, 336)), bert, true},
      {"ViT-H-14-CLIPA", clipa(1024, presets::detail::huge_14, 24), bert, true},
      {"ViT-H-14-CLIPA-336", clipa(1024, vision(vision(14, 1280, 32, 336), 16, 5120), 24), bert,
       true},
      {"ViT-bigG-14-CLIPA", clipa(1280, presets::detail::big_g_14, 32), bert, true},
      {"ViT-bigG-14-CLIPA-336", clipa(1280, presets::detail::big_g_14_336, 32), bert, true},
      {"ViT-H-14-worldwide", worldwide(presets::detail::clip_huge_14), xlm_v},
      {"ViT-H-14-worldwide-quickgelu", worldwide(quick_gelu(presets::detail::clip_huge_14)), xlm_v},
      {"ViT-H-14-worldwide-378", worldwide(presets::detail::clip_huge_14_378), xlm_v},
      {"ViT-bigG-14-worldwide", worldwide(presets::detail::clip_big_g_14), xlm_v},
      {"ViT-bigG-14-worldwide-378", worldwide(clip(1280, presets::detail::big_g_14_378, 32)),
       xlm_v},
  }};
  return all;
}

/// OpenCLIP takes OpenAI's spelling too: "ViT-B/32" is "ViT-B-32".
inline std::string preset_spelling(std::string name) {
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

}  // namespace coca
