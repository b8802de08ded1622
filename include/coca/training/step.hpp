#pragma once
/// @file
/// One step of the training of a CoCa: losses and gradients of a batch, in parts if memory is
/// short, over several processes if there are any, and the optimizer's update.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/losses/coca.hpp"
#include "coca/training/communicator.hpp"
#include "coca/training/gradient_reduction.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/patch_dropout.hpp"
#include "coca/training/share.hpp"
#include "coca/training/step_samples.hpp"
#include "coca/training/switchout.hpp"
#include "coca/training/trainable.hpp"
#include "coca/training/training_texts.hpp"

namespace coca {

/// Options of a training step.
struct TrainingStepOptions {
  CoCaLossOptions loss{};  ///< `captioning.labels` is counted, over all parts and processes
  TapeOptions tape{};
  /// Parts that a batch is computed in, one after the other. With more than one, the memory of
  /// activations is that of a part, and the towers are computed twice; losses and gradients are
  /// those of the whole batch.
  std::size_t accumulation = 1;
  /// Gradients that processes sum at a time, during the backward pass: at least so many, as far
  /// as there are.
  std::size_t bucket_size = std::size_t{1} << 20;
  double patch_dropout = 0;  ///< share of each picture's patches that a step drops, below 1
  /// Probability of replacing each input token of a text by a random one; the tokens to
  /// predict are unchanged. Below 1.
  double switchout = 0;
  std::uint64_t seed = 0;  ///< of both, with the number of the optimizer's step
};

/// The result of a step. Losses are those of all processes, weighted, before the update.
struct TrainingStepResult {
  float contrastive_loss = 0;
  float captioning_loss = 0;
  float gradient_norm = 0;            ///< before clipping
  float logit_scale = 0;              ///< the parameter, a logarithm, before the update
  std::optional<float> logit_bias{};  ///< before the update, if the model has one
  bool applied = false;               ///< false: something was not finite, and nothing has changed
};

/// Steps of a model that has the parts of CoCaModel.
template <class Model, class Processes = SingleProcess>
requires Communicator<Processes, typename Model::backend_type>
class TrainingStep {
 public:
  using B = typename Model::backend_type;

  /// The model, its Trainable, the optimizer and the context must live as long.
  /// @throws ArgumentError for no parts, for shares out of range, for patch dropout
  /// that the model's image encoder does not know, and for SigLIP's loss of a model without bias.
  TrainingStep(const Model& model, const Trainable<Model>& trainable, Optimizer<Model>& optimizer,
               Context<B>& context, TrainingStepOptions options = {}, Processes processes = {})
      : model_(model),
        trainable_(trainable),
        optimizer_(optimizer),
        context_(context),
        options_(options),
        processes_(std::move(processes)),
        reduction_(trainable, context, processes_, options.bucket_size) {
    if (options.accumulation == 0) throw ArgumentError("a batch cannot be computed in 0 parts");
    expect_share(options.patch_dropout, "patch_dropout");
    expect_share(options.switchout, "switchout");
    expect_share(options.loss.captioning.label_smoothing, "label_smoothing");
    if (options.patch_dropout > 0 && !DropsPatches<Model>)
      throw ArgumentError("patch_dropout: this model's image encoder cannot leave out patches");
    if (is_sigmoid() && !model.has_logit_bias())
      throw ArgumentError(
          "SigLIP's loss was requested, but the model has no logit_bias: call add_logit_bias() "
          "before its parameters are bound");
  }

  const TrainingStepOptions& options() const noexcept { return options_; }
  const GradientReduction<Model, Processes>& reduction() const noexcept { return reduction_; }

  /// Computes gradients and lets the optimizer update the parameters.
  /// @param pixels [batch, 3, image_size, image_size]
  /// @param texts  [batch, length], or Tokens, if the input is also what is to be predicted
  /// @throws ShapeError if there are not as many texts as pictures, or if the parts cannot be
  ///         of one size.
  TrainingStepResult operator()(const Array<B>& pixels, const TrainingTexts& texts,
                                double learning_rate) {
    TrainingStepResult result = compute_gradients(pixels, texts);
    const std::array losses{result.contrastive_loss, result.captioning_loss};
    const OptimizerResult update = optimizer_.step(learning_rate, losses);
    result.gradient_norm = update.gradient_norm;
    result.applied = update.applied;
    return result;
  }

