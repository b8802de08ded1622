#pragma once
/// @file
/// The task of a VideoClassifier: the class of each video (arXiv 2205.01917, section 3.3).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/training/accuracy_scorer.hpp"
#include "coca/training/classification_loss.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/predicted_class.hpp"
#include "coca/training/share.hpp"

namespace coca {

/// Clips and the class of each.
template <Backend B>
struct LabelledClips {
  Array<B> pixels;                   ///< [batch * frames, 3, image_size, image_size]
  std::vector<std::int32_t> labels;  ///< no_label: counts for nothing
  /// [batch, frames * encoder_tokens, width] of a frozen encoder, in the place of pixels; or
  /// nothing
  Array<B> tokens{};
};

/// Trains a head over the tokens of all frames, with or without the image encoder, by
/// cross-entropy.
template <class Model>
class VideoTask : public TaskDefaults<Model> {
 public:
  using B = typename Model::backend_type;
  using Inputs = LabelledClips<B>;
  using Options = ClassificationOptions;
  struct Outputs {
    Array<B> logits;  ///< [batch, classes]
  };
  static constexpr std::string_view name = "video";

  /// @throws ArgumentError for shares outside their range, and for what is only of pictures
  explicit VideoTask(const Model& model, const ClassificationOptions& options = {})
      : TaskDefaults<Model>(model), options_(options) {
    expect_share(options.label_smoothing, "label_smoothing");
    if (options.patch_dropout != 0 || options.mixing.mixes())
      throw ArgumentError("patch_dropout, mixup and cutmix are not for the task video");
  }
  VideoTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : VideoTask(model, classification_options(options.step)) {
    classes_ = subject.classes;
    config_ = subject.config;
  }

  std::vector<std::string> fields() const { return {"label"}; }
  std::vector<std::string> part_losses() const { return {"classification_loss"}; }

  Inputs inputs(Context<B>& context, const Batch& batch, const std::optional<StepSamples>&) const {
    if (!batch.features.empty()) return {{}, batch.labels, to_device(context, batch.features)};
    return {to_device(context, batch.pixels), batch.labels};
  }
  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    return {empty_pictures(context, this->model(), batch * frames()),
            std::vector<std::int32_t>(batch, 0)};
  }

  std::size_t size(const Inputs& inputs) const { return inputs.labels.size(); }
  /// @throws ShapeError for another number of frames; ArgumentError for a label that is no class
  void check(const Inputs& inputs) const {
    const Array<B>& shown = inputs.tokens ? inputs.tokens : inputs.pixels;
    const std::size_t rows = shown ? shown.shape()[0] : 0;
    if (rows == 0 || rows != inputs.labels.size() * (inputs.tokens ? 1 : frames()))
      throw ShapeError("a training step needs a label for each clip of " +
                       counted(frames(), "frame") + ", got " + std::to_string(rows) +
                       (inputs.tokens ? " clips and " : " frames and ") +
                       counted(inputs.labels.size(), "label"));
    detail::expect_labels(inputs.labels, inputs.labels.size(), this->model().classes, no_label);
  }
  /// Clips that count.
  std::vector<double> counts(const Inputs& inputs) const {
    return {static_cast<double>(count_labels(inputs.labels, no_label))};
  }

  Outputs forward(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    if (inputs.tokens)
      return {this->model().classify(context, inputs.tokens.slice(part.first, part.count))};
    const auto pixels = inputs.pixels.slice(part.first * frames(), part.count * frames());
    return {this->model()(context, pixels, frames())};
  }

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    const LabelledImages<B> labels{{}, inputs.labels};
    add_classification_loss(context, outputs.logits, labels.part(part), options_, sums);
  }

  AccuracyScorer scorer() const { return {}; }

  /// What open_video_model() needs beside the weights: configuration and names of the classes.
  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    std::vector<ModelFile> files = class_names_file(classes_);
    const VideoConfig video{this->model().classes, frames(),
                            this->model().has_temporal_positions()};
    for (ModelFile& file : video_config_file(config_, video, preprocess))
      files.push_back(std::move(file));
    return files;
  }

 private:
  std::size_t frames() const { return this->model().frames; }

  ClassificationOptions options_;
  std::vector<std::string> classes_;
  AnyConfig config_{};
};

}  // namespace coca
