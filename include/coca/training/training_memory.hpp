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

/// What a step needs in the memory of the backend: two steps are run on a Plan, which
/// counts every buffer. The scratch memory of kernels (some megabytes per thread), a loader's
/// batches and a weight average (as large as the parameters) are additional.
///
/// @code
/// using Planned = coca::CoCa<config, coca::Plan<coca::Cpu<>>>;
/// const auto memory = coca::training_memory<Planned>(32, {}, {.tape = {.recompute_blocks =
/// true}});
/// @endcode
/// @tparam PlannedModel the model, on Plan<its backend>
/// @throws ArgumentError or ShapeError if the step would.
template <class PlannedModel>
TrainingMemory training_memory(std::size_t batch, const OptimizerOptions& optimizer_options = {},
                               const TrainingStepOptions& step_options = {}) {
  using B = typename PlannedModel::backend_type;
  const std::size_t before = CountedMemory::count().now;
  const auto since_before = [&] { return CountedMemory::count().now - before; };
  PlannedModel model;
  if (step_options.loss.contrastive == ContrastiveKind::sigmoid) model.add_logit_bias();
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
  TrainingStep<PlannedModel> step(model, trainable, optimizer, context, step_options);
  // No padding, since the longest captions have none.
  const Tokens tokens{std::vector<std::int32_t>(batch * PlannedModel::context_length, 1), batch,
                      PlannedModel::context_length};
  CountedMemory::reset();
  for (int i = 0; i < 2; ++i) {
    const Array<B> pixels = context.template empty<typename B::value_type>(
        Shape{batch, 3, PlannedModel::image_size, PlannedModel::image_size});
    step(pixels, tokens, 0.0);
  }
  memory.workspace = CountedMemory::count().peak - before - standing;
  return memory;
}

}  // namespace coca
