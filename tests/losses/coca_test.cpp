#include "coca/losses/coca.hpp"

#include <cmath>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "comparison.hpp"
#include "losses/stamps_training.hpp"

using namespace coca;
using namespace coca::testing;

// What OpenCLIP and PyTorch computed for the same model, pictures and captions.

namespace {

const Checkpoint& expected_gradients() {
  static const Checkpoint file =
      open_checkpoint(std::string(COCA_TEST_DATA) + "/stamps_coca/gradients.safetensors");
  return file;
}

template <DifferentiableBackend B>
void check_gradients(StampsTraining<B>& training, float tolerance = 1) {
  const auto [contrastive, captioning] = training.pass();
  CHECK(std::abs(contrastive - stamps_forward().read_floats("contrastive_loss")[0]) <=
        tolerance * 1e-3f);
  CHECK(std::abs(captioning - stamps_forward().read_floats("caption_loss")[0]) <=
        tolerance * 1e-3f);
  const Checkpoint& file = expected_gradients();
  std::size_t compared = 0;
  for (const auto& [path, gradient] : training.gradients()) {
    INFO(path);
    const float expected_norm = file.read_floats("norm." + path)[0];
    CHECK(std::abs(norm(gradient) - expected_norm) <= tolerance * 1e-3 * expected_norm);
    const std::vector<float> expected = file.read_floats("grad." + path);
    REQUIRE(expected.size() <= gradient.size());
    double largest = 1;
    for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
    const std::vector<float> begin(gradient.begin(),
                                   gradient.begin() + static_cast<std::ptrdiff_t>(expected.size()));
    CHECK(first_difference(begin, expected, tolerance * 1e-4 * largest) == "");
    ++compared;
  }
  CHECK(2 * compared == file.names().size());
}

template <DifferentiableBackend B>
void check_ten_steps(StampsTraining<B>& training) {
  std::ifstream file(std::string(COCA_TEST_DATA) + "/stamps_coca/ten_steps.json");
  const auto expected = nlohmann::json::parse(file)
                            .at("contrastive_and_caption_per_step")
                            .get<std::vector<std::vector<float>>>();
  REQUIRE(expected.size() == 10);
  const B& backend = training.context.backend();
  const auto& values = training.trainable.values();
  const auto zeros = [&] {
    auto array = backend.template allocate<typename B::value_type>(values.shape());
    call<ops::Fill>(backend, array, 0.0f);
    return array;
  };
  auto first_moment = zeros(), second_moment = zeros();
  auto factor = training.context.empty(Shape{1});
  call<ops::Fill>(backend, factor, 1.0f);
  for (std::size_t step = 0; step < expected.size(); ++step) {
    const auto [contrastive, captioning] = training.pass();
    INFO("step " << step);
    CHECK(std::abs(contrastive - expected[step][0]) <= 1e-3f);
    CHECK(std::abs(captioning - expected[step][1]) <= 1e-3f);
    const AdamWStep options{.learning_rate = 1e-3f,
                            .beta1 = 0.9f,
                            .beta2 = 0.98f,
                            .epsilon = 1e-6f,
                            .weight_decay = 0.2f,
                            .step = step + 1};
    call<ops::AdamW>(backend, options, training.trainable.gradients(), factor, values, first_moment,
                     second_moment);
  }
}

}  // namespace

TEST_CASE("gradients are PyTorch's, on the reference backend", "[training]") {
  StampsTraining<Reference<float>> training;
  check_gradients(training);
}

TEST_CASE("gradients are PyTorch's, on a remote device", "[training]") {
  StampsTraining<Remote> training;
  check_gradients(training);
}

TEST_CASE("gradients are PyTorch's with recomputed blocks", "[training]") {
  StampsTraining<Reference<float>> training({}, {.recompute_blocks = true});
  check_gradients(training);
}

TEST_CASE("ten steps of AdamW are PyTorch's, on a remote device", "[training]") {
  StampsTraining<Remote> training;
  check_ten_steps(training);
}

TEST_CASE("gradients and ten steps are PyTorch's, on the processor", "[training]") {
  for (const GemmKind kind : gemm_kinds()) {
    INFO(to_string(kind));
    StampsTraining<Cpu<float>> training(Cpu<float>(CpuOptions{.gemm = kind}));
    check_gradients(training);
    StampsTraining<Cpu<float>> stepping(Cpu<float>(CpuOptions{.gemm = kind}));
    check_ten_steps(stepping);
  }
}

TEMPLATE_TEST_CASE("SigLIP's loss and its gradients are OpenCLIP's", "[training]", Reference<float>,
                   Remote, Cpu<float>) {
  StampsTraining<TestType> training({}, {}, {.contrastive = ContrastiveKind::sigmoid});
  const auto [contrastive, captioning] = training.pass();
  // SigLipLoss of OpenCLIP 3.3.0, for the same model with a logit_bias of -10, plus caption_loss.
  CHECK(std::abs(contrastive - 34.332111f) <= 1e-3f);
  CHECK(std::abs(captioning - 6.8814101f) <= 1e-3f);
  const auto gradients = training.gradients();
  const std::vector<std::pair<std::string, double>> norms{
      {"logit_scale", 73.066605},
      {"logit_bias", 3.9808898},
      {"text.cls_emb", 4.1548734},
      {"text.text_projection", 8.4132853},
      {"text.token_embedding.weight", 78.627190},
      {"visual.proj", 9.5307894},
      {"visual.conv1.weight", 20.304770}};
  for (const auto& [path, expected] : norms) {
    INFO(path);
    CHECK(std::abs(norm(gradients.at(path)) - expected) <= 1e-3 * expected);
  }
  CHECK(gradients.at("logit_scale")[0] > 0);
  CHECK(gradients.at("logit_bias")[0] > 0);
  const std::vector<float>& projection = gradients.at("visual.proj");
  CHECK(first_difference(std::vector<float>(projection.begin(), projection.begin() + 3),
                         std::vector<float>{0.085183397f, -0.071958974f, -0.028050434f},
                         1e-4) == "");
}

TEST_CASE("gradients in mixed precision point in the direction of PyTorch's in float",
          "[training]") {
  StampsTraining<Cpu<float, bfloat16>> training;
  training.pass();
  const Checkpoint& file = expected_gradients();
  for (const auto& [path, gradient] : training.gradients()) {
    INFO(path);
    const std::vector<float> expected = file.read_floats("grad." + path);
    const std::vector<float> begin(gradient.begin(),
                                   gradient.begin() + static_cast<std::ptrdiff_t>(expected.size()));
    CHECK(cosine(begin, expected) >= 0.99);
  }
}
