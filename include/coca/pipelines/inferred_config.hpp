#pragma once
/// @file
/// What a checkpoint's tensors say about the model they are from.

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>

#include "coca/io/checkpoint.hpp"
#include "coca/pipelines/configuration.hpp"

namespace coca {

namespace detail {

/// Reads configuration values off the names and shapes of tensors.
class CheckpointShapes {
 public:
  explicit CheckpointShapes(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  bool has(const std::string& name) const { return checkpoint_.contains(name); }

  /// Extent of a tensor; -1 where there is none.
  int extent(const std::string& name, std::size_t axis) const {
    if (!has(name)) return -1;
    const Shape& shape = checkpoint_.tensor(name).shape;
    return axis < shape.rank() && shape[axis] < (1u << 30) ? static_cast<int>(shape[axis]) : -1;
  }

  /// How many blocks there are under a prefix.
  int layers(const std::string& prefix) const {
    int count = 0;
    while (has(prefix + std::to_string(count) + ".ln_1.weight")) ++count;
    return count;
  }

  template <class Tower>
  void read_tower(const std::string& blocks, Tower& tower) const {
    tower.layers = layers(blocks);
    tower.mlp_width = extent(blocks + "0.mlp.c_fc.weight", 0);
    tower.layer_scale = has(blocks + "0.ls_1.gamma");
    tower.heads = std::max(tower.width / 64, 1);  // no tensor tells; 64 wide is what all have
  }

 private:
  const Checkpoint& checkpoint_;
};

inline VisionConfig infer_vision(const CheckpointShapes& shapes) {
  VisionConfig vision;
  vision.width = shapes.extent("visual.conv1.weight", 0);
  vision.patch_size = shapes.extent("visual.conv1.weight", 3);
  const int patches = shapes.extent("visual.positional_embedding", 0) - 1;
  vision.image_size =
      static_cast<int>(std::lround(std::sqrt(std::max(patches, 0)))) * vision.patch_size;
  shapes.read_tower("visual.transformer.resblocks.", vision);
  return vision;
}

inline TextConfig infer_text(const CheckpointShapes& shapes, const std::string& prefix,
                             bool class_token) {
  TextConfig text;
  text.vocab_size = shapes.extent(prefix + "token_embedding.weight", 0);
  text.width = shapes.extent(prefix + "token_embedding.weight", 1);
  text.context_length = shapes.extent(prefix + "positional_embedding", 0) - (class_token ? 1 : 0);
  shapes.read_tower(prefix + "transformer.resblocks.", text);
  return text;
}

}  // namespace detail

/// The configuration that a checkpoint's shapes belong to. Numbers of heads and the activation
/// leave no trace in a checkpoint: a preset of the same shapes lends them, else heads are 64 wide.
/// @return nothing where the tensors are not those of a vision transformer with a text tower
inline std::optional<AnyConfig> infer_config(const Checkpoint& checkpoint) {
  const detail::CheckpointShapes shapes(checkpoint);
  const bool coca = shapes.has("text_decoder.ln_final.weight");
  const std::string prefix = shapes.has("text.token_embedding.weight") ? "text." : "";
  const VisionConfig vision = detail::infer_vision(shapes);
  const TextConfig text = detail::infer_text(shapes, prefix, coca);
  const int embed_dim = shapes.extent("visual.proj", 1);
  const bool whole = vision.width > 0 && vision.patch_size > 0 && vision.image_size > 0 &&
                     vision.layers > 0 && text.width > 0 && text.vocab_size > 0 &&
                     text.layers > 0 && embed_dim > 0;
  if (!whole) return std::nullopt;
  if (!coca) return ClipConfig{.embed_dim = embed_dim, .vision = vision, .text = text};

  CoCaConfig config{.embed_dim = embed_dim, .vision = vision, .text = text};
  config.pooling.kind = Pooling::class_token;
  if (shapes.has("visual.attn_pool.query")) {
    config.pooling.queries = shapes.extent("visual.attn_pool.query", 0);
    const int contrastive_keys = shapes.extent("visual.attn_pool_contrastive.ln_k.weight", 0);
    config.pooling.kind = contrastive_keys < 0            ? Pooling::single
                          : contrastive_keys == embed_dim ? Pooling::cascade
                                                          : Pooling::parallel;
  }
  config.multimodal.width = shapes.extent("text_decoder.ln_final.weight", 0);
  config.multimodal.design = shapes.has("text_decoder.cross_attn.0.ln_1.weight")
                                 ? MultimodalDesign::open_clip
                                 : MultimodalDesign::paper;
  shapes.read_tower("text_decoder.resblocks.", config.multimodal);
  return config;
}

namespace detail {

template <class Tower>
void lend_unseen(const Tower& from, Tower& to) {
  to.heads = from.heads;
  to.activation = from.activation;
}

// Copies what shapes don't show from a preset.
inline CoCaConfig with_unseen_of(CoCaConfig config, const CoCaConfig& preset) {
  lend_unseen(preset.vision, config.vision);
  lend_unseen(preset.text, config.text);
  lend_unseen(preset.multimodal, config.multimodal);
  config.pooling.heads = preset.pooling.heads;
  const bool same_width = config.vision.width == config.embed_dim;
  const bool dual =
      config.pooling.kind == Pooling::parallel || config.pooling.kind == Pooling::cascade;
  if (same_width && dual) config.pooling.kind = preset.pooling.kind;
  if (config.pooling.kind == Pooling::class_token) config.pooling.queries = preset.pooling.queries;
  return config;
}
inline ClipConfig with_unseen_of(ClipConfig config, const ClipConfig& preset) {
  lend_unseen(preset.vision, config.vision);
  lend_unseen(preset.text, config.text);
  return config;
}

}  // namespace detail

/// Whether a checkpoint whose shapes belong to `inferred` (see infer_config) fits a configuration.
inline bool has_shapes_of(const AnyConfig& inferred, const AnyConfig& config) {
  return std::visit(
      [](const auto& found, const auto& known) {
        if constexpr (std::is_same_v<decltype(found), decltype(known)>)
          return detail::with_unseen_of(found, known) == known;
        else
          return false;
      },
      inferred, config);
}

/// Says which preset a checkpoint fits or, where none does, which configuration it needs.
inline std::string fitting_config_sentence(const Checkpoint& checkpoint) {
  const std::optional<AnyConfig> config = infer_config(checkpoint);
  if (!config) return "They are not those of a CoCa or CLIP with a vision transformer.";
  for (const NamedPreset& preset : named_presets())
    if (has_shapes_of(*config, preset.config))
      return "They fit the preset " + std::string(preset.name) + ".";
  return "They fit no preset; this configuration would (numbers of heads are a guess):\n" +
         config_definition(*config, "my_model");
}

}  // namespace coca
