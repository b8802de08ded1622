#pragma once
/// @file
/// Only the captioning task: a picture's words, one after the other.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/training/tasks/image_text.hpp"
#include "coca/training/unused_parameters.hpp"

namespace coca {

/// Trains what a captioner needs for captions. Parts used only for embeddings stay unchanged.
template <class Model>
class CaptionTask : public ImageTextTask<Model> {
  using Base = ImageTextTask<Model>;

 public:
  using typename Base::B;
  using typename Base::Inputs;
  using typename Base::Outputs;
  static constexpr std::string_view name = "caption";

  /// @throws as ImageTextTask.
  explicit CaptionTask(const Model& model, const ImageTextOptions& options = {})
      : Base(model, options), captioning_(model, this->loss().captioning) {}
  CaptionTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : Base(model, subject, options), captioning_(model, this->loss().captioning) {}

  std::vector<std::string> part_losses() const { return {"captioning_loss"}; }
  std::vector<double> counts(const Inputs& inputs) const { return {captioning_.count(inputs)}; }

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    captioning_.add(context, inputs, outputs, part, sums);
  }

  /// What leads only to the embeddings and their logits.
  std::vector<std::string> unused() const { return embedding_parameters(this->model()); }

  std::vector<std::string> texts(Context<B>& context, std::span<const Pixels> pictures) const {
    return this->captions(context, pictures);
  }

  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    return with_generation_config(Base::files(preprocess));
  }

 private:
  Captioning<Model> captioning_;
};

}  // namespace coca
