// CLIP's task against OpenCLIP and PyTorch: losses, gradients and ten steps of AdamW, with softmax
// and with sigmoid. The files are made by tests/data/clip_training/make.py.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/training/tasks/clip.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

const std::string folder = std::string(COCA_TEST_DATA) + "/clip_training/";

const nlohmann::json& expected_steps(const std::string& kind) {
  static const nlohmann::json file =
      nlohmann::json::parse(std::ifstream(folder + "ten_steps.json"));
  return file.at(kind);
}

/// The model of the variant `clip_vit`, with its four pictures and texts.
template <DifferentiableBackend B>
struct ClipTraining {
  using Model = Clip<plain_clip, B>;

  explicit ClipTraining(ContrastiveKind contrastive, B backend = {},
                        TrainingStepOptions options = {})
      : kind(contrastive == ContrastiveKind::sigmoid ? "sigmoid" : "softmax"),
        model(model_of<Model>(variant_weights("clip_vit"), backend)),
        task(ready_for(contrastive, model), {.loss = {.contrastive = contrastive}}),
        trainable(model),
        context(backend),
        optimizer(trainable, backend,
                  {.adamw = {.beta1 = 0.9f, .beta2 = 0.98f, .epsilon = 1e-6f},
                   .groups = {.weight_decay = 0.2f}}),
        step(task, trainable, optimizer, context, options) {}

  ImageTextInputs<B> inputs() {
    const Checkpoint file = variant("clip_vit");
    return {device_rows(context, file, "x.image", 4), tokens_of(file, "x.text", 4)};
  }

  std::string kind;
  Model model;
  ClipTask<Model> task;
  Trainable<Model> trainable;
  Context<B> context;
  Optimizer<Model> optimizer;
  TrainingStep<ClipTask<Model>> step;
};

/// Norms to 1e-3, values to 1e-4 of the largest: the tolerances of CoCa's.
template <DifferentiableBackend B>
void check_gradients(ClipTraining<B> training) {
  const Checkpoint file = open_checkpoint(folder + "gradients.safetensors");
  const float loss = training.step.compute_gradients(training.inputs()).loss("contrastive_loss");
  const auto& steps = expected_steps(training.kind);
  CHECK(std::abs(loss - steps.at("losses")[0].template get<float>()) <= 1e-3f);
  const auto& entries = training.trainable.entries();
  CHECK(entries.size() == steps.at("norms").size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string& path = entries[i].path;
    INFO(training.kind << " " << path);
    const auto host = training.context.to_host(training.trainable.gradient(i));
    const std::vector<float> gradient(host.begin(), host.end());
    const double norm = file.read_floats(training.kind + ".norm." + path)[0];
    CHECK(std::abs(norm_of(gradient) - norm) <= 1e-3 * norm);
    const std::vector<float> expected = file.read_floats(training.kind + ".grad." + path);
    REQUIRE(expected.size() <= gradient.size());
    double largest = 1;
    for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
    const std::vector<float> begin(gradient.begin(),
                                   gradient.begin() + static_cast<std::ptrdiff_t>(expected.size()));
    CHECK(first_difference(begin, expected, 1e-4 * largest) == "");
  }
}

/// Losses to 1e-3, and the norms of all weights after ten steps too: biases of keys have no
/// gradient but rounding, which AdamW makes as large as others.
template <DifferentiableBackend B>
void check_ten_steps(ClipTraining<B> training) {
  const auto& expected = expected_steps(training.kind);
  REQUIRE(expected.at("losses").size() == 10);
  const ImageTextInputs<B> inputs = training.inputs();
  for (const auto& loss : expected.at("losses")) {
    const TrainingStepResult result = training.step(inputs, 1e-3);
    CHECK(result.applied);
    CHECK(std::abs(result.loss("contrastive_loss") - loss.template get<float>()) <= 1e-3f);
  }
  for_each_parameter(std::as_const(training.model), [&](const auto& parameter) {
    INFO(training.kind << " " << parameter.path());
    const WeightSource source = parameter.store(training.model.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    const auto norm = expected.at("norms").at(parameter.path()).template get<double>();
    CHECK(std::abs(norm_of(values) - norm) <= 1e-3 * norm);
  });
}

}  // namespace

TEMPLATE_TEST_CASE("CLIP's gradients and ten steps are OpenCLIP's and PyTorch's", "[training]",
                   Reference<float>, Remote, Cpu<float>) {
  for (const ContrastiveKind kind : {ContrastiveKind::softmax, ContrastiveKind::sigmoid}) {
    check_gradients(ClipTraining<TestType>(kind));
    check_ten_steps(ClipTraining<TestType>(kind));
    // In parts they are the same.
    check_gradients(ClipTraining<TestType>(kind, {}, {.accumulation = 2}));
  }
}
