#pragma once
/// @file
/// The paper's choices for tasks on questions and sentences (arXiv 2205.01917, Table 10).

#include <cstddef>
#include <string>
#include <vector>

#include "coca/training/training_options.hpp"

namespace coca {

namespace detail {

/// A column of Table 10.
struct FinetuningColumn {
  const char* task;
  std::size_t steps;
  std::size_t batch_size;
  double head_rate;   ///< peak learning rate of the new pooler and what follows it
  const char* share;  ///< of it that the captioner's weights have
  bool augmented;     ///< RandAugment 1, 10; otherwise pictures stay as they are
};

inline constexpr FinetuningColumn finetuning_columns[] = {
    {"vqa", 100'000, 64, 5e-4, "0.04", true},
    {"entailment", 50'000, 128, 1e-3, "0.05", true},
    {"pairs", 50'000, 64, 5e-4, "0.04", false},
};

inline const FinetuningColumn* finetuning_column(const std::string& task) {
  for (const FinetuningColumn& column : finetuning_columns)
    if (task == column.task) return &column;
  return nullptr;
}

}  // namespace detail

/// Sets the options that the paper has for options.task; those of tasks that Table 10 does not have
/// stay. The length of a run is set by set_finetuning_steps(): until then `epochs` is 0. The paper
/// does not say how much the captioning loss of questions counts; here it is 1.
inline void set_finetuning_defaults(TrainingOptions& options) {
  const detail::FinetuningColumn* column = detail::finetuning_column(options.task);
  if (column == nullptr) return;
  TrainingSteps& step = options.step;
  step.batch_size = column->batch_size;
  step.epochs = step.steps = 0;
  step.optimizer = OptimizerKind::adafactor;
  step.learning_rate = column->head_rate;
  step.rate.clear();
  for (const char* part : {"visual", "text", "text_decoder"})
    step.rate.push_back(std::string(part) + "=" + column->share);
  step.schedule = ScheduleKind::cosine;
  step.final_learning_rate = 0;
  step.warmup_steps = 1000;
  step.weight_decay = 0.1;
  step.clip_norm = 1;
  step.caption_weight = 1;
  options.data.augment = column->augmented;
  if (column->augmented) options.data.augmentation.rand_augment = {1, 10};
}

/// The paper's number of steps, if nothing else says how long a run is.
inline void set_finetuning_steps(TrainingOptions& options) {
  const detail::FinetuningColumn* column = detail::finetuning_column(options.task);
  if (column != nullptr && options.step.epochs == 0 && options.step.steps == 0)
    options.step.steps = column->steps;
}

}  // namespace coca
