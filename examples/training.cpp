#include "training.hpp"

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/load.hpp"

namespace coca_examples {

namespace {

/// Random weights, or those that are named; a run that goes on has its own.
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

/// Once for each precision, whatever the configuration.
template <class B>
coca::TrainingEnd run_training_on(const TrainingRequest& request) {
  coca::StandardCoCa<B> model(request.subject.config,
                              B(coca::training_cpu_options(request.options)));
  fill(model, request);
  coca::Trainer trainer(model, request.subject, request.options, request.events, request.processes);
  if (request.resume) trainer.resume();
  if (request.on_start)
    request.on_start(coca::count_parameters(model), trainer.loader().dataset().size(),
                     trainer.state(), trainer.steps());
  return trainer.run();
}

}  // namespace

coca::TrainingEnd run_training(const TrainingRequest& request) {
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_training_on<coca::Cpu<float, coca::bfloat16>>(request)
             : run_training_on<coca::Cpu<float>>(request);
}

}  // namespace coca_examples
