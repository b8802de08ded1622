#pragma once
/// @file
/// What learns in a run: a task's model with its optimizer and the average of its weights.

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "coca/training/exponential_average.hpp"
#include "coca/training/step.hpp"
#include "coca/training/training_checkpoint.hpp"
#include "coca/training/training_choices.hpp"

namespace coca {

/// Takes steps, and knows everything that a checkpoint must hold to take the same ones again.
template <TrainingTask Task, class Processes>
class Learner {
 public:
  using Model = typename Task::model_type;
  using B = typename Model::backend_type;

  /// @param model must live as long
  /// @throws ArgumentError for options that the task, the optimizer or the average refuse.
  Learner(Model& model, const TrainingSubject& subject, const TrainingOptions& options,
          const Processes& processes)
      : model_(model),
        context_(model.backend()),
        task_(model, subject, options),
        trainable_(model, all_but(model, unchanged(options.step))),
        optimizer_(trainable_, model.backend(), detail::optimizer_options(options.step)),
        step_(task_, trainable_, optimizer_, context_, detail::step_options(options), processes) {
    if (options.step.ema_decay > 0)
      average_.emplace(
          trainable_, model.backend(),
          ExponentialAverageOptions{.decay = static_cast<float>(options.step.ema_decay)});
  }

  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  Task& task() noexcept { return task_; }
  const Task& task() const noexcept { return task_; }
  Context<B>& context() noexcept { return context_; }

  /// One step, which the average follows.
  TrainingStepResult step(const typename Task::Inputs& inputs, double learning_rate) {
    const TrainingStepResult result = step_(inputs, learning_rate);
    if (result.applied && average_) average_->update();
    return result;
  }

  /// Whether the losses of some inputs and their gradients are finite. Changes no weight.
  bool is_sound(const typename Task::Inputs& inputs) {
    const TrainingStepResult result = step_.compute_gradients(inputs);
    return std::isfinite(optimizer_.gradient_norm()) &&
           std::all_of(result.losses.begin(), result.losses.end(),
                       [](const NamedNumber& loss) { return std::isfinite(loss.value); });
  }

  /// Calls body() while the model has the weights to validate and to save for others: the average,
  /// if there is one.
  template <class Body>
  auto with_exported_weights(const Body& body) {
    if (!average_) return body();
    const auto averaged = average_->in_place();
    return body();
  }

  /// Gives all processes the weights of the first.
  void share(const Processes& processes) { processes.broadcast(context_, trainable_.values()); }

  TrainedTensors<Model> tensors() { return {model_, optimizer_, average_ ? &*average_ : nullptr}; }

  /// Adds the counts that belong to tensors().
  void note(TrainingRecord& record) const {
    record.optimizer_steps = optimizer_.step_count();
    record.average_updates = average_ ? average_->update_count() : 0;
    record.backend = detail::backend_choices<B>();
  }
  /// Takes them from a checkpoint, whose tensors are read separately.
  void restore(const TrainingRecord& record) {
    optimizer_.set_step_count(record.optimizer_steps);
    if (average_) average_->set_update_count(record.average_updates);
  }

 private:
  std::vector<std::string> unchanged(const TrainingSteps& options) const {
    std::vector<std::string> prefixes = task_.unused();
    prefixes.insert(prefixes.end(), options.freeze.begin(), options.freeze.end());
    return prefixes;
  }

  Model& model_;
  Context<B> context_;
  Task task_;
  Trainable<Model> trainable_;
  Optimizer<Model> optimizer_;
  TrainingStep<Task, Processes> step_;
  std::optional<ExponentialAverage<Model>> average_;
};

}  // namespace coca
