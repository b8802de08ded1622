#include "question_training.hpp"

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/evaluation/vqa_answers.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/models/pair_model.hpp"
#include "coca/models/vqa_model.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/training/partial_weights.hpp"
#include "coca/training/tasks/entailment.hpp"
#include "coca/training/tasks/pairs.hpp"
#include "coca/training/tasks/vqa.hpp"
#include "run_task.hpp"

namespace coca_examples {

namespace {

/// Whether a file next to the weights lists the answers of this run.
bool has_answers_of(const std::string& weights, const TrainingRequest& request) {
  const std::string path = (std::filesystem::path(weights).parent_path() / "answers.txt").string();
  std::error_code ignored;
  return std::filesystem::exists(path, ignored) &&
         coca::read_vqa_answers(path).names() == request.subject.answers;
}

/// Takes the weights of --init-from, and says which of the model's are not among them.
template <class Model>
void load_captioner(Model& model, const TrainingRequest& request) {
  const std::string& path = request.options.init_from;
  const auto folder = coca::find_hugging_face_folder(path);
  const std::string weights = folder ? folder->weights : path;
  // A head of other answers gives each row another meaning.
  const std::string without = has_answers_of(weights, request) ? "" : "vqa_head.";
  const std::vector<std::string> others =
      coca::load_known_weights(model, coca::open_checkpoint(weights), without);
  if (others.empty() || !request.events.on_note) return;
  request.events.on_note(path + " has no " + others.front() +
                         (others.size() == 1 ? ": its values start at random"
                                             : " and " + std::to_string(others.size() - 1) +
                                                   " other tensors: their values start at random"));
}

/// Trains a model that answers, which takes its captioner from --init-from.
template <class Task>
coca::TrainingEnd run_fused(typename Task::model_type model, const TrainingRequest& request) {
  coca::initialize(model, request.options.seed);
  if (!request.resume && !request.options.init_from.empty()) load_captioner(model, request);
  return run_task<Task>(model, request);
}

/// A task on questions or sentences.
template <class B>
coca::TrainingEnd run_reader(const coca::CoCaConfig& config, const TrainingRequest& request,
                             B backend) {
  using Captioner = coca::StandardCoCa<B>;
  using Vqa = coca::VqaModel<Captioner>;
  using Entailment = coca::EntailmentModel<Captioner>;
  using Pairs = coca::PairModel<Captioner>;
  const std::string& task = request.options.task;
  const auto heads = static_cast<std::size_t>(config.multimodal.heads);
  Captioner captioner(config, std::move(backend));
  if (task == coca::VqaTask<Vqa>::name)
    return run_fused<coca::VqaTask<Vqa>>(
        Vqa(std::move(captioner), {.answers = request.subject.answers.size(), .heads = heads}),
        request);
  if (task == coca::EntailmentTask<Entailment>::name)
    return run_fused<coca::EntailmentTask<Entailment>>(Entailment(std::move(captioner), heads),
                                                       request);
  return run_fused<coca::PairTask<Pairs>>(
      Pairs(std::move(captioner),
            {.kind = coca::pair_head_kind(request.options.head), .heads = heads}),
      request);
}

template <class B>
coca::TrainingEnd run_on(const TrainingRequest& request) {
  const auto* config = std::get_if<coca::CoCaConfig>(&request.subject.config);
  if (config == nullptr)
    throw coca::ArgumentError("--task " + request.options.task + " cannot train " +
                              request.options.model + ", which has no multimodal decoder");
  coca::preset_backend_choices<B>(request.backend, request.options.output);
  return run_reader<B>(
      *config, request,
      B(coca::cpu_training_options(request.options.gemm, request.options.threads)));
}

}  // namespace

coca::TrainingEnd run_question_training(const TrainingRequest& request) {
  return request.options.precision == coca::TrainingPrecision::bfloat16
             ? run_on<coca::Cpu<float, coca::bfloat16>>(request)
             : run_on<coca::Cpu<float>>(request);
}

}  // namespace coca_examples
