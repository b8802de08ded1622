#include "video_training.hpp"

#include <string>
#include <utility>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/standard_video_classifier.hpp"
#include "coca/training/partial_weights.hpp"
#include "coca/training/tasks/video.hpp"
#include "feature_training.hpp"
#include "initial_weights.hpp"
#include "run_task.hpp"

namespace coca_examples {

namespace {

/// A classifier takes the image encoder of --init-from, and the head of one of the same classes.
template <class B>
coca::TrainingEnd run_on(const TrainingRequest& request) {
  using Model = coca::StandardVideoClassifier<B>;
  using Task = coca::VideoTask<Model>;
  const coca::TrainingOptions& options = request.options;
  coca::preset_backend_choices<B>(request.backend, options.output);
  Model model = coca::make_video_classifier<B>(
      request.subject.config,
      {request.subject.classes.size(), options.frames, options.temporal_positions},
      B(coca::cpu_training_options(options.gemm, options.threads)));
  coca::initialize(model, options.seed);
  const bool keeps_features = !options.features.folder.empty();
  // A resumed run has its own weights, but features are computed before it reads them.
  if ((!request.resume || keeps_features) && !options.init_from.empty()) {
    const InitialWeights weights = initial_weights(request);
    const bool other_classes = weights.of_videos && weights.classes != request.subject.classes;
    tell_random(
        coca::load_known_weights(model, weights.checkpoint, other_classes ? "video_head." : ""),
        request);
  }
  if (!keeps_features) return run_task<Task>(model, request);
  const auto prepared = with_features(model, request);
  return prepared ? run_task<Task>(model, *prepared) : coca::TrainingEnd::stopped;
}

}  // namespace

coca::TrainingEnd run_video_training(const TrainingRequest& request) {
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_on<coca::Cpu<float, coca::bfloat16>>(request)
             : run_on<coca::Cpu<float>>(request);
}

}  // namespace coca_examples
