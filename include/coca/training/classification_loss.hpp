#pragma once
/// @file
/// The inputs of classification, and the loss of a part of them.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coca/losses/captioning.hpp"
#include "coca/losses/cross_entropy.hpp"
#include "coca/training/mixup.hpp"
#include "coca/training/task_defaults.hpp"

namespace coca {

/// Choices of the task.
struct ClassificationOptions {
  float label_smoothing = 0;  ///< share of each target that all classes have equally, below 1
  double patch_dropout = 0;   ///< share of each picture's patches that a step leaves out, below 1
  MixupOptions mixing{};
};

/// Those of a run.
inline ClassificationOptions classification_options(const TrainingSteps& options) {
  return {.label_smoothing = static_cast<float>(options.label_smoothing),
          .patch_dropout = options.patch_dropout,
          .mixing = {.mixup = options.mixup, .cutmix = options.cutmix}};
}

/// Pictures and the class of each.
template <Backend B>
struct LabelledImages {
  Array<B> pixels;                   ///< [batch, 3, image_size, image_size]
  std::vector<std::int32_t> labels;  ///< no_label: counts for nothing
  Array<B> targets{};                ///< [batch, classes] of mixed pictures, or nothing
  /// [batch, encoder_tokens, encoder_width] of a frozen encoder, in the place of pixels; or nothing
  Array<B> tokens{};

  /// @throws ShapeError for another number of labels; ArgumentError for one that is no class.
  void check(std::size_t classes) const {
    expect_one_each<B>(tokens ? tokens : pixels, labels.size(), "label");
    detail::expect_labels(labels, labels.size(), classes, no_label);
    if (targets) expect_shape(targets, {labels.size(), classes}, "classification: targets");
  }

  /// Pictures that count.
  double count() const { return static_cast<double>(count_labels(labels, no_label)); }

  /// Some of the pictures, with their labels and targets.
  LabelledImages part(const BatchPart& part) const {
    const auto first = labels.begin() + static_cast<std::ptrdiff_t>(part.first);
    const auto some = [&part](const Array<B>& all) {
      return all ? all.slice(part.first, part.count) : Array<B>{};
    };
    return {some(pixels),
            {first, first + static_cast<std::ptrdiff_t>(part.count)},
            some(targets),
            some(tokens)};
  }
};

/// The pictures of a batch mixed in pairs, with their targets.
/// @throws ArgumentError for a picture without label, and as expect_mixup.
template <Backend B>
LabelledImages<B> mixed_images(Context<B>& context, const Batch& batch, const StepSamples& samples,
                               const ClassificationOptions& options, std::size_t classes) {
  expect_mixup(options.mixing, batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (batch.labels[i] == no_label)
      throw ArgumentError("mixup and cutmix need a label for each picture, but " + batch.names[i] +
                          " has none");
  detail::expect_labels(batch.labels, batch.size(), classes, no_label);
  PixelBatch pictures = batch.pixels;
  const Mixing mixing = draw_mixing(options.mixing, pictures, samples.draws(0, "mixup"));
  mix_pictures(pictures, mixing);
  const std::vector<float> targets =
      mixed_targets(batch.labels, classes, mixing.share, double{options.label_smoothing});
  const std::vector<typename B::value_type> values(targets.begin(), targets.end());
  return {to_device(context, pictures), batch.labels,
          context.to_device(values, Shape{batch.size(), classes})};
}

/// Adds the cross-entropy of a part, divided by the pictures of all parts and processes.
/// @param logits [count, classes]
template <Backend B>
void add_classification_loss(Context<B>& context, const Array<B>& logits,
                             const LabelledImages<B>& part, const ClassificationOptions& options,
                             const LossSums<B>& sums) {
  if (sums.counts[0] == 0) return;
  const float weight = 1 / static_cast<float>(sums.counts[0]);
  if (part.targets)
    return soft_cross_entropy(context, logits, part.targets, weight, sums.part_losses[0]);
  cross_entropy(
      context, logits, part.labels,
      {.ignored_label = no_label, .label_smoothing = options.label_smoothing, .weight = weight},
      sums.part_losses[0]);
}

}  // namespace coca
