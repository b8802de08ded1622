#include "coca/training/trainer.hpp"

#include "catch.hpp"
#include "coca/evaluation/exact_match.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/clip.hpp"
#include "tiny_runs.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

// Training is compiled once per backend, whatever the configuration in a model's type.
static_assert(
    std::same_as<Trainer<CoCaTask<TinyModel>>, Trainer<CoCaTask<StandardCoCa<Cpu<float>>>>>);

TEST_CASE("a tiny model learns 32 captions word for word") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.step.batch_size = 32;
  options.step.steps = 300;
  options.step.learning_rate = 2e-3;
  options.step.warmup_steps = 20;
  options.step.clip_norm = 1;
  options.validation_steps = 300;
  options.picture_count = 32;
  TinyModel model = tiny_model();
  TrainingValidation last;
  TrainingEvents events;
  events.on_validation = [&](const TrainingValidation& validation) { last = validation; };
  TinyTrainer trainer(model, data.subject(), options, events);
  REQUIRE(trainer.run() == TrainingEnd::finished);

  REQUIRE(last.captions.size() == 32);
  const CaptionFile list(data.list());
  std::vector<JudgedCaption> judged;
  for (std::size_t i = 0; i < list.size(); ++i)
    judged.push_back({last.captions[i], list.record(i).captions});
  CHECK(exact_match(judged) == 1.0);
  CHECK(number_of(last.scores.scores, "image_to_text.r1") == 1.0);
  CHECK(number_of(last.scores.losses, "captioning_loss") < 0.2);

  SECTION("and what is in its folder says the same") {
    const HuggingFaceFolder folder = open_hugging_face_folder(options.output);
    CHECK(to_config(folder.description) == AnyConfig(tiny_config));
    REQUIRE(folder.bpe_vocabulary);
    const auto loaded = load<TinyModel>(options.output);
    Context<Cpu<float>> context(loaded.backend());
    const TrainingPictures pictures = first_pictures(list, 32, [] {
      PreprocessConfig c;
      c.height = c.width = 32;
      return c;
    }());
    CHECK(caption_all(context, loaded, tiny_tokenizer(), pictures.pixels, 1) == last.captions);
  }
}

TEST_CASE("a captioner's tasks train separately, with their names in log and report") {
  const SmallData data;
  TrainingOptions options = data.options();
  TinyModel model = tiny_model();
  std::vector<TrainingValidation> validations;
  TrainingEvents events;
  events.on_validation = [&](const TrainingValidation& v) { validations.push_back(v); };
  Trainer<CaptionTask<TinyModel>>(model, data.subject(), options, events).run();
  const std::vector<Json> log = log_of(options.output);
  CHECK(log[0].contains("captioning_loss"));
  CHECK_FALSE(log[0].contains("contrastive_loss"));
  CHECK_FALSE(log[0].contains("logit_scale"));
  CHECK(log[0].at("loss") == log[0].at("captioning_loss"));
  CHECK_FALSE(log[5].at("validation").contains("image_to_text"));
  CHECK(validations.back().captions.size() == 3);
  CHECK(find_training_record(options.output)->options.task == "caption");
  CHECK_FALSE(contains(read_all(RunFolder(options.output).report()), "Temperature"));

  options.output = data.output("contrast");
  Trainer<ClipTask<TinyModel>>(model, data.subject(), options).run();
  const std::vector<Json> contrast = log_of(options.output);
  CHECK(contrast[0].contains("contrastive_loss"));
  CHECK_FALSE(contrast[0].contains("captioning_loss"));
  CHECK(contrast[5].at("validation").at("image_to_text").contains("r1"));
  CHECK(contrast[5].at("validation").at("captions").empty());
  const std::string report = read_all(RunFolder(options.output).report());
  CHECK(contains(report, "Temperature"));
  CHECK_FALSE(contains(report, "Captions over time"));
  CHECK(load<TinyModel>(options.output).embed_dim == 48);
}

TEST_CASE("the average of the weights is what is validated and given away") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.step.ema_decay = 0.9;
  REQUIRE(train(data, options) == TrainingEnd::finished);
  const auto tensors = tensors_of(options.output);
  const Checkpoint model = open_checkpoint(RunFolder(options.output).weights());
  CHECK(model.read_floats("visual.proj") == tensors.at("average.visual.proj"));
  CHECK(model.read_floats("visual.proj") != tensors.at("model.visual.proj"));
}

TEST_CASE("the average of the best validation is kept, if requested") {
  const SmallData data;
  TrainingOptions options = data.options("whole");
  options.step.ema_decay = 0.9;
  options.step.learning_rate = 5e-3;
  options.keep_best = true;
  REQUIRE(train(data, options) == TrainingEnd::finished);
  std::uint64_t best_step = 0;
  double best = -1;
  for (const Json& line : log_of(options.output)) {
    if (!line.contains("validation")) continue;
    const double recall = line.at("validation").at("image_to_text").at("r1");
    if (recall > best) best = recall, best_step = line.at("step");
  }
  const TrainingRecord record =
      read_training_record(open_checkpoint(RunFolder(options.output).checkpoint()));
  REQUIRE(record.state.best);
  CHECK(std::abs(*record.state.best - best) <= 1e-6);  // the log has floats

  TrainingOptions until = data.options("until");  // a run that ends there
  until.step = options.step;
  REQUIRE(train(data, until, false, best_step) ==
          (best_step == 12 ? TrainingEnd::finished : TrainingEnd::stopped));
  CHECK(open_checkpoint(RunFolder(options.output).best_weights()).read_floats("visual.proj") ==
        open_checkpoint(RunFolder(until.output).weights()).read_floats("visual.proj"));
  CHECK_FALSE(std::filesystem::exists(RunFolder(until.output).best_weights()));
}

