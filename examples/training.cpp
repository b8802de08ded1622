#include "training.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/standard_classifier.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/training/partial_weights.hpp"
#include "coca/training/run_data.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/classify.hpp"
#include "coca/training/tasks/clip.hpp"
#include "coca/training/tasks/coca.hpp"
#include "coca/training/text_head.hpp"
#include "feature_training.hpp"
#include "initial_weights.hpp"
#include "model.hpp"
#include "question_training.hpp"
#include "run_task.hpp"
#include "video_training.hpp"

namespace coca_examples {

namespace {

/// Random or given weights; a resumed run has its own. A classifier gives its image encoder.
template <class Model>
void fill(Model& model, const TrainingRequest& request) {
  if (request.resume || request.options.init_from.empty()) {
    if (request.logit_bias) model.add_logit_bias();
    return coca::initialize(model, request.options.seed);
  }
  const InitialWeights weights = initial_weights(request);
  if (weights.of_classifier || weights.of_videos) {
    coca::initialize(model, request.options.seed);
    tell_random(coca::load_known_weights(model, weights.checkpoint), request);
  } else {
    coca::load_weights(model, weights.checkpoint, {.interpolate_positions = true});
  }
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

/// The usual norm of what a classifier's linear layer reads, by the first training pictures.
template <class Model>
float pooled_norm(const Model& model, const TrainingRequest& request) {
  constexpr std::size_t pictures = 64;
  coca::LoaderOptions loading = coca::validation_loader_options(
      request.options, coca::run_preprocess(request.options, request.subject, model.image_size));
  loading.order.batch_size = pictures;
  coca::Loader loader(
      coca::first_of(coca::open_training_data(request.options.data, request.subject.classes),
                     pictures),
      loading);
  const coca::Batch batch = loader.next();
  if (batch.size() == 0) throw coca::Error("none of the first training pictures can be read");
  coca::Context<typename Model::backend_type> context(model.backend());
  const auto pooled =
      context.to_host(model.encode_image(context, coca::to_device(context, batch.pixels)));
  const std::vector<float> values(pooled.begin(), pooled.end());
  return coca::mean_norm(values, model.embed_dim);
}

/// Begins where zero-shot classification with the weights of --init-from is.
template <class Model>
void start_from_text(Model& model, const TrainingRequest& request) {
  const coca::TrainingOptions& options = request.options;
  if (options.head != coca::HeadChoice::linear || options.init_from.empty())
    throw coca::ArgumentError(
        "head_start text needs head linear, which reads what embeddings are made of, and init_from "
        "with a text tower");
  const auto teacher = open_model({.preset = options.model,
                                   .weights = options.init_from,
                                   .tokenizer = options.tokenizer,
                                   .threads = options.threads});
  const coca::ZeroShotClassifier zero_shot =
      teacher->classifier(request.subject.classes, options.data.templates);
  coca::set_class_weights(model, zero_shot.embeddings(),
                          zero_shot.logit_scale() / pooled_norm(model, request));
}

/// A classifier with the image encoder of a configuration; from --init-from it takes the encoder,
/// and the head of a classifier of the same classes.
template <class B>
coca::TrainingEnd run_classifier(const TrainingRequest& request, B backend) {
  using Model = coca::StandardClassifier<B>;
  const std::vector<std::string>& classes = request.subject.classes;
  Model model = coca::make_classifier<B>(
      request.subject.config, {coca::classifier_head(request.options.head), classes.size()},
      std::move(backend));
  coca::initialize(model, request.options.seed);
  const bool keeps_features = !request.options.features.folder.empty();
  // A resumed run has its own weights, but features are computed before it reads them.
  if ((!request.resume || keeps_features) && !request.options.init_from.empty()) {
    const InitialWeights weights = initial_weights(request);
    const bool other_classes = weights.of_classifier && weights.classes != classes;
    tell_random(coca::load_known_weights(model, weights.checkpoint, other_classes ? "head." : ""),
                request);
  }
  if (!request.resume && request.options.head_start == coca::HeadStart::text)
    start_from_text(model, request);
  using Task = coca::ClassificationTask<Model>;
  if (!keeps_features) return run_task<Task>(model, request);
  const auto prepared = with_features(model, request);
  return prepared ? run_task<Task>(model, *prepared) : coca::TrainingEnd::stopped;
}

/// Compiled once per precision, whatever the configuration.
template <class B>
coca::TrainingEnd run_training_on(const TrainingRequest& request) {
  coca::preset_backend_choices<B>(request.backend, request.options.output);
  const B backend(coca::cpu_training_options(request.options.gemm, request.options.threads));
  if (request.options.task == "classify") return run_classifier<B>(request, backend);
  if (const auto* clip = std::get_if<coca::ClipConfig>(&request.subject.config))
    return run_text_task(coca::StandardClip<B>(*clip, backend), request);
  const auto& config = std::get<coca::CoCaConfig>(request.subject.config);
  return run_text_task(coca::StandardCoCa<B>(config, backend), request);
}

}  // namespace

coca::TrainingEnd run_training(const TrainingRequest& request) {
  const std::string& task = request.options.task;
  if (!request.options.features.folder.empty() && task != "classify" && task != "video")
    throw coca::ArgumentError("feature_cache is for the tasks classify and video, this one is " +
                              task);
  if (coca::reads_questions(task)) return run_question_training(request);
  if (task == "video") return run_video_training(request);
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_training_on<coca::Cpu<float, coca::bfloat16>>(request)
             : run_training_on<coca::Cpu<float>>(request);
}

}  // namespace coca_examples
