#include "answerer.hpp"

#include <filesystem>
#include <system_error>
#include <utility>
#include <variant>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/data/pair_files.hpp"
#include "coca/evaluation/vqa_answers.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/pair_model.hpp"
#include "coca/models/vqa_model.hpp"
#include "coca/pipelines/open_model.hpp"

namespace coca_examples {

namespace fs = std::filesystem;

namespace {

/// A folder of a run, and which of its checkpoints.
struct Place {
  fs::path folder;
  std::string weights;  ///< empty: the folder's
};

Place place_of(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw coca::FileError(path, "does not exist");
  if (fs::is_directory(path, ignored)) return {path, ""};
  return {fs::path(path).parent_path(), path};
}

std::vector<std::string> answers_of(const fs::path& folder,
                                    const coca::AnswerModelDescription& description) {
  if (description.task == "vqa")
    return coca::read_vqa_answers((folder / "answers.txt").string()).names();
  if (description.task == "pairs") return {"false", "true"};
  return {coca::entailment_classes.begin(), coca::entailment_classes.end()};
}

template <class Model>
class HeldAnswerer final : public Answerer {
 public:
  HeldAnswerer(AnswererInfo info, Model model)
      : Answerer(std::move(info)), model_(std::move(model)), context_(model_.backend()) {}

  std::vector<std::vector<float>> answer(std::span<const coca::Pixels> pictures,
                                         std::span<const std::string> texts) override {
    return coca::answer(context_, model_, info().tokenizer, pictures, texts,
                        info().description.answers_compete());
  }

  coca::AnswerAttention attention(std::span<const coca::Pixels> pictures,
                                  const std::string& text) override {
    return coca::answer_attention(context_, model_, info().tokenizer, pictures, text);
  }

 private:
  Model model_;
  coca::Context<typename Model::backend_type> context_;
};

template <class Model>
std::unique_ptr<Answerer> filled(AnswererInfo info, Model model, const std::string& weights) {
  coca::load_weights(model, coca::open_checkpoint(weights));
  return std::make_unique<HeldAnswerer<Model>>(std::move(info), std::move(model));
}

template <class B>
std::unique_ptr<Answerer> made(AnswererInfo info, const coca::CoCaConfig& config,
                               const std::string& weights, int threads) {
  using Captioner = coca::StandardCoCa<B>;
  const auto heads = static_cast<std::size_t>(config.multimodal.heads);
  Captioner captioner(config, B(coca::CpuOptions{.threads = threads}));
  const coca::AnswerModelDescription description = info.description;
  if (description.task == "vqa") {
    const std::size_t answers = info.answers.size();
    return filled(
        std::move(info),
        coca::VqaModel<Captioner>(std::move(captioner), {.answers = answers, .heads = heads}),
        weights);
  }
  if (description.task == "entailment")
    return filled(std::move(info), coca::EntailmentModel<Captioner>(std::move(captioner), heads),
                  weights);
  const auto kind =
      description.pair_head == "mlp" ? coca::PairHeadKind::mlp : coca::PairHeadKind::linear;
  return filled(std::move(info),
                coca::PairModel<Captioner>(std::move(captioner), {.kind = kind, .heads = heads}),
                weights);
}

}  // namespace

std::unique_ptr<Answerer> open_answerer(const AnswererOptions& options) {
  const Place place = place_of(options.weights);
  const fs::path task = place.folder / "task.json";
  std::error_code ignored;
  if (!fs::exists(task, ignored))
    throw coca::FileError(place.folder.string(),
                          "has no task.json, which train writes with --task vqa, entailment or "
                          "pairs");
  const coca::FoundModel found = coca::find_configuration(place.folder.string());
  const auto* config = std::get_if<coca::CoCaConfig>(&found.description.config);
  if (config == nullptr || !found.folder)
    throw coca::FileError(place.folder.string(), "has no configuration of a CoCa");
  const auto image_size = static_cast<std::size_t>(config->vision.image_size);
  const coca::AnswerModelDescription description = coca::read_answer_model(task.string());
  AnswererInfo info{
      .description = description,
      .answers = answers_of(place.folder, description),
      .tokenizer = coca::model_tokenizer(found.description, options.tokenizer, found.folder),
      .preprocessing = coca::detail::preprocessing_of(found, image_size),
      .context_length = static_cast<std::size_t>(config->text.context_length)};
  // find_configuration() looks for no weights.
  const std::string weights = place.weights.empty()
                                  ? coca::open_hugging_face_folder(place.folder.string()).weights
                                  : place.weights;
  return options.precision == "bf16"
             ? made<coca::Cpu<coca::bfloat16>>(std::move(info), *config, weights, options.threads)
             : made<coca::Cpu<float>>(std::move(info), *config, weights, options.threads);
}

}  // namespace coca_examples
