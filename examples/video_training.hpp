#pragma once
/// @file
/// Training of classifiers of videos; a separate file, so that it is compiled next to the others.

#include "training.hpp"

namespace coca_examples {

/// Makes the model of the task "video" and trains it.
coca::TrainingEnd run_video_training(const TrainingRequest& request);

}  // namespace coca_examples
