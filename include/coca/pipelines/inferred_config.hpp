#pragma once
/// @file
/// What a checkpoint's tensors say about the model they are from.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "coca/io/checkpoint.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/configuration.hpp"

namespace coca {

/// Names and shapes of tensors.
using TensorShapes = std::map<std::string, Shape, std::less<>>;

/// The tensors of a checkpoint.
inline TensorShapes tensor_shapes(const Checkpoint& checkpoint) {
  TensorShapes shapes;
  for (const std::string& name : checkpoint.names())
    shapes.emplace(name, checkpoint.tensor(name).shape);
  return shapes;
}

/// The tensors that a model expects.
template <class Model>
TensorShapes tensor_shapes(const Model& model) {
  TensorShapes shapes;
  for_each_parameter(
      model, [&](const auto& parameter) { shapes.emplace(parameter.path(), parameter.shape()); });
  return shapes;
}

/// The longest prefix up to a dot that all names share, such as "module." or "model.", which
/// wrappers add to a model's own names. "" if there is none.
inline std::string common_prefix(const Checkpoint& checkpoint) {
  const std::vector<std::string> names = checkpoint.names();
  if (names.empty()) return "";
  const std::string &first = names.front(), &last = names.back();  // of sorted names
  const auto end = std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first;
  const std::string shared(first.begin(), end);
  return shared.substr(0, shared.rfind('.') + 1);
}

namespace detail {

/// Infers configuration values from the names and shapes of tensors.
class ShapeReader {
 public:
  explicit ShapeReader(const TensorShapes& shapes) : shapes_(shapes) {}

  bool has(const std::string& name) const { return shapes_.contains(name); }

  /// Extent of a tensor; -1 if there is none.
  int extent(const std::string& name, std::size_t axis) const {
    const auto found = shapes_.find(name);
    if (found == shapes_.end()) return -1;
    const Shape& shape = found->second;
    return axis < shape.rank() && shape[axis] < (1u << 30) ? static_cast<int>(shape[axis]) : -1;
  }

  /// Number of blocks under a prefix.
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
    tower.heads =
        std::max(tower.width / 64, 1);  // not visible in tensors; all models have width 64
  }

 private:
  const TensorShapes& shapes_;
};

inline VisionConfig infer_vision(const ShapeReader& shapes) {
  VisionConfig vision;
  vision.width = shapes.extent("visual.conv1.weight", 0);
  vision.patch_size = shapes.extent("visual.conv1.weight", 3);
  vision.patch_bias = shapes.has("visual.conv1.bias");
  vision.class_token = shapes.has("visual.class_embedding");
  vision.no_ln_pre = !shapes.has("visual.ln_pre.weight");
  const int patches =
      shapes.extent("visual.positional_embedding", 0) - (vision.class_token ? 1 : 0);
  vision.image_size =
      static_cast<int>(std::lround(std::sqrt(std::max(patches, 0)))) * vision.patch_size;
  shapes.read_tower("visual.transformer.resblocks.", vision);
  return vision;
}

inline TextConfig infer_text(const ShapeReader& shapes, const std::string& prefix,
                             bool class_token) {
  TextConfig text;
  text.vocab_size = shapes.extent(prefix + "token_embedding.weight", 0);
  text.width = shapes.extent(prefix + "token_embedding.weight", 1);
  text.context_length = shapes.extent(prefix + "positional_embedding", 0) - (class_token ? 1 : 0);
  shapes.read_tower(prefix + "transformer.resblocks.", text);
  text.proj_bias = shapes.has(prefix + "text_projection.bias");
  return text;
}

/// Width of the embeddings. Where the projection of pictures is missing, that of texts shows it.
/// @param prefix of the text tower
inline int infer_embed_dim(const ShapeReader& shapes, const std::string& prefix, int image_width) {
  if (shapes.has("visual.proj")) return shapes.extent("visual.proj", 1);
  if (const int dim = shapes.extent(prefix + "text_projection", 1); dim > 0) return dim;
  if (const int dim = shapes.extent(prefix + "text_projection.weight", 0); dim > 0) return dim;
  return image_width;
}

/// Two poolers over tokens as wide as the embedding look alike: parallel and cascade. A model
/// without projection has embeddings as wide as its encoder; where they are not, the weight is
/// lost.
inline PoolingConfig infer_pooling(const ShapeReader& shapes, const VisionConfig& vision,
                                   int embed_dim) {
  PoolingConfig pooling{.kind = vision.class_token ? Pooling::class_token : Pooling::mean};
  pooling.projection = shapes.has("visual.proj") || embed_dim != vision.width;
  if (shapes.has("visual.attn_pool.mlp.c_fc.weight")) {
    pooling.kind = Pooling::map_head;
  } else if (shapes.has("visual.attn_pool.query")) {
    pooling.projection = true;
    const int contrastive_keys = shapes.extent("visual.attn_pool_contrastive.ln_k.weight", 0);
    pooling.queries = shapes.extent("visual.attn_pool.query", 0);
    pooling.kind = contrastive_keys < 0            ? Pooling::single
                   : contrastive_keys == embed_dim ? Pooling::cascade
                                                   : Pooling::parallel;
  }
  return pooling;
}

}  // namespace detail

