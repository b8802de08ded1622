#pragma once
/// @file
/// What --init-from gives to a model that is trained.

#include <string>
#include <vector>

#include "coca/io/open_checkpoint.hpp"
#include "training.hpp"

namespace coca_examples {

/// Weights to begin with.
struct InitialWeights {
  coca::Checkpoint checkpoint;
  bool of_classifier = false;          ///< an image encoder with a head, and no text tower
  bool of_videos = false;              ///< the same of videos
  std::vector<std::string> classes{};  ///< of a classifier, if a file next to it names them
};

/// Opens the weights of --init-from, a file or a folder.
InitialWeights initial_weights(const TrainingRequest& request);

/// Says which weights are not among those of --init-from.
void tell_random(const std::vector<std::string>& names, const TrainingRequest& request);

}  // namespace coca_examples
