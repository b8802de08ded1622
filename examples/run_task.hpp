#pragma once
/// @file
/// A run of any task; what instantiates it takes long to compile.

#include "training.hpp"

namespace coca_examples {

/// Trains a model that has weights.
template <class Task>
coca::TrainingEnd run_task(typename Task::model_type& model, const TrainingRequest& request) {
  coca::Trainer<Task, coca::MpiCommunicator> trainer(model, request.subject, request.options,
                                                     request.events, request.processes);
  if (request.resume) trainer.resume({.data_changed = request.data_changed});
  if (request.on_start)
    request.on_start(coca::count_parameters(model), trainer.loader().dataset().size(),
                     trainer.state(), trainer.steps());
  return trainer.run();
}

}  // namespace coca_examples
