#pragma once
/// @file
/// Contrastive losses between embeddings of pictures and of texts: CLIP's softmax over a batch
/// in both directions, and SigLIP's sigmoid over all pairs.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coca/losses/cross_entropy.hpp"

namespace coca {

/// How pictures and texts are contrasted.
enum class ContrastiveKind : std::uint8_t {
  softmax,  ///< CLIP's and the paper's: classification among all texts, and all pictures
  sigmoid,  ///< SigLIP's: for each pair, whether it matches; needs a logit_bias
};

/// Embeddings of the pairs that a loss is computed for, and of everything they are compared with.
template <Backend B>
struct ContrastiveFeatures {
  Array<B> image{};       ///< [n, embed_dim], of norm 1
  Array<B> text{};        ///< [n, embed_dim], of norm 1
  Array<B> all_image{};   ///< [m, embed_dim]; empty: those of `image`
  Array<B> all_text{};    ///< [m, embed_dim]; empty: those of `text`
  std::size_t first = 0;  ///< index of pair 0 among all
};

namespace detail {

/// logits = e^logit_scale * left allᵀ, [n, m], and their gradient.
template <DifferentiableBackend B>
class ScaledSimilarity {
 public:
  ScaledSimilarity(Context<B>& context, const Array<B>& left, const Array<B>& all,
                   const Array<B>& logit_scale)
      : context_(context), left_(left), all_(all), scale_(logit_scale) {
    if (left.shape().rank() != 2 || all.shape().rank() != 2 || left.shape()[1] != all.shape()[1])
      throw ShapeError("contrastive loss: embeddings " + to_string(left.shape()) + " and " +
                       to_string(all.shape()) + " cannot be compared");
    const Shape shape{left.shape()[0], all.shape()[0]};
    similarity_ = context.empty(shape);
    logits_ = context.empty(shape);
    context.backend().run(ops::MatmulOn<B>{.input = left,
                                           .weight = context.backend().view(all, false),
                                           .output = ops::Out(similarity_)});
    context.backend().run(ops::On<B, ops::ScaleByExp>{
        .input = similarity_, .exponent = scale_, .output = ops::Out(logits_)});
  }

  const Array<B>& logits() const { return logits_; }

  /// By now the logits have been overwritten with their gradient.
  void backward() {
    Tape<B>* tape = tape_for(context_, left_, all_, scale_);
    if (tape == nullptr) return;
    const B& backend = context_.backend();
    const Array<B> gradient = context_.empty(similarity_.shape());
    backend.run(ops::On<B, ops::ScaleByExpGradient>{
        .input = similarity_,
        .exponent = scale_,
        .output_gradient = logits_,
        .input_gradient = {gradient, Write::assign},
        .exponent_gradient = ops::Add(tape->gradient_if_followed(scale_))});
    if (tape->follows(left_))
      backend.run(
          ops::MatmulInputGradientOn<B>{.output_gradient = gradient,
                                        .weight = backend.view(all_, false),
                                        .input_gradient = {tape->gradient(left_), Write::add}});
    if (tape->follows(all_)) {
      const auto [all_gradient, write] = tape->gradient_to_write(all_);
      backend.run(ops::On<B, ops::MatmulWeightGradient>{
          .output_gradient = gradient, .input = left_, .weight_gradient = {all_gradient, write}});
    }
  }

 private:
  Context<B>& context_;
  Array<B> left_, all_, scale_, similarity_, logits_;
};

}  // namespace detail

/// weight * the mean of both cross-entropies (each picture among all texts, each text among all
/// pictures), added to `loss` (CLIP, arXiv 2103.00020; OpenCLIP's ClipLoss).
/// @param logit_scale [], the logarithm of the factor
/// @param pairs number of pairs to divide the sums by; 0: those given here. With several parts of a
/// batch,
///        those of all.
template <DifferentiableBackend B>
void contrastive_loss(Context<B>& context, const ContrastiveFeatures<B>& features,
                      const Array<B>& logit_scale, float weight, const Array<B>& loss,
                      std::size_t pairs = 0) {
  const std::size_t n = features.image.shape()[0];
  std::vector<std::int32_t> labels(n);
  for (std::size_t i = 0; i < n; ++i) labels[i] = static_cast<std::int32_t>(features.first + i);
  const Indices<B> targets = context.to_device(labels, Shape{n});
  const CrossEntropy options{.weight = weight / (2 * static_cast<float>(pairs == 0 ? n : pairs))};
  const auto one_way = [&](const Array<B>& left, const Array<B>& all) {
    detail::ScaledSimilarity<B> similarity(context, left, all, logit_scale);
    context.backend().run(ops::On<B, ops::CrossEntropy>{.logits = ops::InOut(similarity.logits()),
                                                        .labels = targets,
                                                        .options = options,
                                                        .loss = ops::Add(loss)});
    similarity.backward();
  };
  one_way(features.image, features.all_text ? features.all_text : features.text);
  one_way(features.text, features.all_image ? features.all_image : features.image);
}

/// weight * the mean over pairs of -log sigmoid(z (e^logit_scale * similarity + logit_bias)), z = 1
/// for a picture and its own text and -1 otherwise, summed over all texts; added to `loss` (SigLIP,
/// arXiv 2303.15343).
/// @param logit_bias []
template <DifferentiableBackend B>
void sigmoid_contrastive_loss(Context<B>& context, const ContrastiveFeatures<B>& features,
                              const Array<B>& logit_scale, const Array<B>& logit_bias, float weight,
                              const Array<B>& loss, std::size_t pairs = 0) {
  const std::size_t n = features.image.shape()[0];
  detail::ScaledSimilarity<B> similarity(
      context, features.image, features.all_text ? features.all_text : features.text, logit_scale);
  Tape<B>* tape = detail::tape_for(context, logit_bias);
  const SigmoidLoss options{.first_positive = features.first,
                            .weight = weight / static_cast<float>(pairs == 0 ? n : pairs)};
  context.backend().run(ops::On<B, ops::SigmoidLoss>{
      .logits = ops::InOut(similarity.logits()),
      .bias = logit_bias,
      .options = options,
      .loss = ops::Add(loss),
      .bias_gradient = ops::Add(tape != nullptr ? tape->gradient(logit_bias) : Array<B>{})});
  similarity.backward();
}

}  // namespace coca
