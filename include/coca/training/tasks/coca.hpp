#pragma once
/// @file
/// The task of a contrastive captioner (arXiv 2205.01917, section 3.2): the weighted sum of the
/// contrastive and the captioning loss.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/training/tasks/image_text.hpp"

namespace coca {

/// Trains a model that has the parts of CoCaModel.
template <class Model>
class CoCaTask : public ImageTextTask<Model> {
  using Base = ImageTextTask<Model>;

 public:
  using typename Base::B;
  using typename Base::Inputs;
  using typename Base::Outputs;
  static constexpr std::string_view name = "coca";

  /// @throws as ImageTextTask and Contrast.
  explicit CoCaTask(const Model& model, const ImageTextOptions& options = {})
      : Base(model, options),
        contrast_(model, this->loss()),
        captioning_(model, this->loss().captioning) {}
  CoCaTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : Base(model, subject, options),
        contrast_(model, this->loss()),
        captioning_(model, this->loss().captioning) {}

  std::vector<std::string> batch_losses() const { return {"contrastive_loss"}; }
  std::vector<std::string> part_losses() const { return {"captioning_loss"}; }
  std::vector<TrackedNumber<B>> tracked() const { return contrast_.tracked(); }
  std::vector<double> counts(const Inputs& inputs) const { return {captioning_.count(inputs)}; }

  PairEmbeddings<B> compared(const Outputs& outputs) const {
    return {outputs.image.embedding, outputs.text.embedding};
  }

  template <class Processes>
  void add_batch_losses(Context<B>& context, const PairEmbeddings<B>& embeddings,
                        const Processes& processes, const LossSums<B>& sums) const {
    contrast_.add(context, embeddings, processes, sums.batch_losses[0]);
  }

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    captioning_.add(context, inputs, outputs, part, sums);
  }

  ImageTextScorer<B> scorer() const { return {}; }

  std::vector<std::string> texts(Context<B>& context, std::span<const Pixels> pictures) const {
    return this->captions(context, pictures);
  }

  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    return with_generation_config(Base::files(preprocess));
  }

 private:
  Contrast<Model> contrast_;
  Captioning<Model> captioning_;
};

}  // namespace coca
