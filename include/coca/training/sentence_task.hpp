#pragma once
/// @file
/// What the tasks on sentences that are true or not share: entailment, and pairs of pictures.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coca/losses/captioning.hpp"
#include "coca/training/accuracy_scorer.hpp"
#include "coca/training/fusion_task.hpp"

namespace coca {

/// Pictures, a sentence about each or each two, and its class.
template <Backend B>
struct LabelledSentences {
  Array<B> pixels;  ///< [batch * pictures, 3, image_size, image_size]
  VisibleTexts texts;
  std::vector<std::int32_t> labels;  ///< no_label: counts for nothing
};

/// Cross-entropy of a model that answers by a class.
template <class Model>
class SentenceTask : public FusionTask<Model> {
  using Base = FusionTask<Model>;

 public:
  using typename Base::B;
  using typename Base::Outputs;
  using Inputs = LabelledSentences<B>;
  using Base::Base;

  std::vector<std::string> fields() const { return {"sentence", "label"}; }
  std::vector<std::string> part_losses() const { return {"classification_loss"}; }

  Inputs inputs(Context<B>& context, const Batch& batch, const std::optional<StepSamples>&) const {
    return {to_device(context, batch.pixels),
            visible_texts(this->tokenizer(), this->field_of(batch, "sentence"),
                          this->model().context_length),
            batch.labels};
  }
  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    return {empty_pictures(context, this->model(), batch * Model::pictures),
            this->largest_texts(batch), std::vector<std::int32_t>(batch, 0)};
  }

  /// @throws ShapeError for another number of labels; ArgumentError for one that is no class.
  void check(const Inputs& inputs) const {
    this->check_texts(inputs);
    detail::expect_labels(inputs.labels, inputs.texts.tokens.batch, this->model().answers,
                          no_label);
  }
  /// Sentences that count.
  std::vector<double> counts(const Inputs& inputs) const {
    return {static_cast<double>(count_labels(inputs.labels, no_label))};
  }

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    if (sums.counts[0] == 0) return;
    const auto first = inputs.labels.begin() + static_cast<std::ptrdiff_t>(part.first);
    cross_entropy(context, outputs.logits, {first, first + static_cast<std::ptrdiff_t>(part.count)},
                  {.ignored_label = no_label,
                   .label_smoothing = this->options().label_smoothing,
                   .weight = 1 / static_cast<float>(sums.counts[0])},
                  sums.part_losses[0]);
  }

  /// Also what makes words: nothing is written here.
  std::vector<std::string> unused() const {
    std::vector<std::string> paths = embedding_parameters(this->model().captioner());
    for (std::string& path : word_parameters(this->model().captioner()))
      paths.push_back(std::move(path));
    return paths;
  }

  AccuracyScorer scorer() const { return {}; }
};

}  // namespace coca
