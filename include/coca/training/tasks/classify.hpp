#pragma once
/// @file
/// The task of an ImageClassifier: the class of each picture.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/losses/captioning.hpp"
#include "coca/losses/cross_entropy.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/training/accuracy_scorer.hpp"
#include "coca/training/patch_dropout.hpp"
#include "coca/training/task.hpp"

namespace coca {

/// Pictures and the class of each.
template <Backend B>
struct LabelledImages {
  Array<B> pixels;                   ///< [batch, 3, image_size, image_size]
  std::vector<std::int32_t> labels;  ///< no_label: counts for nothing
};

/// Choices of the task.
struct ClassificationOptions {
  float label_smoothing = 0;
  double patch_dropout = 0;  ///< share of each picture's patches that a step leaves out, below 1
};

/// Trains an image encoder with a linear layer by cross-entropy. The model must live as long.
template <class Model>
class ClassificationTask {
 public:
  using model_type = Model;
  using B = typename Model::backend_type;
  using Inputs = LabelledImages<B>;
  using Options = ClassificationOptions;
  using Compared = std::array<Array<B>, 0>;
  struct Outputs {
    Array<B> logits;  ///< [batch, classes]
  };
  static constexpr std::string_view name = "classify";

  /// @throws ArgumentError for shares outside their range, and patch dropout that the model's
  /// image encoder does not support.
  explicit ClassificationTask(const Model& model, const ClassificationOptions& options = {})
      : model_(&model), options_(options) {
    expect_share(double{options.label_smoothing}, "label_smoothing");
    expect_patch_dropout<Model>(options.patch_dropout);
  }
  ClassificationTask(const Model& model, const TrainingSubject& subject,
                     const TrainingOptions& options)
      : ClassificationTask(model,
                           ClassificationOptions{static_cast<float>(options.step.label_smoothing),
                                                 options.step.patch_dropout}) {
    classes_ = subject.classes;
  }

  const Model& model() const noexcept { return *model_; }
  std::vector<std::string> fields() const { return {"label"}; }
  void prepare(const AnyDataset&) {}
  std::vector<std::string> batch_losses() const { return {}; }
  std::vector<std::string> part_losses() const { return {"classification_loss"}; }
  std::vector<TrackedNumber<B>> tracked() const { return {}; }
  std::vector<std::string> unused() const { return {}; }

  Inputs inputs(Context<B>& context, const Batch& batch, const std::optional<StepSamples>&) const {
    const std::vector<typename B::value_type> pixels(batch.pixels.values.begin(),
                                                     batch.pixels.values.end());
    return {context.to_device(pixels, batch.pixels.shape()), batch.labels};
  }

  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    const std::size_t size = model_->image_size;
    return {context.template empty<typename B::value_type>(Shape{batch, 3, size, size}),
            std::vector<std::int32_t>(batch, 0)};
  }

  std::size_t size(const Inputs& inputs) const { return inputs.labels.size(); }

  void check(const Inputs& inputs) const {
    const std::size_t pictures = inputs.pixels.shape().rank() == 0 ? 0 : inputs.pixels.shape()[0];
    if (pictures == 0 || pictures != inputs.labels.size())
      throw ShapeError("a training step needs a label for each picture, got " +
                       std::to_string(pictures) + " pictures and " +
                       std::to_string(inputs.labels.size()) + " labels");
    detail::expect_labels(inputs.labels, pictures, model_->classes, no_label);
  }

  std::vector<double> counts(const Inputs& inputs) const {
    return {static_cast<double>(count_labels(inputs.labels, no_label))};
  }

  Outputs forward(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    const Array<B> pooled =
        encode_images(context, *model_, inputs.pixels, part, options_.patch_dropout);
    return {model_->classify(context, pooled)};
  }

  Compared compared(const Outputs&) const { return {}; }

  template <class Processes>
  void add_batch_losses(Context<B>&, const Compared&, const Processes&, const LossSums<B>&) const {}

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    if (sums.counts[0] == 0) return;
    const auto first = inputs.labels.begin() + static_cast<std::ptrdiff_t>(part.first);
    cross_entropy(context, outputs.logits, {first, first + static_cast<std::ptrdiff_t>(part.count)},
                  {.ignored_label = no_label,
                   .label_smoothing = options_.label_smoothing,
                   .weight = 1 / static_cast<float>(sums.counts[0])},
                  sums.part_losses[0]);
  }

  /// Measures accuracy.
  class Scorer {
   public:
    void add(Context<B>& context, const Inputs& inputs, const Outputs& outputs) {
      const auto logits = context.to_host(outputs.logits);
      accuracy_.add(std::span(logits), std::span(inputs.labels));
    }
    NamedNumbers scores() const { return accuracy_.scores(); }

   private:
    AccuracyScorer accuracy_;
  };
  Scorer scorer() const { return {}; }

  /// The most probable class of each picture, with its probability.
  std::vector<std::string> texts(Context<B>& context, std::span<const Pixels> pictures) const {
    std::vector<std::string> texts;
    for (const Pixels& picture : pictures) {
      const Array<B> pixels = to_device(context, std::span(&picture, 1));
      texts.push_back(describe(
          context.to_host(model_->classify(context, model_->encode_image(context, pixels)))));
    }
    return texts;
  }

  /// The names of the classes, one per line, in the order of their labels.
  std::vector<ModelFile> files(const PreprocessConfig&) const {
    std::string lines;
    for (const std::string& each : classes_) lines += each + "\n";
    if (lines.empty()) return {};
    return {{"classes.txt", lines}};
  }

 private:
  template <class T>
  std::string describe(const std::vector<T>& logits) const {
    const auto best = std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const T logit : logits) sum += std::exp(double{logit} - double{*best});
    const auto label = static_cast<std::size_t>(best - logits.begin());
    if (!std::isfinite(sum)) return {};
    return (label < classes_.size() ? classes_[label] : std::to_string(label)) + " (" +
           std::to_string(std::lround(100 / sum)) + " %)";
  }

  const Model* model_;
  ClassificationOptions options_;
  std::vector<std::string> classes_;
};

}  // namespace coca
