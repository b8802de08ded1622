#pragma once
/// @file
/// The contrastive loss of a step: each process has the loss of its own pairs among all.

#include <array>
#include <cstddef>
#include <vector>

#include "coca/losses/coca.hpp"
#include "coca/training/task.hpp"

namespace coca {

/// Embeddings of pictures and of texts, each [batch, embed_dim].
template <Backend B>
using PairEmbeddings = std::array<Array<B>, 2>;

/// The contrastive loss of a model with a temperature, for tasks that have it as a batch loss. The
/// model must live as long.
template <class Model>
class Contrast {
 public:
  using B = typename Model::backend_type;

  /// @throws ArgumentError for SigLIP's loss of a model without bias.
  Contrast(const Model& model, const CoCaLossOptions& options) : model_(&model), options_(options) {
    if (is_sigmoid() && !model.has_logit_bias())
      throw ArgumentError(
          "SigLIP's loss was requested, but the model has no logit_bias: call add_logit_bias() "
          "before its parameters are bound");
  }

  /// Own embeddings among those of all processes. SigLIP's pairs are all there once as own pictures
  /// with everybody's texts.
  template <class Processes>
  void add(Context<B>& context, const PairEmbeddings<B>& own, const Processes& processes,
           const Array<B>& sum) const {
    const auto& [image, text] = own;
    const std::size_t pairs = image.shape()[0];
    const ContrastiveFeatures<B> features{
        .image = image,
        .text = text,
        .all_image = is_sigmoid() ? Array<B>{} : processes.all_gather(context, image),
        .all_text = processes.all_gather(context, text),
        .first = processes.rank() * pairs};
    contrastive_loss(context, *model_, features, options_, sum, processes.size() * pairs);
  }

  /// The temperature, and SigLIP's bias.
  std::vector<TrackedNumber<B>> tracked() const {
    std::vector<TrackedNumber<B>> numbers{{"logit_scale", model_->logit_scale(), true}};
    if (model_->has_logit_bias()) numbers.push_back({"logit_bias", model_->logit_bias(), false});
    return numbers;
  }

 private:
  bool is_sigmoid() const { return options_.contrastive == ContrastiveKind::sigmoid; }

  const Model* model_;
  CoCaLossOptions options_;
};

}  // namespace coca
