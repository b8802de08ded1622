#pragma once
/// @file
/// What the tasks on pictures and their texts share: CoCa, CLIP, captioning only.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/losses/coca.hpp"
#include "coca/training/caption_reader.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/patch_dropout.hpp"
#include "coca/training/retrieval_scorer.hpp"
#include "coca/training/switchout.hpp"
#include "coca/training/task.hpp"
#include "coca/training/training_choices.hpp"

namespace coca {

/// Losses, and what is left out or replaced at random in a step.
struct ImageTextOptions {
  CoCaLossOptions loss{};    ///< `captioning.labels` is counted, over all parts and processes
  double patch_dropout = 0;  ///< share of each picture's patches that a step leaves out, below 1
  /// Chance of each word of a text to be replaced by a random one where it is read; the words to
  /// predict stay. Below 1.
  double switchout = 0;
};

/// Pictures and a text for each.
template <Backend B>
struct ImageTextInputs {
  Array<B> pixels;      ///< [batch, 3, image_size, image_size]
  TrainingTexts texts;  ///< [batch, length], or Tokens, where what is read is to be predicted
};

/// Measures retrieval in validation.
template <Backend B>
class ImageTextScorer {
 public:
  template <class Inputs, class Outputs>
  void add(Context<B>& context, const Inputs& inputs, const Outputs& outputs) {
    retrieval_.add(context, outputs.image.embedding, outputs.text.embedding, inputs.texts.read);
  }
  NamedNumbers scores() const { return retrieval_.scores(); }

 private:
  RetrievalScorer retrieval_;
};

/// Adds how captions are generated, as in validation; an existing file may be the user's own.
inline std::vector<ModelFile> with_generation_config(std::vector<ModelFile> files) {
  files.push_back({"generation_config.json", "{\n  \"min_length\": 0\n}\n", false});
  return files;
}

/// Everything except the losses. The model must live as long.
template <class Model>
class ImageTextTask {
 public:
  using model_type = Model;
  using B = typename Model::backend_type;
  using Inputs = ImageTextInputs<B>;
  using Options = ImageTextOptions;
  struct Outputs {
    ImageFeatures<B> image;
    TextFeatures<B> text;
  };

  /// For steps on custom inputs: without a tokenizer.
  /// @throws ArgumentError for shares outside their range, and patch dropout that the model's
  /// image encoder does not support.
  explicit ImageTextTask(const Model& model, const ImageTextOptions& options = {})
      : model_(&model), options_(options) {
    expect_patch_dropout<Model>(options.patch_dropout);
    expect_share(options.switchout, "switchout");
    expect_share(options.loss.captioning.label_smoothing, "label_smoothing");
  }

  /// @throws ArgumentError also for a tokenizer that does not fit the model.
  ImageTextTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : ImageTextTask(model, ImageTextOptions{.loss = detail::loss_options(
                                                  options.step, pad_id_of(subject.config)),
                                              .patch_dropout = options.step.patch_dropout,
                                              .switchout = options.step.switchout}) {
    reader_.emplace(subject, model.vocab_size, model.context_length,
                    WordDropoutOptions{.chance = options.step.word_dropout,
                                       .count = options.step.word_dropout_count});
    config_ = subject.config;
    beams_ = options.beams;
  }

  /// Gives a model what the options need: SigLIP's bias. Before a Trainable binds its parameters.
  static void complete(Model& model, const ImageTextOptions& options) {
    if (options.loss.contrastive == ContrastiveKind::sigmoid) model.add_logit_bias();
  }

  const Model& model() const noexcept { return *model_; }
  std::vector<std::string> fields() const { return {"caption"}; }
  void prepare(const AnyDataset& data) { reader_->prepare(data); }

  Inputs inputs(Context<B>& context, const Batch& batch,
                const std::optional<StepSamples>& samples) const {
    const std::vector<typename B::value_type> pixels(batch.pixels.values.begin(),
                                                     batch.pixels.values.end());
    return {context.to_device(pixels, batch.pixels.shape()), (*reader_)(batch.captions, samples)};
  }

  /// Every word counts: no padding, as the longest captions have none.
  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    const std::size_t length = model_->context_length, size = model_->image_size;
    return {context.template empty<typename B::value_type>(Shape{batch, 3, size, size}),
            Tokens{std::vector<std::int32_t>(batch * length, 1), batch, length}};
  }

  std::size_t size(const Inputs& inputs) const { return inputs.texts.read.batch; }

