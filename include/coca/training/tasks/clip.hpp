#pragma once
/// @file
/// The contrastive task: CLIP's softmax over the batch or SigLIP's sigmoid over pairs, of a
/// ClipModel or of a contrastive captioner without its captions.

#include <string>
#include <string_view>
#include <type_traits>
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
  using typename Base::Outputs;
  static constexpr std::string_view name = "clip";

  /// @throws as ImageTextTask and Contrast.
  explicit ClipTask(const Model& model, const ImageTextOptions& options = {})
      : Base(model, options), contrast_(model, this->loss()) {}
  ClipTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : Base(model, subject, options), contrast_(model, this->loss()) {}

  std::vector<std::string> batch_losses() const { return {"contrastive_loss"}; }
  std::vector<TrackedNumber<B>> tracked() const { return contrast_.tracked(); }

  PairEmbeddings<B> compared(const Outputs& outputs) const {
    return {outputs.image.embedding, outputs.text.embedding};
  }

  template <class Processes>
  void add_batch_losses(Context<B>& context, const PairEmbeddings<B>& embeddings,
                        const Processes& processes, const LossSums<B>& sums) const {
    contrast_.add(context, embeddings, processes, sums.batch_losses[0]);
  }

  /// The captioner's decoder, if there is one, and what makes only its image tokens.
  std::vector<std::string> unused() const {
    std::vector<std::string> paths;
    const auto add = [&paths](const auto& parameter) { paths.push_back(parameter.path()); };
    if constexpr (requires(const Model& model) { model.multimodal_decoder(); }) {
      const auto& decoder = this->model().multimodal_decoder();
      std::remove_cvref_t<decltype(decoder)>::for_each_parameter(decoder, add);
    }
    if constexpr (requires { this->model().pooler().for_each_caption_parameter(add); })
      this->model().pooler().for_each_caption_parameter(add);
    return paths;
  }

  ImageTextScorer<B> scorer() const { return {}; }

 private:
  Contrast<Model> contrast_;
};

}  // namespace coca
