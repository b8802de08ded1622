#pragma once
/// @file
/// The vision transformer: a picture in, one token per patch and, if there is one, a class token
/// out.

#include <cstddef>
#include <optional>
#include <string>

#include "coca/models/block_options.hpp"
#include "coca/models/config_rules.hpp"
#include "coca/nn/block_stack.hpp"
#include "coca/nn/layer_norm.hpp"
#include "coca/nn/patch_embedding.hpp"
#include "coca/nn/transformer_block.hpp"

namespace coca {

/// An ImageEncoder: pixels [batch, 3, image_size, image_size] -> [batch, tokens, width].
/// Patch embedding, class token, positions, `ln_pre`, pre-norm blocks (Dosovitskiy et al. 2021,
/// CLIP); class token and `ln_pre` as the configuration says. The last norm is the pooler's.
template <Backend B>
class VisionTransformer {
 public:
  using backend_type = B;
  using Options = VisionConfig;

  std::size_t image_size;    ///< side in pixels
  std::size_t tokens;        ///< patches and the class token
  std::size_t class_tokens;  ///< how many precede the patches: 1 or 0
  std::size_t width;

  /// @param path prefix of all parameters, "visual" in OpenCLIP's checkpoints
  /// @throws ArgumentError for a configuration that does not fit together.
  explicit VisionTransformer(const VisionConfig& config, const std::string& path = "visual")
      : image_size(detail::size(checked(config).image_size)),
        tokens(detail::size(config.tokens())),
        class_tokens(config.class_token ? 1 : 0),
        width(detail::size(config.width)),
        embedding_(ParameterPath(path, detail::size(config.layers) + 1),
                   {.image_size = image_size,
                    .patch_size = detail::size(config.patch_size),
                    .width = width,
                    .bias = config.patch_bias,
                    .class_token = config.class_token}),
        blocks_(detail::transformer_blocks<B>(path + ".", config, MatrixUse::many_rows)) {
    if (!config.no_ln_pre)
      ln_pre_.emplace(ParameterPath(path + ".ln_pre", detail::size(config.layers) + 1), width,
                      LayerNormOptions{.epsilon = config.norm_epsilon.value()});
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
    visit_parameters(visit, self.embedding_, self.ln_pre_, self.blocks_);
  }

 private:
  Array<B> transform(Context<B>& context, const Array<B>& embedded) const {
    return blocks_(context, ln_pre_ ? (*ln_pre_)(context, embedded) : embedded,
                   [&context](const TransformerBlock<B>& block, const Array<B>& x) {
                     return block(context, x, AttentionMask<B>{});
                   });
  }

  PatchEmbedding<B> embedding_;
  std::optional<LayerNorm<B>> ln_pre_;
  BlockStack<B, TransformerBlock<B>> blocks_;
};

}  // namespace coca
