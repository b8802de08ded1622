#include "training.hpp"

#include <string>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/image_classifier.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/training/partial_weights.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/classify.hpp"
#include "coca/training/tasks/clip.hpp"
#include "coca/training/tasks/coca.hpp"
#include "question_training.hpp"
#include "run_task.hpp"

namespace coca_examples {

namespace {

/// The weights of --init-from.
coca::Checkpoint initial_weights(const TrainingRequest& request) {
  const std::string& path = request.options.init_from;
  const auto folder = coca::find_hugging_face_folder(path);
  return coca::open_checkpoint(folder ? folder->weights : path);
}

/// Random or given weights; a resumed run has its own.
template <class Model>
void fill(Model& model, const TrainingRequest& request) {
  if (request.resume || request.options.init_from.empty()) {
    if (request.logit_bias) model.add_logit_bias();
    return coca::initialize(model, request.options.seed);
  }
  coca::load_weights(model, initial_weights(request), {.interpolate_positions = true});
  if (request.logit_bias) model.add_logit_bias();
}

/// A model with a text tower.
template <class Model>
coca::TrainingEnd run_text_task(Model model, const TrainingRequest& request) {
  fill(model, request);
  const std::string& task = request.options.task;
  if constexpr (requires { model.multimodal_decoder(); }) {
    if (task == coca::CoCaTask<Model>::name) return run_task<coca::CoCaTask<Model>>(model, request);
    if (task == coca::CaptionTask<Model>::name)
      return run_task<coca::CaptionTask<Model>>(model, request);
  }
  if (task == coca::ClipTask<Model>::name) return run_task<coca::ClipTask<Model>>(model, request);
  throw coca::ArgumentError("--task " + task + " cannot train " + request.options.model +
                            ", which has no caption decoder; expected clip or classify");
}

/// Says which weights are not among those of --init-from.
void tell_random(const std::vector<std::string>& names, const TrainingRequest& request) {
  if (names.empty() || !request.events.on_note) return;
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  request.events.on_note(request.options.init_from + " has no " + list +
                         ": their values start at random");
}

/// A classifier with the image encoder of a configuration; from --init-from it takes the encoder.
template <class B>
coca::TrainingEnd run_classifier(const coca::VisionConfig& vision, coca::AnyPooler<B> pooler,
                                 const TrainingRequest& request, B backend) {
  using Model = coca::ImageClassifier<coca::VisionTransformer<B>, coca::AnyPooler<B>>;
  Model model(request.subject.classes.size(), coca::VisionTransformer<B>(vision, "visual"),
              std::move(pooler), std::move(backend));
  coca::initialize(model, request.options.seed);
  if (!request.resume && !request.options.init_from.empty())
    tell_random(coca::load_known_weights(model, initial_weights(request)), request);
  return run_task<coca::ClassificationTask<Model>>(model, request);
}

/// Compiled once per precision, whatever the configuration.
template <class B>
coca::TrainingEnd run_training_on(const TrainingRequest& request) {
  coca::preset_backend_choices<B>(request.backend, request.options.output);
  const B backend(coca::cpu_training_options(request.options.gemm, request.options.threads));
  const bool classifies = request.options.task == "classify";
  if (const auto* clip = std::get_if<coca::ClipConfig>(&request.subject.config)) {
    if (classifies)
      return run_classifier<B>(clip->vision, coca::configured_pooler<B>(*clip), request, backend);
    return run_text_task(coca::StandardClip<B>(*clip, backend), request);
  }
  const auto& config = std::get<coca::CoCaConfig>(request.subject.config);
  if (classifies)
    return run_classifier<B>(config.vision, coca::configured_pooler<B>(config), request, backend);
  if (coca::reads_questions(request.options.task)) return run_reader<B>(config, request, backend);
  return run_text_task(coca::StandardCoCa<B>(config, backend), request);
}

}  // namespace

coca::TrainingEnd run_training(const TrainingRequest& request) {
  if (coca::reads_questions(request.options.task)) return run_question_training(request);
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_training_on<coca::Cpu<float, coca::bfloat16>>(request)
             : run_training_on<coca::Cpu<float>>(request);
}

}  // namespace coca_examples
