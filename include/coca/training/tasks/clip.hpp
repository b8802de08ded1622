#pragma once
/// @file
/// The contrastive task: CLIP's softmax over the batch or SigLIP's sigmoid over pairs, of a
/// ClipModel or of a contrastive captioner without its captions.

#include <string>
#include <string_view>
#include <vector>

#include "coca/training/tasks/image_text.hpp"

namespace coca {

/// Trains a model that encodes pictures and texts into one space. The other parts of a captioner
/// stay unchanged.
template <class Model>
class ClipTask : public ImageTextTask<Model> {
  using Base = ImageTextTask<Model>;

 public:
  using typename Base::B;
  using typename Base::Inputs;
  using typename Base::Outputs;
  static constexpr std::string_view name = "clip";

  /// @throws as ImageTextTask; ArgumentError for SigLIP's loss of a model without bias.
  explicit ClipTask(const Model& model, const ImageTextOptions& options = {})
      : Base(model, options) {
    this->expect_logit_bias();
  }
  ClipTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : Base(model, subject, options) {
    this->expect_logit_bias();
  }

  std::vector<std::string> batch_losses() const { return {"contrastive_loss"}; }
  std::vector<std::string> part_losses() const { return {}; }
  std::vector<TrackedNumber<B>> tracked() const { return this->temperature(); }
  std::vector<double> counts(const Inputs&) const { return {}; }

  typename Base::Embeddings compared(const Outputs& outputs) const {
    return {outputs.image.embedding, outputs.text.embedding};
  }

  template <class Processes>
  void add_batch_losses(Context<B>& context, const typename Base::Embeddings& embeddings,
                        const Processes& processes, const LossSums<B>& sums) const {
    this->contrast(context, embeddings, processes, sums.batch_losses[0]);
  }

  void add_part_losses(Context<B>&, const Inputs&, const Outputs&, const BatchPart&,
                       const LossSums<B>&) const {}

  /// The captioner's decoder, if there is one.
  std::vector<std::string> unused() const {
    std::vector<std::string> paths;
    if constexpr (requires(const Model& model) { model.multimodal_decoder(); }) {
      const auto& decoder = this->model().multimodal_decoder();
      std::remove_cvref_t<decltype(decoder)>::for_each_parameter(
          decoder, [&paths](const auto& parameter) { paths.push_back(parameter.path()); });
    }
    return paths;
  }

  ImageTextScorer<B> scorer() const { return {}; }
};

}  // namespace coca
