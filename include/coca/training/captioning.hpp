#pragma once
/// @file
/// The captioning loss of a part of a batch, and what a captioner says in validation.

#include <cstddef>
#include <vector>

#include "coca/losses/coca.hpp"
#include "coca/training/caption_all.hpp"
#include "coca/training/image_text_inputs.hpp"

namespace coca {

/// The captioning loss of a model with a multimodal decoder, for tasks that have it as a part loss.
/// The model must live as long.
template <class Model>
class Captioning {
 public:
  using B = typename Model::backend_type;

  Captioning(const Model& model, const CaptioningOptions& options)
      : model_(&model), options_(options) {}

  /// Words that are predicted.
  double count(const ImageTextInputs<B>& inputs) const {
    return static_cast<double>(
        count_labels(next_token_labels(inputs.texts.predicted, options_.pad_id)));
  }

  /// Divides by the words of all parts and processes.
  /// @param outputs the part's `image` and `text`
  template <class Outputs>
  void add(Context<B>& context, const ImageTextInputs<B>& inputs, const Outputs& outputs,
           const BatchPart& part, const LossSums<B>& sums) const {
    CaptioningOptions options = options_;
    options.labels = static_cast<std::size_t>(sums.counts[0]);
    captioning_loss(context, *model_, outputs.image, outputs.text,
                    rows_of_part(inputs.texts.predicted, part), options, sums.part_losses[0]);
  }

 private:
  const Model* model_;
  CaptioningOptions options_;
};

/// Adds how captions are generated, as in validation; an existing file may be the user's own.
inline std::vector<ModelFile> with_generation_config(std::vector<ModelFile> files) {
  files.push_back({"generation_config.json", "{\n  \"min_length\": 0\n}\n", false});
  return files;
}

}  // namespace coca
