#pragma once
/// @file
/// What the tasks of models that read texts about pictures share: questions, entailment, pairs.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/models/visible_texts.hpp"
#include "coca/pipelines/answer_model.hpp"
#include "coca/pipelines/question_tokens.hpp"
#include "coca/training/answer_loss.hpp"
#include "coca/training/caption_reader.hpp"
#include "coca/training/captioning.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/patch_dropout.hpp"
#include "coca/training/task_defaults.hpp"
#include "coca/training/unused_parameters.hpp"

namespace coca {

/// Choices of these tasks.
struct FusionOptions {
  double patch_dropout = 0;   ///< share of each picture's patches that a step leaves out, below 1
  float label_smoothing = 0;  ///< of entailment and pairs, below 1
  AnswerLoss answer_loss = AnswerLoss::binary;  ///< of questions
  /// Of questions with their answers; a weight of 0: answers are not read.
  CaptioningOptions captioning{.weight = 0};
};

/// Those of a run. @param pad_id of the model's texts
/// @throws ArgumentError for what these tasks cannot do with pictures and texts.
inline FusionOptions fusion_options(const TrainingSteps& options, int pad_id) {
  const std::array<std::pair<const char*, double>, 4> without{
      {{"mixup", options.mixup},
       {"cutmix", options.cutmix},
       {"switchout", options.switchout},
       {"word_dropout", options.word_dropout}}};
  for (const auto& [option, value] : without)
    if (value != 0)
      throw ArgumentError(std::string(option) +
                          " cannot be combined with questions and sentences, whose answers it "
                          "would make wrong");
  FusionOptions fusion{.patch_dropout = options.patch_dropout,
                       .label_smoothing = static_cast<float>(options.label_smoothing),
                       .answer_loss = options.answer_loss};
  fusion.captioning = detail::loss_options(options, pad_id).captioning;
  return fusion;
}

/// Everything except the losses.
template <class Model>
class FusionTask : public TaskDefaults<Model> {
 public:
  using B = typename Model::backend_type;
  using Options = FusionOptions;
  struct Outputs {
    Array<B> fused;   ///< [count * pictures, length, width] of the multimodal decoder
    Array<B> logits;  ///< [count, answers]
  };

  /// For steps on custom inputs: without a tokenizer.
  /// @throws ArgumentError for shares outside their range and unsupported patch dropout.
  explicit FusionTask(const Model& model, const FusionOptions& options = {})
      : TaskDefaults<Model>(model), options_(options) {
    expect_patch_dropout<Model>(options.patch_dropout);
    expect_share(options.label_smoothing, "label_smoothing");
    expect_share(options.captioning.label_smoothing, "label_smoothing");
  }

  /// @throws ArgumentError also for a tokenizer that does not fit the model.
  FusionTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : FusionTask(model, fusion_options(options.step, pad_id_of(subject.config))) {
    reader_.emplace(subject, model.vocab_size, model.context_length);
    config_ = subject.config;
    description_ = {
        .task = options.task,
        .answer_loss = choice_name(options.step.answer_loss, detail::answer_loss_choices),
        .pair_head = pair_head_kind(options.task == "pairs" ? options.head : HeadChoice::linear) ==
                             PairHeadKind::mlp
                         ? "mlp"
                         : "linear"};
  }

  template <class Inputs>
  std::size_t size(const Inputs& inputs) const {
    return inputs.texts.tokens.batch;
  }

  /// Each text is read about its pictures.
  template <class Inputs>
  Outputs forward(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    const ImageFeatures<B> image = encode_images(context, this->model(), inputs.pixels,
                                                 pictures_of(part), options_.patch_dropout);
    const VisibleTexts texts = inputs.texts.rows(part.first, part.count);
    const Array<B> fused = this->model().read(context, image.tokens, texts.tokens, Model::pictures);
    return {fused, this->model().answer(context, fused, texts)};
  }

  /// What only embeddings, and words that nobody is to write, depend on.
  std::vector<std::string> unused() const {
    std::vector<std::string> paths = embedding_parameters(this->model().captioner());
    if (options_.captioning.weight == 0)
      for (std::string& path : word_parameters(this->model().captioner()))
        paths.push_back(std::move(path));
    return paths;
  }

  /// The configuration, and "task.json", which read_answer_model() reads.
  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    std::vector<ModelFile> files =
        open_clip_config_file(config_, preprocess, this->model().captioner().has_logit_bias());
    files.push_back({"task.json", to_text(description_)});
    return files;
  }

 protected:
  const FusionOptions& options() const noexcept { return options_; }
  const AnyTokenizer& tokenizer() const { return reader_->tokenizer(); }

  /// @throws ShapeError for another number of pictures than the texts need, and as
  /// VisibleTexts::check.
  template <class Inputs>
  void check_texts(const Inputs& inputs) const {
    inputs.texts.check(this->model().vocab_size);
    const std::size_t pictures = inputs.pixels.shape().rank() == 0 ? 0 : inputs.pixels.shape()[0];
    const std::size_t texts = inputs.texts.tokens.batch;
    if (texts == 0 || pictures != texts * Model::pictures)
      throw ShapeError("a training step needs " + std::to_string(Model::pictures) +
                       " pictures for each text, got " + std::to_string(pictures) +
                       " pictures and " + std::to_string(texts) + " texts");
  }

  /// Texts of the largest size, all of them visible.
  VisibleTexts largest_texts(std::size_t batch) const {
    const std::size_t length = this->model().context_length;
    return {{std::vector<std::int32_t>(batch * length, 1), batch, length},
            std::vector<std::size_t>(batch, length)};
  }

  /// A field of all records of a batch. @throws ArgumentError naming a record without it
  static std::vector<std::string> field_of(const Batch& batch, const std::string& key) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto found = batch.fields[i].find(key);
      if (found == batch.fields[i].end()) throw ArgumentError(batch.names[i] + " has no " + key);
      values.push_back(found->second);
    }
    return values;
  }

 private:
  // The pictures of a part, each of which draws for itself.
  static BatchPart pictures_of(const BatchPart& part) {
    BatchPart pictures{part.first * Model::pictures, part.count * Model::pictures, part.samples};
    if (pictures.samples) {
      pictures.samples->first *= Model::pictures;
      pictures.samples->count *= Model::pictures;
    }
    return pictures;
  }

  FusionOptions options_;
  std::optional<CaptionReader> reader_;  // checks that the tokenizer is the model's
  AnyConfig config_{};
  AnswerModelDescription description_{};
};

}  // namespace coca
