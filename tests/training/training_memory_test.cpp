#include "coca/training/training_memory.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/coca.hpp"
#include "coca/training/tasks/coca.hpp"

using namespace coca;

namespace {

// A hundred megabytes of weights and more of activations, so that neither is lost in the noise of a
// process.
constexpr CoCaConfig config{
    .embed_dim = 256,
    .vision = {.image_size = 128,
               .patch_size = 16,
               .width = 384,
               .layers = 4,
               .heads = 6,
               .mlp_width = 1536},
    .pooling = {.kind = Pooling::single, .queries = 32, .heads = 4},
    .text = {.context_length = 32,
             .vocab_size = 8192,
             .width = 256,
             .layers = 2,
             .heads = 4,
             .mlp_width = 1024},
    .multimodal = {.width = 256, .layers = 2, .heads = 4, .mlp_width = 1024},
};
constexpr std::size_t batch = 24;

double megabytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(name + ":", 0) == 0) return std::stod(line.substr(name.size() + 1)) / 1024;
  return 0;
}

// Makes the kernel count the peak from now on.
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

// Megabytes that three steps add to the process, at the peak.
double measured(const OptimizerOptions& optimizer_options, const TrainingStepOptions& options) {
  using Model = CoCa<config, Cpu<float>>;
  const double before = megabytes("VmRSS");
  reset_peak();
  Model model(Cpu<float>(CpuOptions{.threads = 1, .gemm = GemmKind::packed}));
  initialize(model, 1);
  Trainable<Model> trainable(model);
  Optimizer<Model> optimizer(trainable, model.backend(), optimizer_options);
  Context<Cpu<float>> context(model.backend());
  const CoCaTask<Model> task(model);
  TrainingStep step(task, trainable, optimizer, context, options);
  const std::vector<float> host(batch * 3 * 128 * 128, 0.25f);
  const Tokens tokens{std::vector<std::int32_t>(batch * 32, 7), batch, 32};
  for (int i = 0; i < 3; ++i)
    step({context.to_device(host, Shape{batch, 3, 128, 128}), tokens}, 1e-4);
  const double inputs = static_cast<double>(host.size() * sizeof(float)) / 1048576;
  return megabytes("VmHWM") - before - inputs;
}

void check(const OptimizerOptions& optimizer_options, const TrainingStepOptions& options) {
  using Planned = CoCaTask<CoCa<config, Plan<Cpu<float>>>>;
  const TrainingMemory memory = training_memory<Planned>(batch, optimizer_options, options);
  const double expected = static_cast<double>(memory.total()) / 1048576;
  const double actual = measured(optimizer_options, options);
  CAPTURE(expected, actual);
  CHECK(expected > 100);
  CHECK(actual <= 1.1 * expected);
  CHECK(actual >= 0.9 * expected);
}

// Memory that a process has used is not always released, so each measurement has its own process.
int run_alone(const std::string& test) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  return std::system(("'" + program + "' '" + test + "'").c_str());
}

}  // namespace

TEST_CASE("alone: the memory of a training", "[.]") { check({}, {}); }
TEST_CASE("alone: the memory of a training with recomputed blocks", "[.]") {
  check({.kind = OptimizerKind::adafactor}, {.tape = {.recompute_blocks = true}});
}
TEST_CASE("alone: the memory of a training in parts", "[.]") {
  check({.kind = OptimizerKind::sgd}, {.accumulation = 3});
}

TEST_CASE("the memory of a training is known in advance to 10 %", "[training]") {
  CHECK(run_alone("alone: the memory of a training") == 0);
  CHECK(run_alone("alone: the memory of a training with recomputed blocks") == 0);
  CHECK(run_alone("alone: the memory of a training in parts") == 0);
}

TEST_CASE("the captioning loss holds a few rows of CLIP's logits, or as many as requested",
          "[training]") {
  using B = Plan<Cpu<float>>;
  constexpr std::size_t captions = 16, length = 76, width = 512, words = 49408;
  constexpr std::size_t all = captions * (length - 1);  // rows: nothing follows the last word
  const Tokens tokens{std::vector<std::int32_t>(captions * length, 1), captions, length};
  for (const std::size_t rows : {CaptioningOptions{}.rows_at_once, all}) {
    INFO(rows << " rows at once");
    REQUIRE(rows <= all);
    Context<B> context;
    const Array<B> features = context.empty(Shape{captions, length, width});
    const Array<B> projection = context.empty(Shape{words, width});
    Tape<B> tape(context);
    tape.watch(features, context.empty(features.shape()));
    tape.watch(projection, context.empty(projection.shape()));
    const Array<B> loss = make_loss(context);
    const std::size_t before = CountedMemory::count().now;
    CountedMemory::reset();
    {
      const Recording<B> recording(context, &tape);
      captioning_loss(context, features, context.backend().view(projection, false), tokens,
                      {.rows_at_once = rows}, loss);
    }
    tape.backward();
    const std::size_t peak = CountedMemory::count().peak - before;
    const std::size_t logits = rows * words * sizeof(float);
    CHECK(peak >= logits);
    CHECK(peak <= logits + 4 * features.size() * sizeof(float));
  }
}

TEST_CASE("planned memory is said by what it is for", "[training]") {
  using Planned = CoCaTask<CoCa<config, Plan<Cpu<float>>>>;
  const std::size_t weights = 4 * parameter_count(config);
  const TrainingMemory whole = training_memory<Planned>(batch);
  CHECK(whole.parameters >= weights);
  CHECK(whole.parameters <= weights + 4096 * 64);
  CHECK(whole.gradients == whole.parameters);
  CHECK(whole.optimizer_state >= 2 * whole.parameters);
  CHECK(whole.optimizer_state <= 2 * whole.parameters + 64);
  const auto recomputed = training_memory<Planned>(batch, {}, {.tape = {.recompute_blocks = true}});
  CHECK(recomputed.workspace < whole.workspace / 2);
  const auto sigmoid =
      training_memory<Planned>(batch, {}, {}, {.loss = {.contrastive = ContrastiveKind::sigmoid}});
  CHECK(sigmoid.parameters == whole.parameters + 64);  // the bias, in a cache line of its own
  CHECK(CountedMemory::count().now == 0);
}