  /// The first half: leaves the gradients of the losses in the Trainable, summed over all
  /// processes. `gradient_norm` and `applied` are not set.
  TrainingStepResult compute_gradients(const Array<B>& pixels, const TrainingTexts& texts) {
    expect_batch(pixels, texts);
    trainable_.forget_gradients();
    const Array<B> numbers = context_.empty(Shape{4});  // both losses, logit_scale, logit_bias
    context_.backend().fill(numbers, 0.0f);
    const auto number = [&](std::size_t i) { return numbers.slice(i, 1); };
    context_.backend().add(model_.logit_scale().reshaped({1}), number(2));
    if (model_.has_logit_bias())
      context_.backend().add(model_.logit_bias().reshaped({1}), number(3));
    const CaptioningOptions captioning = captioning_options(texts.predicted);
    if (options_.accumulation == 1)
      whole_batch(pixels, texts, captioning, number(0), number(1));
    else
      in_parts(pixels, texts, captioning, number(0), number(1));
    trainable_.settle_gradients();
    reduction_.finish();
    const auto host = context_.to_host(numbers);
    const auto sums = processes_.sum({static_cast<double>(host[0]), static_cast<double>(host[1])});
    TrainingStepResult result{.contrastive_loss = static_cast<float>(sums[0]),
                              .captioning_loss = static_cast<float>(sums[1]),
                              .logit_scale = static_cast<float>(host[2])};
    if (model_.has_logit_bias()) result.logit_bias = static_cast<float>(host[3]);
    return result;
  }

 private:
  bool is_sigmoid() const { return options_.loss.contrastive == ContrastiveKind::sigmoid; }

  void expect_batch(const Array<B>& pixels, const TrainingTexts& texts) const {
    const std::size_t pictures = pixels.shape().rank() == 0 ? 0 : pixels.shape()[0];
    if (pictures == 0 || pictures != texts.read.batch)
      throw ShapeError("a training step needs a text for each picture, got " +
                       std::to_string(pictures) + " pictures and " +
                       std::to_string(texts.read.batch) + " texts");
    expect_known_tokens(texts.read, Model::vocab_size);
    expect_known_tokens(texts.predicted, Model::vocab_size);
    if (pictures % options_.accumulation != 0)
      throw ShapeError("a batch of " + std::to_string(pictures) + " cannot be computed in " +
                       std::to_string(options_.accumulation) + " equal parts");
  }

  // Divides by the labels of all parts and processes.
  CaptioningOptions captioning_options(const Tokens& tokens) const {
    CaptioningOptions options = options_.loss.captioning;
    const std::size_t own = count_labels(next_token_labels(tokens, options.pad_id));
    options.labels = static_cast<std::size_t>(processes_.sum({static_cast<double>(own)})[0]);
    return options;
  }

  void whole_batch(const Array<B>& pixels, const TrainingTexts& texts,
                   const CaptioningOptions& captioning, const Array<B>& contrastive_sum,
                   const Array<B>& captioning_sum) {
    Tape<B> tape(context_, options_.tape);
    trainable_.watch(tape);
    reduction_.follow(tape, WayBack::last);
    {
      const Recording<B> recording(context_, &tape);
      const ImageFeatures<B> image = encode_image(pixels, 0, pixels.shape()[0]);
      const TextFeatures<B> text = encode_text(texts.read, 0, texts.read.batch);
      contrast(image.embedding, text.embedding, contrastive_sum);
      caption(image, text, texts.predicted, captioning, captioning_sum);
    }
    tape.backward();
  }

  // [first, first + count) of the `all` that this process has of the step.
  StepSamples samples(std::size_t first, std::size_t count, std::size_t all) const {
    return {.seed = options_.seed,
            .step = optimizer_.step_count(),
            .first = processes_.rank() * all + first,
            .count = count};
  }

  // Of texts [first, first + count), with the words that this step replaces.
  TextFeatures<B> encode_text(const Tokens& tokens, std::size_t first, std::size_t count) const {
    Tokens some = rows(tokens, first, count);
    if (options_.switchout > 0)
      some = switch_out(std::move(some), samples(first, count, tokens.batch),
                        options_.loss.captioning.pad_id, Model::vocab_size, options_.switchout);
    return model_.encode_text(context_, some);
  }

  // Of pictures [first, first + count), without the patches that this step leaves out.
  ImageFeatures<B> encode_image(const Array<B>& pixels, std::size_t first,
                                std::size_t count) const {
    const Array<B> some = pixels.slice(first, count);
    if constexpr (DropsPatches<Model>) {
      if (options_.patch_dropout > 0) {
        const auto kept = draw_kept_tokens(samples(first, count, pixels.shape()[0]),
                                           Model::encoder_tokens, options_.patch_dropout);
        return model_.encode_image(context_, some,
                                   context_.to_device(kept, Shape{count, kept.size() / count}));
      }
    }
    return model_.encode_image(context_, some);
  }

