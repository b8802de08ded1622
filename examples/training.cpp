#include "training.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/standard_classifier.hpp"
#include "coca/pipelines/classes_file.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/training/frozen_features.hpp"
#include "coca/training/partial_weights.hpp"
#include "coca/training/run_data.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/classify.hpp"
#include "coca/training/tasks/clip.hpp"
#include "coca/training/tasks/coca.hpp"
#include "coca/training/text_head.hpp"
#include "model.hpp"
#include "question_training.hpp"
#include "run_task.hpp"

namespace coca_examples {

namespace {

/// What --init-from gives.
struct InitialWeights {
  coca::Checkpoint checkpoint;
  bool of_classifier = false;          ///< an image encoder with a head, and no text tower
  std::vector<std::string> classes{};  ///< of a classifier, if a file next to it names them
};

InitialWeights initial_weights(const TrainingRequest& request) {
  namespace fs = std::filesystem;
  const std::string& path = request.options.init_from;
  const auto folder = coca::find_hugging_face_folder(path);
  InitialWeights weights{coca::open_checkpoint(folder ? folder->weights : path)};
  weights.of_classifier = weights.checkpoint.contains("head.bias");
  const fs::path names = (folder ? fs::path(path) : fs::path(path).parent_path()) / "classes.txt";
  std::error_code ignored;
  if (weights.of_classifier && fs::exists(names, ignored))
    weights.classes = coca::read_text_lines(names.string());
  return weights;
}

/// Says which weights are not among those of --init-from.
void tell_random(const std::vector<std::string>& names, const TrainingRequest& request) {
  constexpr std::size_t shown = 8;
  if (names.empty() || !request.events.on_note) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i)
    list += (list.empty() ? "" : ", ") + names[i];
  if (names.size() > shown) list += " and " + std::to_string(names.size() - shown) + " more";
  request.events.on_note(request.options.init_from + " has no " + list +
                         ": their values start at random");
}

/// Random or given weights; a resumed run has its own. A classifier gives its image encoder.
template <class Model>
void fill(Model& model, const TrainingRequest& request) {
  if (request.resume || request.options.init_from.empty()) {
    if (request.logit_bias) model.add_logit_bias();
    return coca::initialize(model, request.options.seed);
  }
  const InitialWeights weights = initial_weights(request);
  if (weights.of_classifier) {
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

/// Computes what a folder of features does not hold; of several processes the first one does.
template <class Model>
std::shared_ptr<const coca::FeatureSource> shared_features(const Model& model,
                                                           const coca::FeatureRequest& wanted,
                                                           const TrainingRequest& request) {
  const coca::FeatureCacheContent content =
      coca::feature_content(model, request.subject.config, request.options, wanted);
  const coca::FeatureEvents events{request.on_features, request.events.stop};
  std::shared_ptr<const coca::FeatureSource> features;
  if (request.processes.rank() == 0)
    features = coca::frozen_features(model, content, wanted, events, request.events.on_note);
  const bool complete = request.processes.sum({features ? 1.0 : 0.0})[0] > 0;
  if (complete && !features)
    features =
        std::make_shared<const coca::CachedFeatures>(coca::FeatureCache(wanted.folder, content));
  return features;
}

/// The options in the run's folder, by which a run is resumed that stops before its first step.
void write_options(const TrainingRequest& request) {
  if (request.processes.rank() != 0) return;
  const coca::RunFolder folder(request.options.output);
  folder.create();
  coca::write_file_atomically(
      folder.options(),
      std::string_view(coca::to_json_text(coca::to_json(request.options), 2) + "\n"));
}

/// The request with the features of a frozen encoder; nothing if that was stopped.
template <class Model>
std::optional<TrainingRequest> with_features(const Model& model, TrainingRequest request) {
  coca::expect_frozen(model, request.options);
  write_options(request);
  const coca::PreprocessConfig preprocess =
      coca::run_preprocess(request.options, request.subject, model.image_size);
  request.subject.training_features = shared_features(
      model, coca::training_features(request.options, request.subject, preprocess), request);
  if (!request.subject.training_features) return std::nullopt;
  const auto validation = coca::validation_features(request.options, request.subject, preprocess);
  if (!validation) return request;
  request.subject.validation_features = shared_features(model, *validation, request);
  if (!request.subject.validation_features) return std::nullopt;
  return request;
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
  if (!request.options.features.folder.empty() && request.options.task != "classify")
    throw coca::ArgumentError("feature_cache is for the task classify, this one is " +
                              request.options.task);
  if (coca::reads_questions(request.options.task)) return run_question_training(request);
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_training_on<coca::Cpu<float, coca::bfloat16>>(request)
             : run_training_on<coca::Cpu<float>>(request);
}

}  // namespace coca_examples
