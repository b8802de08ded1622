#pragma once
/// @file
/// The loss of a contrastive captioner (arXiv 2205.01917, section 3.2): the weighted sum
/// of the contrastive and the captioning loss.

#include <cstddef>

#include "coca/losses/captioning.hpp"
#include "coca/losses/contrastive.hpp"
#include "coca/models/coca.hpp"

namespace coca {

/// Weights of the two losses, as in the paper.
struct CoCaLossOptions {
  float contrastive_weight = 1.0f;
  ContrastiveKind contrastive = ContrastiveKind::softmax;
  CaptioningOptions captioning{};
};

/// The two losses of a batch, after weighting, each [1].
template <DifferentiableBackend B>
struct CoCaLosses {
  Array<B> contrastive;
  Array<B> captioning;

  explicit CoCaLosses(Context<B>& context)
      : contrastive(make_loss(context)), captioning(make_loss(context)) {}
};

/// The contrastive loss that the options name, with the model's scale (and bias), added to `loss`.
/// @param pairs as for contrastive_loss
/// @throws Error for SigLIP's if the model has no logit_bias
template <class Model, DifferentiableBackend B>
void contrastive_loss(Context<B>& context, const Model& model,
                      const ContrastiveFeatures<B>& features, const CoCaLossOptions& options,
                      const Array<B>& loss, std::size_t pairs = 0) {
  if (options.contrastive == ContrastiveKind::sigmoid)
    return sigmoid_contrastive_loss(context, features, model.logit_scale(), model.logit_bias(),
                                    options.contrastive_weight, loss, pairs);
  contrastive_loss(context, features, model.logit_scale(), options.contrastive_weight, loss, pairs);
}

/// Computes both losses of a batch in one pass through the model; with a tape on the context, call
/// its backward() afterwards.
/// @param pixels [batch, 3, image_size, image_size]
/// @param tokens [batch, length], padded
template <class Model, DifferentiableBackend B>
void coca_loss(Context<B>& context, const Model& model, const Array<B>& pixels,
               const Tokens& tokens, const CoCaLossOptions& options, CoCaLosses<B>& losses) {
  const ImageFeatures<B> image = model.encode_image(context, pixels);
  const TextFeatures<B> text = model.encode_text(context, tokens);
  contrastive_loss(context, model, {.image = image.embedding, .text = text.embedding}, options,
                   losses.contrastive);
  const auto& decoder = model.multimodal_decoder();
  captioning_loss(context, decoder.features(context, text.tokens, image.tokens),
                  decoder.projection(), tokens, options.captioning, losses.captioning);
}

}  // namespace coca