  void check(const Inputs& inputs) const {
    const Array<B>& pixels = inputs.pixels;
    const TrainingTexts& texts = inputs.texts;
    const std::size_t pictures = pixels.shape().rank() == 0 ? 0 : pixels.shape()[0];
    if (pictures == 0 || pictures != texts.read.batch)
      throw ShapeError("a training step needs a text for each picture, got " +
                       std::to_string(pictures) + " pictures and " +
                       std::to_string(texts.read.batch) + " texts");
    expect_known_tokens(texts.read, model_->vocab_size);
    expect_known_tokens(texts.predicted, model_->vocab_size);
  }

  Outputs forward(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    ImageFeatures<B> image =
        encode_images(context, *model_, inputs.pixels, part, options_.patch_dropout);
    return {std::move(image), encode_text(context, inputs.texts.read, part)};
  }

  std::vector<std::string> unused() const { return {}; }
  std::vector<std::string> texts(Context<B>&, std::span<const Pixels>) const { return {}; }

  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    const auto json = open_clip_config(config_, preprocess, model_->has_logit_bias());
    if (!json) return {};
    return {{"open_clip_config.json", json->dump(2) + "\n"}};
  }

 protected:
  using Embeddings = std::array<Array<B>, 2>;  // of pictures and of texts

  bool is_sigmoid() const { return options_.loss.contrastive == ContrastiveKind::sigmoid; }

  void expect_logit_bias() const {
    if (is_sigmoid() && !model_->has_logit_bias())
      throw ArgumentError(
          "SigLIP's loss was requested, but the model has no logit_bias: call add_logit_bias() "
          "before its parameters are bound");
  }

  // Own embeddings among those of all processes. SigLIP's pairs are all there once as own pictures
  // with everybody's texts.
  template <class Processes>
  void contrast(Context<B>& context, const Embeddings& own, const Processes& processes,
                const Array<B>& sum) const {
    const auto& [image, text] = own;
    const std::size_t pairs = image.shape()[0];
    const ContrastiveFeatures<B> features{
        .image = image,
        .text = text,
        .all_image = is_sigmoid() ? Array<B>{} : processes.all_gather(context, image),
        .all_text = processes.all_gather(context, text),
        .first = processes.rank() * pairs};
    contrastive_loss(context, *model_, features, options_.loss, sum, processes.size() * pairs);
  }

  std::vector<TrackedNumber<B>> temperature() const {
    std::vector<TrackedNumber<B>> numbers{{"logit_scale", model_->logit_scale(), true}};
    if (model_->has_logit_bias()) numbers.push_back({"logit_bias", model_->logit_bias(), false});
    return numbers;
  }

  // Words that are predicted.
  double labels(const Inputs& inputs) const {
    return static_cast<double>(
        count_labels(next_token_labels(inputs.texts.predicted, options_.loss.captioning.pad_id)));
  }

  // Divides by the labels of all parts and processes.
  void caption(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
               const BatchPart& part, const LossSums<B>& sums) const {
    CaptioningOptions options = options_.loss.captioning;
    options.labels = static_cast<std::size_t>(sums.counts[0]);
    captioning_loss(context, *model_, outputs.image, outputs.text,
                    rows(inputs.texts.predicted, part), options, sums.part_losses[0]);
  }

  // What the model says of pictures.
  std::vector<std::string> captions(Context<B>& context, std::span<const Pixels> pictures) const {
    return caption_all(context, *model_, reader_->tokenizer(), pictures, beams_);
  }

 private:
  // Of a part's texts, with the words that the step replaces.
  TextFeatures<B> encode_text(Context<B>& context, const Tokens& tokens,
                              const BatchPart& part) const {
    Tokens some = rows(tokens, part);
    if (options_.switchout > 0 && part.samples)
      some = switch_out(std::move(some), *part.samples, options_.loss.captioning.pad_id,
                        model_->vocab_size, options_.switchout);
    return model_->encode_text(context, some);
  }

  static Tokens rows(const Tokens& tokens, const BatchPart& part) {
    const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(part.first * tokens.length);
    return {{begin, begin + static_cast<std::ptrdiff_t>(part.count * tokens.length)},
            part.count,
            tokens.length};
  }

  const Model* model_;
  ImageTextOptions options_;
  std::optional<CaptionReader> reader_;
  AnyConfig config_{};
  std::size_t beams_ = 1;
};

}  // namespace coca
