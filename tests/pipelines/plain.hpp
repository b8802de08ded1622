#pragma once
/// @file
/// The variant coca_plain of tests/data/variants, and models that nearly fit it.

#include <optional>
#include <string>

#include "coca/io/open_checkpoint.hpp"
#include "coca/models/config.hpp"

namespace coca::testing {

/// "coca_plain" of tests/data/variants/configs.json
inline constexpr CoCaConfig plain{
    .embed_dim = 32,
    .vision =
        {.image_size = 32, .patch_size = 8, .width = 48, .layers = 2, .heads = 3, .mlp_width = 192},
    .pooling = {.kind = Pooling::single, .queries = 9, .heads = 4},
    .text = {.context_length = 15,
             .vocab_size = 512,
             .width = 32,
             .layers = 2,
             .heads = 4,
             .mlp_width = 128},
    .multimodal = {.width = 32, .layers = 2, .heads = 4, .mlp_width = 128},
};

/// "clip_vit" of the same file
inline constexpr ClipConfig plain_clip{
    .embed_dim = 32,
    .vision = plain.vision,
    .text = plain.text,
};

/// A file of tests/data/variants: weights w.*, inputs x.*, outputs y.*.
inline Checkpoint variant(const std::string& name) {
  return open_checkpoint(std::string(COCA_TEST_DATA) + "/variants/" + name + ".safetensors");
}

/// The weights of a variant under the models' names, with `prefix`.
inline Checkpoint variant_weights(const std::string& name, const std::string& prefix = "") {
  return variant(name).renamed([&](const std::string& stored) -> std::optional<std::string> {
    if (!stored.starts_with("w.")) return std::nullopt;
    const std::string own = stored.substr(2);
    const bool text = !own.starts_with("visual.") && own != "logit_scale";
    return (text ? prefix : "") + own;
  });
}

}  // namespace coca::testing
