#pragma once
/// @file
/// The quality of a model in training on data that it is not trained on.

#include <atomic>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "coca/data/loader.hpp"
#include "coca/losses/cross_entropy.hpp"
#include "coca/training/task.hpp"

namespace coca {

/// Scores of a model.
struct ValidationScores {
  std::size_t pictures = 0;
  NamedNumbers losses{};  ///< weighted as in training; batch losses within batches of its size
  NamedNumbers scores{};  ///< what the task measures, such as "image_to_text.r1"
};

inline constexpr double lowest_quality = std::numeric_limits<double>::lowest();

/// A number that is larger for a better model: the task's first score, such as accuracy, or the
/// negative loss where there are no scores; lowest_quality without pictures.
inline double quality_of(const ValidationScores& scores) {
  if (scores.pictures == 0) return lowest_quality;
  return scores.scores.empty() ? -sum_of(scores.losses) : scores.scores.front().value;
}

/// Gathers losses and scores, batch by batch.
template <TrainingTask Task>
class ValidationPass {
 public:
  using B = typename Task::model_type::backend_type;

  ValidationPass(Context<B>& context, const Task& task)
      : context_(context),
        task_(task),
        scorer_(task.scorer()),
        batch_losses_(task.batch_losses().size()),
        part_losses_(task.part_losses().size()),
        counts_(part_losses_.size()) {}

  void add(const typename Task::Inputs& inputs) {
    const std::size_t samples = task_.size(inputs);
    const BatchPart all{0, samples, std::nullopt};
    const typename Task::Outputs outputs = task_.forward(context_, inputs, all);
    add_losses(inputs, outputs, all);
    scorer_.add(context_, inputs, outputs);
    pictures_ += samples;
  }

  ValidationScores scores() const {
    ValidationScores result;
    result.pictures = pictures_;
    if (pictures_ == 0) return result;
    const auto mean = [](double sum, double count) { return count == 0 ? 0.0 : sum / count; };
    const auto batch_names = task_.batch_losses(), part_names = task_.part_losses();
    for (std::size_t i = 0; i < batch_names.size(); ++i)
      result.losses.push_back(
          {batch_names[i], mean(batch_losses_[i], static_cast<double>(pictures_))});
    for (std::size_t i = 0; i < part_names.size(); ++i)
      result.losses.push_back({part_names[i], mean(part_losses_[i], counts_[i])});
    result.scores = scorer_.scores();
    return result;
  }

 private:
  // The loss of a batch is a mean, so it counts as often as what it is the mean of.
  void add_losses(const typename Task::Inputs& inputs, const typename Task::Outputs& outputs,
                  const BatchPart& all) {
    const std::vector<double> counts = task_.counts(inputs);
    const auto batch_losses = zeros(batch_losses_.size()), part_losses = zeros(counts.size());
    const LossSums<B> sums{batch_losses, part_losses, counts};
    const auto compared = task_.compared(outputs);
    if (!compared.empty()) task_.add_batch_losses(context_, compared, SingleProcess{}, sums);
    task_.add_part_losses(context_, inputs, outputs, all, sums);
    for (std::size_t i = 0; i < batch_losses.size(); ++i)
      batch_losses_[i] += value(batch_losses[i]) * static_cast<double>(all.count);
    for (std::size_t i = 0; i < part_losses.size(); ++i) {
      part_losses_[i] += value(part_losses[i]) * counts[i];
      counts_[i] += counts[i];
    }
  }

  std::vector<Array<B>> zeros(std::size_t count) const {
    std::vector<Array<B>> losses;
    for (std::size_t i = 0; i < count; ++i) losses.push_back(make_loss(context_));
    return losses;
  }

  double value(const Array<B>& loss) const {
    return static_cast<double>(context_.to_host(loss).front());
  }

  Context<B>& context_;
  const Task& task_;
  decltype(std::declval<const Task&>().scorer()) scorer_;
  std::size_t pictures_ = 0;
  std::vector<double> batch_losses_, part_losses_, counts_;  // sums
};

/// Losses and scores over a data set.
/// @param loader of validation_loader_options(): one epoch of it
/// @param stop   ends the pass where it becomes true; nullptr: nothing does
/// @return nothing if it was stopped
template <TrainingTask Task>
std::optional<ValidationScores> validate(Context<typename Task::model_type::backend_type>& context,
                                         const Task& task, Loader& loader,
                                         const std::atomic<bool>* stop = nullptr) {
  ValidationPass<Task> pass(context, task);
  for (std::size_t i = 0; i < loader.batches_per_epoch(); ++i) {
    if (stop != nullptr && *stop) return std::nullopt;
    const Batch batch = loader.next();
    if (batch.size() != 0) pass.add(task.inputs(context, batch, std::nullopt));
  }
  return pass.scores();
}

}  // namespace coca
