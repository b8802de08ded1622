#pragma once
/// @file
/// The losses of a contrastive captioner (arXiv 2205.01917, section 3.2), from a model's
/// outputs: contrastive and captioning, each with its weight. CLIP has the first of them.

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

/// The captioning loss of encoded pictures and texts, added to `loss`.
/// @param predicted [batch, length], padded
template <class Model, DifferentiableBackend B>
void captioning_loss(Context<B>& context, const Model& model, const ImageFeatures<B>& image,
                     const TextFeatures<B>& text, const Tokens& predicted,
                     const CaptioningOptions& options, const Array<B>& loss) {
  const auto& decoder = model.multimodal_decoder();
  captioning_loss(context, decoder.features(context, text.tokens, image.tokens),
                  decoder.projection(), predicted, options, loss);
}

}  // namespace coca