  // The contrastive loss covers all embeddings at once, so these are computed without tape first,
  // then its gradients with respect to them, and with those each part runs its own backward pass
  // (Gao et al. 2021, arXiv 2101.06983; the gradients of OpenCLIP's --accum-freq, but with one pass
  // through the loss, where logit_scale has its gradient once).
  void in_parts(const Array<B>& pixels, const TrainingTexts& texts,
                const CaptioningOptions& captioning, const Array<B>& contrastive_sum,
                const Array<B>& captioning_sum) {
    const Embeddings all = all_embeddings(pixels, texts.read);
    const Embeddings gradients = embedding_gradients(all, contrastive_sum);
    const std::size_t size = pixels.shape()[0] / options_.accumulation;
    for (std::size_t first = 0; first < pixels.shape()[0]; first += size) {
      Tape<B> tape(context_, options_.tape);
      trainable_.watch(tape);
      reduction_.follow(tape, first + size == texts.read.batch ? WayBack::last : WayBack::part);
      {
        const Recording<B> recording(context_, &tape);
        const ImageFeatures<B> image = encode_image(pixels, first, size);
        const TextFeatures<B> text = encode_text(texts.read, first, size);
        start_from(tape, image.embedding, gradients.image.slice(first, size));
        start_from(tape, text.embedding, gradients.text.slice(first, size));
        caption(image, text, rows(texts.predicted, first, size), captioning, captioning_sum);
      }
      tape.backward();
    }
  }

  // Of pictures and texts, or the gradients by them, each [batch, embed_dim].
  struct Embeddings {
    Array<B> image, text;
  };

  Embeddings empty_embeddings(std::size_t batch) const {
    const Shape shape{batch, Model::embed_dim};
    return {context_.empty(shape), context_.empty(shape)};
  }

  Embeddings all_embeddings(const Array<B>& pixels, const Tokens& tokens) const {
    const Recording<B> off(context_, nullptr);
    const std::size_t batch = pixels.shape()[0], size = batch / options_.accumulation;
    Embeddings all = empty_embeddings(batch);
    for (std::size_t first = 0; first < batch; first += size) {
      const auto put = [&](const Array<B>& some, const Array<B>& into) {
        Array<B> output = into.reshaped({1, batch, Model::embed_dim});
        write_tokens(context_, some.reshaped({1, size, Model::embed_dim}), Array<B>{}, first,
                     output);
      };
      put(encode_image(pixels, first, size).embedding, all.image);
      put(encode_text(tokens, first, size).embedding, all.text);
    }
    return all;
  }

  // Adds the loss and the gradient of logit_scale too.
  Embeddings embedding_gradients(const Embeddings& all, const Array<B>& contrastive_sum) {
    const Embeddings gradients = empty_embeddings(all.image.shape()[0]);
    Tape<B> tape(context_);
    trainable_.watch(tape);
    reduction_.follow(tape, WayBack::losses);
    for (const auto& [values, gradient] :
         {std::pair{all.image, gradients.image}, std::pair{all.text, gradients.text}}) {
      context_.backend().fill(gradient, 0.0f);
      tape.watch(values, gradient);
    }
    {
      const Recording<B> recording(context_, &tape);
      contrast(all.image, all.text, contrastive_sum);
    }
    tape.backward();
    return gradients;
  }

  // The gradient of what follows an output; nothing if only frozen parameters led to it.
  void start_from(Tape<B>& tape, const Array<B>& output, const Array<B>& gradient) const {
    if (tape.follows(output)) context_.backend().add(gradient, tape.gradient(output));
  }

  // Own embeddings among those of all processes. SigLIP's pairs are all there once as own pictures
  // with everybody's texts.
  void contrast(const Array<B>& image, const Array<B>& text, const Array<B>& sum) const {
    const std::size_t own = image.shape()[0];
    const ContrastiveFeatures<B> features{
        .image = image,
        .text = text,
        .all_image = is_sigmoid() ? Array<B>{} : processes_.all_gather(context_, image),
        .all_text = processes_.all_gather(context_, text),
        .first = processes_.rank() * own};
    contrastive_loss(context_, model_, features, options_.loss, sum, processes_.size() * own);
  }

  void caption(const ImageFeatures<B>& image, const TextFeatures<B>& text, const Tokens& predicted,
               const CaptioningOptions& captioning, const Array<B>& sum) const {
    const auto& decoder = model_.multimodal_decoder();
    captioning_loss(context_, decoder.features(context_, text.tokens, image.tokens),
                    decoder.projection(), predicted, captioning, sum);
  }

  static Tokens rows(const Tokens& tokens, std::size_t first, std::size_t count) {
    const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(first * tokens.length);
    return {
        {begin, begin + static_cast<std::ptrdiff_t>(count * tokens.length)}, count, tokens.length};
  }

  const Model& model_;
  const Trainable<Model>& trainable_;
  Optimizer<Model>& optimizer_;
  Context<B>& context_;
  TrainingStepOptions options_;
  Processes processes_;
  GradientReduction<Model, Processes> reduction_;
};

}  // namespace coca
