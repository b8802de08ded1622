#pragma once
/// @file
/// Only the captioning task: a picture's words, one after the other.

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/training/caption_all.hpp"
#include "coca/training/tasks/image_text.hpp"

namespace coca {

/// Trains what a captioner needs for captions. Parts used only for embeddings stay unchanged.
template <class Model>
class CaptionTask : public ImageTextTask<Model> {
  using Base = ImageTextTask<Model>;

 public:
  using typename Base::B;
  using typename Base::Inputs;
  using typename Base::Outputs;
  using Compared = std::array<Array<B>, 0>;
  static constexpr std::string_view name = "caption";

  using Base::Base;

  std::vector<std::string> batch_losses() const { return {}; }
  std::vector<std::string> part_losses() const { return {"captioning_loss"}; }
  std::vector<TrackedNumber<B>> tracked() const { return {}; }
  std::vector<double> counts(const Inputs& inputs) const { return {this->labels(inputs)}; }
  Compared compared(const Outputs&) const { return {}; }

  template <class Processes>
  void add_batch_losses(Context<B>&, const Compared&, const Processes&, const LossSums<B>&) const {}

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    this->caption(context, inputs, outputs, part, sums);
  }

  /// What leads only to the embeddings and their logits.
  std::vector<std::string> unused() const {
    std::vector<std::string> paths;
    for_each_parameter(this->model(), [&paths](const auto& parameter) {
      for (const char* embedding :
           {"visual.proj", "visual.attn_pool_contrastive", "text.cls_emb", "text.ln_final",
            "text.text_projection", "logit_scale", "logit_bias"})
        if (has_prefix(parameter.path(), embedding)) paths.push_back(parameter.path());
    });
    return paths;
  }

  NoScorer scorer() const { return {}; }

  std::vector<std::string> texts(Context<B>& context, std::span<const Pixels> pictures) const {
    return this->captions(context, pictures);
  }

  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    return with_generation_config(Base::files(preprocess));
  }
};

}  // namespace coca