/// The configuration that shapes belong to. Numbers of heads and the activation leave no trace in a
/// checkpoint: heads are taken to be 64 wide, the activation to be that of a new configuration.
/// @return nothing if the tensors are not those of a vision transformer with a text tower
inline std::optional<AnyConfig> infer_config(const TensorShapes& tensors) {
  const detail::ShapeReader shapes(tensors);
  const bool coca = shapes.has("text_decoder.ln_final.weight");
  const std::string prefix = shapes.has("text.token_embedding.weight") ? "text." : "";
  const VisionConfig vision = detail::infer_vision(shapes);
  const TextConfig text = detail::infer_text(shapes, prefix, coca);
  const int embed_dim = detail::infer_embed_dim(shapes, prefix, vision.width);
  const PoolingConfig pooling = detail::infer_pooling(shapes, vision, embed_dim);
  const bool whole = vision.width > 0 && vision.patch_size > 0 && vision.image_size > 0 &&
                     vision.layers > 0 && text.width > 0 && text.vocab_size > 0 &&
                     text.layers > 0 && embed_dim > 0;
  if (!whole) return std::nullopt;
  if (!coca)
    return ClipConfig{.embed_dim = embed_dim, .vision = vision, .pooling = pooling, .text = text};

  CoCaConfig config{.embed_dim = embed_dim, .vision = vision, .pooling = pooling, .text = text};
  config.multimodal.width = shapes.extent("text_decoder.ln_final.weight", 0);
  config.multimodal.design = shapes.has("text_decoder.cross_attn.0.ln_1.weight")
                                 ? MultimodalDesign::open_clip
                                 : MultimodalDesign::paper;
  shapes.read_tower("text_decoder.resblocks.", config.multimodal);
  return config;
}

/// The configuration that a checkpoint's shapes belong to, whatever prefix all names share.
inline std::optional<AnyConfig> infer_config(const Checkpoint& checkpoint) {
  return infer_config(tensor_shapes(checkpoint.with_prefix_removed(common_prefix(checkpoint))));
}

namespace detail {

// Copies what shapes don't show from a preset.
template <ConfigPart Config>
Config with_unseen_of(Config config, const Config& preset) {
  config = with_fields_of(config, preset,
                          [](const FieldInfo& field) { return field.kind != FieldKind::shape; });
  const auto pools_by_shape = [](const PoolingConfig& pooling) {
    return pooling.kind != Pooling::class_token && pooling.kind != Pooling::mean;
  };
  if constexpr (requires { config.pooling; }) {
    if (!pools_by_shape(config.pooling) && !pools_by_shape(preset.pooling))
      config.pooling.kind = preset.pooling.kind;
    if (!is_attentional(config.pooling.kind)) config.pooling.queries = preset.pooling.queries;
  }
  if constexpr (std::is_same_v<Config, CoCaConfig>) {
    const bool same_width = config.vision.width == config.embed_dim;
    const bool dual =
        config.pooling.kind == Pooling::parallel || config.pooling.kind == Pooling::cascade;
    if (same_width && dual) config.pooling.kind = preset.pooling.kind;
  }
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

/// The first preset that has the sizes of a checkpoint, if there is one.
/// @param inferred see infer_config
inline std::optional<std::string_view> preset_with_shapes(const AnyConfig& inferred) {
  for (const NamedPreset& preset : named_presets())
    if (has_shapes_of(inferred, preset.config)) return preset.name;
  for (const NamedPreset& preset : open_clip_presets())
    if (has_shapes_of(inferred, preset.config)) return preset.name;
  return std::nullopt;
}

/// The C++ definition of an inferred configuration, in which everything that leaves no trace in a
/// checkpoint is marked as guessed.
inline std::string guessed_config_definition(const AnyConfig& inferred, std::string_view name) {
  return detail::definition(inferred, name, true);
}

}  // namespace coca
