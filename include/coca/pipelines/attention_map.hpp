#pragma once
/// @file
/// Where a captioner attended for each word.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/models/runtime_model.hpp"
#include "coca/pipelines/encode.hpp"

namespace coca {

/// Weights of the patches of a picture for one word, [side, side], summing to at most 1.
struct AttentionMap {
  std::size_t side = 0;
  std::vector<float> weights;
};

namespace detail {

/// Mean over heads of probabilities [1, heads, queries, keys] -> [queries, keys]
template <Backend B>
std::vector<double> mean_over_heads(const Context<B>& context, const Array<B>& probabilities) {
  const Shape& shape = probabilities.shape();
  const auto values = context.to_host(probabilities);
  const std::size_t heads = shape[1], map = shape[2] * shape[3];
  std::vector<double> mean(map, 0);
  for (std::size_t h = 0; h < heads; ++h)
    for (std::size_t i = 0; i < map; ++i)
      mean[i] += static_cast<double>(values[h * map + i]) / static_cast<double>(heads);
  return mean;
}

/// Side of the largest square of patches among an encoder's tokens.
inline std::size_t patch_side(std::size_t tokens) {
  return static_cast<std::size_t>(std::sqrt(static_cast<double>(tokens)));
}

/// How caption tokens attend to the encoder's tokens, [caption tokens, encoder tokens]: the
/// pooler's attention; without an attentional pooler each caption token is a patch.
template <class Model>
std::vector<double> caption_token_spread(Context<typename Model::backend_type>& context,
                                         const Model& model,
                                         const Array<typename Model::backend_type>& encoded) {
  const std::size_t tokens = encoded.shape()[1];
  const std::size_t captions = model.pooler().tokens;
  if constexpr (requires { model.pooler().attention_map(context, encoded); }) {
    std::vector<double> map =
        mean_over_heads(context, model.pooler().attention_map(context, encoded));
    // The first query of a single pooler is the embedding's, not the captioner's.
    const std::size_t skipped = map.size() / tokens - captions;
    map.erase(map.begin(), map.begin() + static_cast<std::ptrdiff_t>(skipped * tokens));
    return map;
  } else {
    std::vector<double> identity(captions * tokens, 0);
    for (std::size_t i = 0; i < captions; ++i) identity[i * tokens + tokens - captions + i] = 1;
    return identity;
  }
}

}  // namespace detail

/// Where the decoder attended for each word of a caption: its cross-attention, averaged over layers
/// and heads, followed through the pooler back to the patches.
///
/// @param ids a caption, start token first
/// @return one map per word after the start token
/// @throws ArgumentError if the encoder's tokens are not a square of patches, with or without a
/// class token before it
template <class Model>
requires(!ConfiguredModel<Model>) std::vector<AttentionMap> attention_maps(
    Context<typename Model::backend_type>& context, const Model& model, const Pixels& picture,
    const std::vector<std::int32_t>& ids) {
  using B = typename Model::backend_type;
  if (ids.size() < 2) return {};
  const Array<B> encoded =
      model.image_encoder()(context, to_device(context, std::span<const Pixels>(&picture, 1)));
  const std::size_t tokens = encoded.shape()[1];
  const std::size_t side = detail::patch_side(tokens), first = tokens - side * side;
  if (first > 1)
    throw ArgumentError("the image encoder's " + counted(tokens, "token") +
                        " are not a square of patches, with or without a class token");
  const std::vector<double> spread = detail::caption_token_spread(context, model, encoded);
  const Array<B> image_tokens = model.pooler()(context, encoded).tokens;
  // The last id is output, not input.
  const Tokens read{{ids.begin(), ids.end() - 1}, 1, ids.size() - 1};
  const auto layers = model.multimodal_decoder().attention_maps(
      context, model.encode_text(context, read).tokens, image_tokens);
  const std::size_t captions = image_tokens.shape()[1];
  std::vector<double> looked(read.length * captions, 0);
  for (const Array<B>& layer : layers) {
    const std::vector<double> map = detail::mean_over_heads(context, layer);
    for (std::size_t i = 0; i < map.size(); ++i)
      looked[i] += map[i] / static_cast<double>(layers.size());
  }
  std::vector<AttentionMap> maps(read.length, {side, std::vector<float>(side * side, 0)});
  for (std::size_t word = 0; word < read.length; ++word)
    for (std::size_t c = 0; c < captions; ++c)
      for (std::size_t patch = 0; patch < side * side; ++patch)
        maps[word].weights[patch] +=
            static_cast<float>(looked[word * captions + c] * spread[c * tokens + first + patch]);
  return maps;
}

/// The same for a model whose configuration is part of its type.
template <ConfiguredModel Model>
std::vector<AttentionMap> attention_maps(Context<typename Model::backend_type>& context,
                                         const Model& model, const Pixels& picture,
                                         const std::vector<std::int32_t>& ids) {
  return attention_maps(context, as_runtime(model), picture, ids);
}

}  // namespace coca
