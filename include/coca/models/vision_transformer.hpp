#pragma once
/// @file
/// The vision transformer: a picture in, one token per patch and a class token out.

#include <cstddef>
#include <string>
#include <vector>

#include "coca/autograd/recompute.hpp"
#include "coca/models/block_options.hpp"
#include "coca/models/config.hpp"
#include "coca/nn/layer_norm.hpp"
#include "coca/nn/patch_embedding.hpp"
#include "coca/nn/transformer_block.hpp"

namespace coca {

/// An ImageEncoder: pixels [batch, 3, image_size, image_size] -> [batch, tokens, width].
/// Patch embedding, class token, positions, `ln_pre`, pre-norm blocks (Dosovitskiy et al. 2021,
/// CLIP).
template <VisionConfig config, Backend B>
class VisionTransformer {
  static_assert(config.image_size > 0 && config.patch_size > 0 &&
                    config.image_size % config.patch_size == 0,
                "VisionConfig: image_size must be a multiple of patch_size");
  static_assert(config.width > 0 && config.heads > 0 && config.width % config.heads == 0,
                "VisionConfig: width must be a multiple of heads");
  static_assert(config.layers > 0 && config.mlp_width > 0,
                "VisionConfig: layers and mlp_width must be positive");

 public:
  using backend_type = B;
  static constexpr std::size_t image_size = detail::size(config.image_size);
  static constexpr std::size_t tokens = detail::size(config.tokens());
  static constexpr std::size_t width = detail::size(config.width);

  /// @param path prefix of all parameters, "visual" in OpenCLIP's checkpoints
  explicit VisionTransformer(const std::string& path = "visual")
      : embedding_(path, {.image_size = image_size,
                          .patch_size = detail::size(config.patch_size),
                          .width = width}),
        ln_pre_(path + ".ln_pre", width) {
    const BlockOptions options = detail::block_options(config, MatrixUse::many_rows);
    for (int layer = 0; layer < config.layers; ++layer)
      blocks_.emplace_back(path + ".transformer.resblocks." + std::to_string(layer), options);
  }

  /// pixels [batch, 3, image_size, image_size] -> [batch, tokens, width], the class token first
  /// @throws ShapeError for pictures of another size.
  Array<B> operator()(Context<B>& context, const Array<B>& pixels) const {
    return transform(context, embedding_(context, pixels));
  }

  /// The same for only some of the tokens, as in training with patch dropout.
  /// @param kept_tokens [batch, kept], rows of [batch * tokens]
  /// -> [batch, kept, width]
  Array<B> operator()(Context<B>& context, const Array<B>& pixels,
                      const Indices<B>& kept_tokens) const {
    const Shape& kept = kept_tokens.shape();
    if (kept.rank() != 2 || kept[0] != pixels.shape()[0])
      throw ShapeError("kept tokens " + to_string(kept) + " are not those of pixels " +
                       to_string(pixels.shape()));
    return transform(context, gather_rows(context, embedding_(context, pixels), kept_tokens)
                                  .reshaped({kept[0], kept[1], width}));
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    PatchEmbedding<B>::for_each_parameter(self.embedding_, visit);
    LayerNorm<B>::for_each_parameter(self.ln_pre_, visit);
    for (auto& block : self.blocks_) TransformerBlock<B>::for_each_parameter(block, visit);
  }

 private:
  Array<B> transform(Context<B>& context, const Array<B>& embedded) const {
    Array<B> x = ln_pre_(context, embedded);
    for (const auto& block : blocks_)
      x = recomputed(context, x, [&context, &block](const Array<B>& input) {
        return block(context, input, AttentionMask<B>{});
      });
    return x;
  }

  PatchEmbedding<B> embedding_;
  LayerNorm<B> ln_pre_;
  std::vector<TransformerBlock<B>> blocks_;
};

}  // namespace coca
