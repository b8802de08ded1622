#pragma once
/// @file
/// The memory that training will need, known before it starts.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "coca/backend/plan.hpp"
#include "coca/models/initialize.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/step.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// Bytes, by purpose.
struct TrainingMemory {
  std::size_t parameters = 0;  ///< values
  std::size_t gradients = 0;
  std::size_t optimizer_state = 0;  ///< moments
  std::size_t workspace = 0;        ///< activations, their gradients and logits, at the peak

  std::size_t total() const { return parameters + gradients + optimizer_state + workspace; }
};

/// What a step of a task needs in the memory of the backend: two steps are run on a Plan, which
/// counts every buffer. The scratch memory of kernels (some megabytes per thread), a loader's
/// batches and an average of the weights (as large as the parameters) come on top.
///
/// @code
/// using Planned = coca::CoCaTask<coca::CoCa<config, coca::Plan<coca::Cpu<>>>>;
/// const auto memory = coca::training_memory<Planned>(32, {}, {.tape = {.recompute_blocks =
/// true}});
/// @endcode
/// @tparam PlannedTask the task of the model, on Plan<its backend>
/// @param task_options what the task is made with, after the model
/// @throws ArgumentError or ShapeError if the step would.
template <TaskLosses PlannedTask, class TaskOptions = typename PlannedTask::Options>
TrainingMemory training_memory(std::size_t batch, const OptimizerOptions& optimizer_options = {},
                               const TrainingStepOptions& step_options = {},
                               const TaskOptions& task_options = {}) {
  using PlannedModel = typename PlannedTask::model_type;
  using B = typename PlannedModel::backend_type;
  const std::size_t before = CountedMemory::count().now;
  const auto since_before = [&] { return CountedMemory::count().now - before; };
  PlannedModel model;
  if constexpr (requires { PlannedTask::complete(model, task_options); })
    PlannedTask::complete(model, task_options);
  for_each_parameter(model, [&](auto& parameter) {
    const auto nothing = [](std::size_t, std::size_t, float*) {};
    parameter.load(model.backend(), WeightSource{parameter.shape(), nothing});
  });
  const Trainable<PlannedModel> trainable(model);
  TrainingMemory memory;
  memory.gradients = trainable.gradients().size() * sizeof(typename B::value_type);
  memory.parameters = since_before() - memory.gradients;
  Optimizer<PlannedModel> optimizer(trainable, model.backend(), optimizer_options);
  const std::size_t standing = since_before();
  memory.optimizer_state = standing - memory.parameters - memory.gradients;

  Context<B> context;
  const PlannedTask task(model, task_options);
  TrainingStep step(task, trainable, optimizer, context, step_options);
  CountedMemory::reset();
  for (int i = 0; i < 2; ++i) step(task.largest_inputs(context, batch), 0.0);
  memory.workspace = CountedMemory::count().peak - before - standing;
  return memory;
}

}  // namespace coca
