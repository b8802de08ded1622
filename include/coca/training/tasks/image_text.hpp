#pragma once
/// @file
/// What the tasks on pictures and their texts share: CoCa, CLIP, captioning only.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/training/caption_reader.hpp"
#include "coca/training/captioning.hpp"
#include "coca/training/contrast.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/patch_dropout.hpp"

namespace coca {

/// Everything except the losses.
template <class Model>
class ImageTextTask : public TaskDefaults<Model> {
 public:
  using B = typename Model::backend_type;
  using Inputs = ImageTextInputs<B>;
  using Options = ImageTextOptions;
  struct Outputs {
    ImageFeatures<B> image;
    TextFeatures<B> text;
  };

  /// For steps on custom inputs: without a tokenizer.
  /// @throws ArgumentError for shares outside their range and unsupported patch dropout.
  explicit ImageTextTask(const Model& model, const ImageTextOptions& options = {})
      : TaskDefaults<Model>(model), options_(options) {
    expect_patch_dropout<Model>(options.patch_dropout);
    expect_share(options.switchout, "switchout");
    expect_share(options.loss.captioning.label_smoothing, "label_smoothing");
  }

  /// @throws ArgumentError also for a tokenizer that does not fit the model.
  ImageTextTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : ImageTextTask(model, image_text_options(options.step, pad_id_of(subject.config))) {
    reader_.emplace(subject, model.vocab_size, model.context_length,
                    detail::word_dropout_options(options.step));
    config_ = subject.config;
    beams_ = options.beams;
  }

  /// Gives a model SigLIP's bias, if options need it. Before a Trainable binds its parameters.
  static void complete(Model& model, const ImageTextOptions& options) {
    if (options.loss.contrastive == ContrastiveKind::sigmoid) model.add_logit_bias();
  }

  std::vector<std::string> fields() const { return {"caption"}; }
  void prepare(const AnyDataset& data) { reader_->prepare(data); }

  Inputs inputs(Context<B>& context, const Batch& batch,
                const std::optional<StepSamples>& samples) const {
    return {to_device(context, batch.pixels), (*reader_)(batch.captions, samples)};
  }

  /// Every word counts: no padding, as the longest captions have none.
  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    const std::size_t length = this->model().context_length;
    return {empty_pictures(context, this->model(), batch),
            Tokens{std::vector<std::int32_t>(batch * length, 1), batch, length}};
  }

  std::size_t size(const Inputs& inputs) const { return inputs.texts.read.batch; }
  void check(const Inputs& inputs) const { inputs.check(this->model().vocab_size); }

  Outputs forward(Context<B>& context, const Inputs& inputs, const BatchPart& part) const {
    ImageFeatures<B> image =
        encode_images(context, this->model(), inputs.pixels, part, options_.patch_dropout);
    const Tokens texts = read_texts(inputs.texts.read, part, options_, this->model().vocab_size);
    return {std::move(image), this->model().encode_text(context, texts)};
  }

  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    return open_clip_config_file(config_, preprocess, this->model().has_logit_bias());
  }

 protected:
  const CoCaLossOptions& loss() const noexcept { return options_.loss; }

  // What the model says of pictures.
  std::vector<std::string> captions(Context<B>& context, std::span<const Pixels> pictures) const {
    return caption_all(context, this->model(), reader_->tokenizer(), pictures, beams_);
  }

 private:
  ImageTextOptions options_;
  std::optional<CaptionReader> reader_;
  AnyConfig config_{};
  std::size_t beams_ = 1;
};

}  // namespace coca
