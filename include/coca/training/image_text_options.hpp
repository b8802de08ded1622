#pragma once
/// @file
/// The options of tasks on pictures and their texts.

#include "coca/losses/coca.hpp"
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

/// Those of a run. @param pad_id of the model's texts
/// @throws ArgumentError for mixup and cutmix, which need the targets of classification.
inline ImageTextOptions image_text_options(const TrainingSteps& options, int pad_id) {
  if (options.mixup != 0 || options.cutmix != 0)
    throw ArgumentError("mixup and cutmix need labels, which only the task classify has");
  return {.loss = detail::loss_options(options, pad_id),
          .patch_dropout = options.patch_dropout,
          .switchout = options.switchout};
}

}  // namespace coca
