#pragma once
/// @file
/// Training of any configuration; a separate file, since it takes longest to compile.

#include <cstddef>
#include <cstdint>
#include <functional>

#include "coca/io/json.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/training/mpi_communicator.hpp"
#include "coca/training/trainer.hpp"

namespace coca_examples {

/// All that a run needs except the type of the model.
struct TrainingRequest {
  coca::TrainingSubject subject;
  coca::TrainingOptions options{};
  coca::TrainingEvents events{};
  /// Called with pictures done and all, while features of a frozen encoder are computed.
  std::function<void(std::size_t, std::size_t)> on_features{};
  coca::MpiCommunicator processes{};  ///< those of mpirun, or only this one
  bool resume = false;                ///< from the checkpoint in the run's folder
  bool logit_bias = false;            ///< whether the model is to have one
  bool data_changed = false;          ///< resume with other data than at the checkpoint
  coca::Json backend{};               ///< choices of the run that is resumed
  /// Called before the first step with the number of weights, pictures and steps.
  std::function<void(std::size_t, std::size_t, const coca::TrainingState&, std::uint64_t)>
      on_start{};
};

/// Makes the model and trains it.
coca::TrainingEnd run_training(const TrainingRequest& request);

}  // namespace coca_examples
