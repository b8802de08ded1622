#include "coca/training/training_choices.hpp"

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::message_of;

TEST_CASE("options of a run become those of its parts") {
  TrainingSteps steps;
  steps.optimizer = OptimizerKind::sgd;
  steps.beta2 = 0.5;
  steps.eps = 0.25;
  steps.momentum = 0.75;
  steps.weight_decay = 0.125;
  steps.layer_decay = 0.5;
  steps.clip_norm = 2;
  const OptimizerOptions optimizer = coca::detail::optimizer_options(steps);
  CHECK(optimizer.kind == OptimizerKind::sgd);
  CHECK(optimizer.adamw.beta1 == 0.9f);
  CHECK(optimizer.adamw.beta2 == 0.5f);
  CHECK(optimizer.adamw.epsilon == 0.25f);
  CHECK(optimizer.sgd.momentum == 0.75f);
  CHECK(optimizer.groups.weight_decay == 0.125f);
  CHECK(optimizer.groups.layer_decay == 0.5f);
  CHECK(optimizer.largest_norm == 2.0f);

  CHECK(optimizer.groups.rates.empty());

  steps.caption_weight = 4;
  steps.contrastive_weight = 0.5;
  steps.label_smoothing = 0.125;
  steps.contrastive = ContrastiveKind::sigmoid;
  const CoCaLossOptions loss = coca::detail::loss_options(steps, 7);
  CHECK(loss.contrastive == ContrastiveKind::sigmoid);
  CHECK(loss.contrastive_weight == 0.5f);
  CHECK(loss.captioning.weight == 4.0f);
  CHECK(loss.captioning.label_smoothing == 0.125f);
  CHECK(loss.captioning.pad_id == 7);

  steps.schedule = ScheduleKind::linear;
  steps.learning_rate = 3;
  steps.final_learning_rate = 1;
  steps.warmup_steps = 2;
  const ScheduleOptions schedule = coca::detail::schedule_options(steps, 10);
  CHECK(learning_rate(schedule, 0) == 1.5);
  CHECK(learning_rate(schedule, 6) == 2);
  CHECK(learning_rate(schedule, 10) == 1);
  steps.warmup_steps = 11;
  CHECK(message_of([&] { coca::detail::schedule_options(steps, 10); }) ==
        "a run of 10 steps cannot have 11 of warm-up and 0 of cooldown");
}

TEST_CASE("factors of the learning rate are a prefix and a number") {
  TrainingSteps steps;
  steps.rate = {"visual=0.04", "text.=1e1"};
  const OptimizerOptions optimizer = coca::detail::optimizer_options(steps);
  REQUIRE(optimizer.groups.rates.size() == 2);
  CHECK(optimizer.groups.rates[0].prefix == "visual");
  CHECK(optimizer.groups.rates[0].factor == 0.04f);
  CHECK(optimizer.groups.rates[1].prefix == "text.");
  CHECK(optimizer.groups.rates[1].factor == 10);
  for (const char* wrong : {"visual", "=0.5", "visual=", "visual=x", "visual=0.5x", "visual=0",
                            "visual=-1", "visual=inf", "visual=nan", ""}) {
    steps.rate = {wrong};
    CHECK(message_of([&] { coca::detail::optimizer_options(steps); }) ==
          "rate is " + std::string(wrong) +
              ", expected a prefix of names of weights and a factor above 0, such as visual=0.04");
  }
}

TEST_CASE("kernels of products are fixed unless something else is requested") {
  const auto training_cpu_options = [](const TrainingOptions& of) {
    return cpu_training_options(of.gemm, of.threads);
  };
  TrainingOptions options;
  options.threads = 3;
  const CpuOptions fixed = training_cpu_options(options);
  CHECK(fixed.threads == 3);
  if (coca::detail::resolve(GemmKind::automatic) == GemmKind::automatic)
    CHECK(fixed.gemm != GemmKind::automatic);
  options.gemm = "automatic";
  CHECK(training_cpu_options(options).gemm == GemmKind::automatic);
  options.gemm = "eigen";
  CHECK(training_cpu_options(options).gemm == GemmKind::eigen);
  options.gemm = "packed";
  CHECK(training_cpu_options(options).gemm == GemmKind::packed);
  options.gemm = "onednn";
  CHECK(training_cpu_options(options).gemm == GemmKind::onednn);
  options.gemm = "fast";
  CHECK(message_of([&] { training_cpu_options(options); }) ==
        "gemm is \"fast\", expected one of fixed, automatic, packed, eigen, onednn");
}

TEST_CASE("measured choices survive a checkpoint") {
  GemmChoices::preset({{"a shape of this test", GemmKind::eigen}});
  Json json = coca::detail::backend_choices<Cpu<float>>();
  CHECK(json.at("a shape of this test") == "eigen");
  for (const GemmKind kind :
       {GemmKind::fixed24, GemmKind::eigen, GemmKind::onednn, GemmKind::packed}) {
    json = {{"a shape of this test", to_string(kind)}};
    preset_backend_choices<Cpu<float>>(json, "x");
    CHECK(GemmChoices::recorded().at("a shape of this test") == kind);
  }
  for (const Json& wrong : {Json("automatic"), Json(3), Json("fast")})
    CHECK(message_of([&] {
            preset_backend_choices<Cpu<float>>({{"b", wrong}}, "x");
          }) == "x: the choice of matrix products for b is unknown");
  CHECK(coca::detail::backend_choices<Reference<float>>() == Json::object());
  preset_backend_choices<Reference<float>>(json, "x");  // of no use to it
}
