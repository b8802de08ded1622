#pragma once
/// @file
/// What holds for every task: parts add up to the whole, and steps reduce the losses.

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "training/small_training.hpp"

namespace coca::testing {

/// A model with everything that steps of its task need.
template <class Task>
struct TestedTask {
  using Model = typename Task::model_type;
  using B = typename Model::backend_type;

  explicit TestedTask(Model made, const typename Task::Options& options = {},
                      TrainingStepOptions step_options = {})
      : model(std::move(made)),
        task(model, options),
        trainable(model, all_but(model, task.unused())),
        context(model.backend()),
        optimizer(trainable, model.backend(), {.groups = {.weight_decay = 0.2f}}),
        step(task, trainable, optimizer, context, step_options) {}

  std::vector<float> gradients() { return context.to_host(trainable.gradients()); }

  Model model;
  Task task;
  Trainable<Model> trainable;
  Context<B> context;
  Optimizer<Model> optimizer;
  TrainingStep<Task> step;
};

/// Four pictures with their texts.
inline ImageTextInputs<Reference<float>> some_inputs() {
  SmallTraining<Reference<float>> batch;
  return {batch.pixels(), batch.tokens()};
}

/// A batch in two parts has the losses and gradients of the whole, and steps reduce the losses.
template <class Task, class Inputs>
void check_task(typename Task::model_type model, const Inputs& inputs,
                const typename Task::Options& options, const std::string& loss) {
  TestedTask<Task> whole(model, options), parts(model, options, {.accumulation = 2});
  const TrainingStepResult all = whole.step.compute_gradients(inputs);
  const TrainingStepResult some = parts.step.compute_gradients(inputs);
  REQUIRE(all.losses.size() == 1);
  CHECK(all.losses[0].name == loss);
  CHECK(std::abs(all.losses[0].value - some.losses[0].value) <= 1e-5);
  CHECK(distance(parts.gradients(), whole.gradients()) <= 1e-5 * norm_of(whole.gradients()));
  CHECK(norm_of(whole.gradients()) > 0);
  TrainingStepResult last;
  for (int i = 0; i < 5; ++i) last = whole.step(inputs, 1e-3);
  CHECK(last.applied);
  CHECK(last.losses[0].value < all.losses[0].value);
}

}  // namespace coca::testing
