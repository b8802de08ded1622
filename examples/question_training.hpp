#pragma once
/// @file
/// Training of models that answer, which take a captioner from --init-from.

#include "coca/training/question_data.hpp"
#include "training.hpp"

namespace coca_examples {

/// Makes the model of a task for which coca::reads_questions() and trains it.
/// @throws coca::ArgumentError for a configuration without a multimodal decoder
coca::TrainingEnd run_question_training(const TrainingRequest& request);

}  // namespace coca_examples
