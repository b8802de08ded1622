#pragma once
/// @file
/// CLIP (arXiv 2103.00020): an image encoder and a text encoder with a shared embedding space.

#include <concepts>
#include <cstddef>
#include <utility>

#include "coca/models/concepts.hpp"
#include "coca/models/contrastive_logits.hpp"
#include "coca/models/vision_transformer.hpp"

namespace coca {

/// Any image encoder, pooler and text encoder that fit together.
template <ImageEncoder Encoder, Pooler PoolerType, TextEncoder Text>
class ClipModel {
  static_assert(std::same_as<typename PoolerType::backend_type, typename Encoder::backend_type> &&
                    std::same_as<typename Text::backend_type, typename Encoder::backend_type>,
                "ClipModel: all components must have the same backend");
  static_assert(Encoder::width == PoolerType::input_width,
                "ClipModel: the pooler's input_width must equal the image encoder's width");
  static_assert(PoolerType::embed_dim == Text::embed_dim,
                "ClipModel: pooler and text encoder must have the same embed_dim");

 public:
  using backend_type = typename Encoder::backend_type;
  using B = backend_type;
  static constexpr std::size_t image_size = Encoder::image_size;
  static constexpr std::size_t embed_dim = Text::embed_dim;
  static constexpr std::size_t context_length = Text::context_length;
  static constexpr std::size_t vocab_size = Text::vocab_size;

  /// A model without weights: load them, or call initialize.
  explicit ClipModel(B backend = B{})
      : backend_(std::move(backend)), encoder_("visual"), pooler_("visual"), text_("") {}

  const B& backend() const noexcept { return backend_; }
  const Encoder& image_encoder() const noexcept { return encoder_; }
  const PoolerType& pooler() const noexcept { return pooler_; }
  const Text& text_encoder() const noexcept { return text_; }
  /// Logarithm of the factor between cosine similarities and logits, a scalar.
  const Array<B>& logit_scale() const { return logits_.scale(); }
  /// Whether the similarities also have SigLIP's bias.
  bool has_logit_bias() const noexcept { return logits_.has_bias(); }
  /// The bias added to the logits, a scalar. @throws Error if there is none.
  const Array<B>& logit_bias() const { return logits_.bias(); }
  /// Adds SigLIP's bias to the model, a parameter like the others, initially -10. Call it before a
  /// Trainable binds the parameters; a model that has one is unchanged.
  void add_logit_bias() { logits_.add_bias(backend_); }

  /// pixels [batch, 3, image_size, image_size] -> embedding [batch, embed_dim]
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels) const {
    const PooledTokens<B> pooled = pooler_(context, encoder_(context, pixels));
    return {pooled.pooled, l2_normalize(context, pooled.pooled), {}};
  }

  /// tokens [batch, length], padded -> embedding [batch, embed_dim]
  TextFeatures<B> encode_text(Context<B>& context, const Tokens& tokens) const {
    return text_(context, tokens);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    Encoder::for_each_parameter(self.encoder_, visit);
    PoolerType::for_each_parameter(self.pooler_, visit);
    Text::for_each_parameter(self.text_, visit);
    ContrastiveLogits<B>::for_each_parameter(self.logits_, visit);
  }

 private:
  B backend_;
  Encoder encoder_;
  PoolerType pooler_;
  Text text_;
  ContrastiveLogits<B> logits_;
};

/// The standard composition that a configuration describes.
template <ClipConfig config, Backend B>
using Clip = ClipModel<VisionTransformer<config.vision, B>,
                       ClassTokenPooler<PoolerSizes{.width = config.vision.width,
                                                    .tokens = config.vision.tokens(),
                                                    .embed_dim = config.embed_dim},
                                        B>,
                       ClipTextEncoder<config.text, config.embed_dim, B>>;

}  // namespace coca
