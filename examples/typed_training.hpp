#pragma once
/// @file
/// The training of one configuration. Compiled once for each preset.

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/load.hpp"
#include "training.hpp"

namespace coca_examples {

/// Random weights, or those given; a resumed run has its own.
template <class Model>
void fill(Model& model, const TrainingRequest& request) {
  const std::string& path = request.options.init_from;
  if (request.resume || path.empty()) {
    if (request.logit_bias) model.add_logit_bias();
    return coca::initialize(model, request.options.seed);
  }
  const auto folder = coca::find_hugging_face_folder(path);
  coca::load_weights(model, coca::open_checkpoint(folder ? folder->weights : path),
                     {.interpolate_positions = true});
  if (request.logit_bias) model.add_logit_bias();
}

template <class Model>
coca::TrainingEnd run_training(const TrainingRequest& request) {
  Model model(typename Model::backend_type(coca::training_cpu_options(request.options)));
  fill(model, request);
  coca::Trainer trainer(model, request.subject, request.options, request.events, request.processes);
  if (request.resume) trainer.resume();
  if (request.on_start)
    request.on_start(coca::count_parameters(model), trainer.loader().dataset().size(),
                     trainer.state(), trainer.steps());
  return trainer.run();
}

template <coca::CoCaConfig config>
coca::TrainingEnd run_training(const TrainingRequest& request) {
  using F32 = coca::CoCa<config, coca::Cpu<float>>;
  using Bf16 = coca::CoCa<config, coca::Cpu<float, coca::bfloat16>>;
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_training<Bf16>(request)
             : run_training<F32>(request);
}

}  // namespace coca_examples