TEST_CASE("words are dropped by the seed, from the first step on") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.step.steps = 1;
  const auto first_losses = [&](double word_dropout, const char* folder) {
    options.step.word_dropout = word_dropout;
    options.output = data.output(folder);
    train(data, options);
    return log_of(options.output).front();
  };
  const Json none = first_losses(0, "none");
  const Json some = first_losses(0.9, "some");
  CHECK(some["contrastive_loss"] != none["contrastive_loss"]);
  CHECK(some["captioning_loss"] != none["captioning_loss"]);
  CHECK(first_losses(0.9, "again") == some);
}

TEST_CASE("SigLIP's loss trains a model with a bias, which resumes with it") {
  const SmallData data;
  TrainingOptions options = data.options("whole");
  options.step.contrastive = ContrastiveKind::sigmoid;
  options.step.ema_decay = 0.9;
  REQUIRE(train(data, options) == TrainingEnd::finished);
  const std::vector<Json> log = log_of(options.output);
  CHECK(log[0].at("logit_bias") == -10);
  CHECK(std::abs(log[0].at("logit_scale").get<double>() - 10) <= 1e-5);
  CHECK(log[13].at("logit_bias") > -10);
  CHECK(contains(read_all(RunFolder(options.output).report()), "Logit bias"));
  CHECK(read_json_file(RunFolder(options.output).config()).at("model_cfg").at("init_logit_bias") ==
        -10);
  const auto model = load<TinyModel>(options.output);
  CHECK(model.has_logit_bias());
  CHECK(find_training_record(options.output)->logit_bias);

  TrainingOptions parts = options;
  parts.output = data.output("parts");
  REQUIRE(train(data, parts, false, 7) == TrainingEnd::stopped);
  REQUIRE(train(data, parts, true) == TrainingEnd::finished);
  CHECK(tensors_of(parts.output) == tensors_of(options.output));

  TrainingOptions plain = data.options("plain");
  REQUIRE(train(data, plain) == TrainingEnd::finished);
  CHECK_FALSE(find_training_record(plain.output)->logit_bias);
  CHECK_FALSE(log_of(plain.output)[0].contains("logit_bias"));
  CHECK_FALSE(contains(read_all(RunFolder(plain.output).report()), "Logit bias"));
  TinyModel without = tiny_model();
  plain.step.contrastive = ContrastiveKind::sigmoid;
  CHECK(contains(message_of([&] { TinyTrainer(without, data.subject(), plain); }),
                 "the model has no logit_bias"));
}

TEST_CASE("the model can be saved as F16, and frozen weights stay") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.half_precision = true;
  options.step.freeze = {"visual"};
  REQUIRE(train(data, options) == TrainingEnd::finished);
  const Checkpoint model = open_checkpoint(RunFolder(options.output).weights());
  CHECK(model.tensor("visual.proj").dtype == DType::F16);
  const auto tensors = tensors_of(options.output);
  CHECK(tensors.count("optimizer.first_moment.visual.proj") == 0);
  const TinyModel start = tiny_model();
  for_each_parameter(start, [&](const auto& parameter) {
    const WeightSource source = parameter.store(start.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    const bool same = values == tensors.at("model." + parameter.path());
    CHECK(same == parameter.path().starts_with("visual."));
  });
}

TEST_CASE("log, report and progress say what happened") {
  const SmallData data;
  const TrainingOptions options = data.options();
  TinyModel model = tiny_model();
  std::vector<TrainingProgress> steps;
  std::vector<std::uint64_t> validations;
  TrainingEvents events;
  events.on_step = [&](const TrainingProgress& progress) { steps.push_back(progress); };
  events.on_validation = [&](const TrainingValidation& v) { validations.push_back(v.step); };
  TinyTrainer(model, data.subject(), options, events).run();

  REQUIRE(steps.size() == 12);
  CHECK(steps[5].step == 6);
  CHECK(steps[5].steps == 12);
  CHECK(steps[5].epoch == 1.5);
  CHECK(steps[11].learning_rate < steps[0].learning_rate);
  CHECK(validations == std::vector<std::uint64_t>{5, 10, 12});
  const std::vector<Json> log = read_training_log(RunFolder(options.output).log());
  REQUIRE(log.size() == 15);
  CHECK(log[0].at("step") == 1);
  CHECK(log[0].at("loss").get<double>() > log[13].at("loss").get<double>());
  for (const char* key : {"epoch", "contrastive_loss", "captioning_loss", "learning_rate",
                          "gradient_norm", "logit_scale", "pictures_per_second", "seconds_waited"})
    CHECK(log[0].at(key).is_number());
  const Json& validation = log[5].at("validation");
  CHECK(validation.at("pictures") == 32);
  CHECK(validation.at("captions").size() == 3);
  CHECK(validation.at("image_to_text").at("r10").get<double>() <= 1);
  const std::string report = read_all(RunFolder(options.output).report());
  CHECK(contains(report, "<svg"));
  CHECK(contains(report, "data:image/png;base64,"));
  CHECK(contains(report, "Step 12 of 12, 32 pictures"));
  CHECK_FALSE(contains(report, "<script"));
  CHECK_FALSE(contains(report, "http"));
  CHECK(read_json_file(RunFolder(options.output).generation_config()).at("min_length") == 0);
  const Json kept = read_json_file(RunFolder(options.output).options());
  CHECK(kept.at("batch_size") == 8);
  CHECK(contains(read_all(options.output + "/bpe_simple_vocab_tiny.txt"), "small vocabulary"));
}
