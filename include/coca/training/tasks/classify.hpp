#pragma once
/// @file
/// The task of an ImageClassifier: the class of each picture.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/training/accuracy_scorer.hpp"
#include "coca/training/classification_loss.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/patch_dropout.hpp"
#include "coca/training/predicted_class.hpp"

namespace coca {

/// Trains an image encoder with a linear layer by cross-entropy.
template <class Model>
class ClassificationTask : public TaskDefaults<Model> {
 public:
  using B = typename Model::backend_type;
  using Inputs = LabelledImages<B>;
  using Options = ClassificationOptions;
  struct Outputs {
    Array<B> logits;  ///< [batch, classes]
  };
  static constexpr std::string_view name = "classify";

  /// @throws ArgumentError for shares outside their range and unsupported patch dropout.
  explicit ClassificationTask(const Model& model, const ClassificationOptions& options = {})
      : TaskDefaults<Model>(model), options_(options) {
    expect_share(options.label_smoothing, "label_smoothing");
    expect_patch_dropout<Model>(options.patch_dropout);
    expect_mixup(options.mixing, 0);
  }
  ClassificationTask(const Model& model, const TrainingSubject& subject,
                     const TrainingOptions& options)
      : ClassificationTask(model, classification_options(options.step)) {
    expect_mixup(options_.mixing, options.step.batch_size);
    classes_ = subject.classes;
    config_ = subject.config;
    head_ = classifier_head(options.head);
  }

  std::vector<std::string> fields() const { return {"label"}; }
  std::vector<std::string> part_losses() const { return {"classification_loss"}; }

  /// In a step mixed, if options say so; features in the place of pictures, if the batch has them.
  Inputs inputs(Context<B>& context, const Batch& batch,
                const std::optional<StepSamples>& samples) const {
    if (!batch.features.empty()) {
      if constexpr (pools_tokens) return {{}, batch.labels, {}, to_device(context, batch.features)};
      throw ArgumentError("this model's image encoder has no features that could be kept");
    }
    if (samples && options_.mixing.mixes())
      return mixed_images(context, batch, *samples, options_, this->model().classes);
    return {to_device(context, batch.pixels), batch.labels};
  }
  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    return {empty_pictures(context, this->model(), batch), std::vector<std::int32_t>(batch, 0)};
  }

  std::size_t size(const Inputs& inputs) const { return inputs.labels.size(); }
  void check(const Inputs& inputs) const { inputs.check(this->model().classes); }
  std::vector<double> counts(const Inputs& inputs) const { return {inputs.count()}; }

  Outputs forward(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    return {this->model().classify(context, pooled(context, inputs, part))};
  }

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    add_classification_loss(context, outputs.logits, inputs.part(part), options_, sums);
  }

  /// What makes only a captioner's tokens.
  std::vector<std::string> unused() const {
    std::vector<std::string> paths;
    const auto add = [&paths](const auto& parameter) { paths.push_back(parameter.path()); };
    if constexpr (requires { this->model().pooler().for_each_caption_parameter(add); })
      this->model().pooler().for_each_caption_parameter(add);
    return paths;
  }

  AccuracyScorer scorer() const { return {}; }

  /// The most probable class of each picture, with its probability.
  std::vector<std::string> texts(Context<B>& context, std::span<const Pixels> pictures) const {
    std::vector<std::string> texts;
    for (const Pixels& picture : pictures) {
      const Array<B> pixels = to_device(context, std::span(&picture, 1));
      const auto logits = context.to_host(
          this->model().classify(context, this->model().encode_image(context, pixels)));
      texts.push_back(most_probable_class(std::span(logits), classes_));
    }
    return texts;
  }

  /// What open_model() needs beside the weights: the configuration and the names of the classes.
  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    std::vector<ModelFile> files = class_names_file(classes_);
    for (ModelFile& file :
         classifier_config_file(config_, {head_, this->model().classes}, preprocess))
      files.push_back(std::move(file));
    return files;
  }

 private:
  // Whether the model can begin after its encoder.
  static constexpr bool pools_tokens =
      requires(const Model& model, Context<B>& context, const Array<B> tokens) {
    model.pool(context, tokens);
  };

  // What the linear layer reads. [count, embed_dim]
  Array<B> pooled(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    if constexpr (pools_tokens)
      if (inputs.tokens)
        return this->model().pool(context, inputs.tokens.slice(part.first, part.count));
    return encode_images(context, this->model(), inputs.pixels, part, options_.patch_dropout);
  }

  ClassificationOptions options_;
  std::vector<std::string> classes_;
  AnyConfig config_{};
  ClassifierHead head_ = ClassifierHead::linear;
};

}  // namespace coca
