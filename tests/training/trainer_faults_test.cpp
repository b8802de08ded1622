// What goes wrong in a run, and what is refused before it begins.

#include "catch.hpp"
#include "coca/training/trainer.hpp"
#include "tiny_runs.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

TEST_CASE("steps that are not finite are skipped, and ten in a row end a run") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.step.steps = 3;
  REQUIRE(train(data, options) == TrainingEnd::finished);
  const auto largest = [&] {
    const std::vector<float> values =
        open_checkpoint(RunFolder(options.output).weights()).read_floats("visual.proj");
    return std::abs(*std::max_element(values.begin(), values.end(),
                                      [](float a, float b) { return std::abs(a) < std::abs(b); }));
  };
  REQUIRE(largest() < 100);

  options.step.steps = 50;
  options.step.learning_rate = 1e30;
  options.step.schedule = ScheduleKind::constant;
  options.checkpoint_steps = 1;
  CHECK(contains(message_of([&] { train(data, options, true); }), "10 steps in a row"));
  const std::vector<Json> log = log_of(options.output);
  REQUIRE(log.size() > 10);
  for (std::size_t i = log.size() - 10; i < log.size(); ++i) {
    if (log[i].contains("validation")) continue;
    CHECK(log[i].at("skipped") == true);
    CHECK(log[i].at("loss").is_null());
  }
  // The last good one: of step 4, whose update is what went wrong, or before.
  const TrainingRecord record =
      read_training_record(open_checkpoint(RunFolder(options.output).checkpoint()));
  CHECK(record.state.skipped == 0);
  CHECK(record.state.step <= 4);
  CHECK(largest() < 100);  // so is the model stored with it
  CHECK_FALSE(std::filesystem::exists(options.output + "/open_clip_model.kept.safetensors"));
}

TEST_CASE("a run whose last steps are not finite does not replace the last good model") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.step.steps = 3;
  REQUIRE(train(data, options) == TrainingEnd::finished);
  const std::string weights = RunFolder(options.output).weights();
  const std::string good = read_all(weights);

  options.step.steps = 8;
  options.step.learning_rate = 1e30;
  options.step.schedule = ScheduleKind::constant;
  CHECK(contains(message_of([&] { train(data, options, true); }),
                 "was not finite in the last 4 steps"));
  CHECK(read_all(weights) == good);
  CHECK(read_training_record(open_checkpoint(RunFolder(options.output).checkpoint())).state.step ==
        3);
  CHECK_FALSE(std::filesystem::exists(options.output + "/open_clip_model.kept.safetensors"));
  // With another learning rate it continues from there.
  options.step.learning_rate = 1e-3;
  CHECK(train(data, options, true) == TrainingEnd::finished);
}

TEST_CASE("broken pictures are reported once and do not end a run") {
  const SmallData data;
  TrainingOptions options = data.options();
  const std::string broken = data.folder().write("broken.png", "no picture");
  const std::string list = data.folder().write(
      "more.jsonl", read_all(data.list()) + "{\"image\":\"" + broken + "\",\"caption\":\"x\"}\n");
  options.data.training = {list};
  TinyModel model = tiny_model();
  std::vector<std::string> names;
  TrainingEvents events;
  events.on_broken_picture = [&](const SkippedPicture& picture) { names.push_back(picture.name); };
  CHECK(TinyTrainer(model, data.subject(), options, events).run() == TrainingEnd::finished);
  CHECK(names == std::vector<std::string>{broken});

  TrainingOptions validated = data.options();
  validated.output += "_validated";
  validated.data.validation = {list};
  names.clear();
  TinyModel other = tiny_model();
  CHECK(TinyTrainer(other, data.subject(), validated, events).run() == TrainingEnd::finished);
  CHECK(names == std::vector<std::string>{broken});  // of three validations
}

TEST_CASE("rows that cannot be read are skipped as broken pictures are, and notes are passed on") {
  const SmallData data;
  TrainingOptions options = data.options();
  const std::string list = data.folder().write(
      "rows.jsonl", "{\"image\":\"a.png\",\"caption\":null}\n" + read_all(data.list()));
  const std::string pictures = data.folder().path("folder/class");
  std::filesystem::create_directories(pictures);
  const CaptionFile pairs(data.list());
  std::filesystem::copy(pairs.image_path(0), pictures + "/x.png");
  data.folder().write("folder/class/x.txt", "a red circle");
  options.data.training = {list, data.folder().path("folder")};
  options.step.word_dropout = 0.5;
  TinyModel model = tiny_model();
  std::vector<std::string> reasons, notes;
  TrainingEvents events;
  events.on_broken_picture = [&](const SkippedPicture& row) { reasons.push_back(row.reason); };
  events.on_note = [&](const std::string& note) { notes.push_back(note); };
  CHECK(TinyTrainer(model, data.subject(), options, events).run() == TrainingEnd::finished);
  CHECK(reasons == std::vector<std::string>{
                       list + ": line 1: the caption is neither a text nor a list of texts"});
  REQUIRE(notes.size() == 1);
  CHECK(contains(notes[0], "1 of its 1 picture has a text next to it: read as captions"));
}

TEST_CASE("what makes no sense is refused before the first step") {
  const SmallData data;
  const auto refusal = [&](auto change) {
    TrainingOptions options = data.options();
    change(options);
    return message_of([&] { train(data, options); });
  };
  CHECK(contains(refusal([](auto& o) { o.data.training.clear(); }), "no data"));
  CHECK(contains(refusal([](auto& o) { o.data.training = {"/nowhere.jsonl"}; }),
                 "/nowhere.jsonl: cannot be opened"));
  CHECK(contains(refusal([](auto& o) { o.step.batch_size = 33; }), "32"));
  CHECK(contains(refusal([](auto& o) { o.step.epochs = o.step.steps = 0; }), "nothing to do"));
  CHECK(contains(refusal([](auto& o) {
                   o.step.epochs = o.step.steps = 0;
                   o.step.warmup_steps = 5;
                 }),
                 "nothing to do"));
  CHECK(contains(refusal([](auto& o) { o.step.warmup_steps = 99; }), "12 steps"));
  CHECK(
      contains(refusal([](auto& o) { o.step.beta1 = 1; }), "beta1 must be 0 or more and below 1"));
  CHECK(contains(refusal([](auto& o) { o.step.beta2 = 1.5; }), "beta2 must be"));
  CHECK(contains(refusal([](auto& o) { o.step.eps = 0; }), "eps must be above 0"));
  CHECK(contains(refusal([](auto& o) {
                   o.step.optimizer = OptimizerKind::sgd;
                   o.step.momentum = -0.5;
                 }),
                 "momentum must be"));
  CHECK(contains(refusal([](auto& o) { o.step.ema_decay = -1; }), "ema_decay must be"));
  CHECK(contains(refusal([](auto& o) { o.step.ema_decay = 1; }), "decay"));
  CHECK(contains(refusal([](auto& o) { o.step.caption_weight = -1; }), "must be 0 or more, got"));
  CHECK(contains(refusal([](auto& o) { o.step.freeze = {"nothing"}; }), "\"nothing\""));
  CHECK(contains(refusal([](auto& o) { o.data.fill_color = 256; }), "fill_color is 256"));
  CHECK(contains(refusal([](auto& o) { o.log_steps = 0; }), "log_steps"));
  CHECK(contains(refusal([](auto& o) { o.step.label_smoothing = 1; }), "label_smoothing is 1"));
  CHECK(contains(refusal([](auto& o) { o.step.switchout = 1; }), "switchout is 1"));
  CHECK(contains(refusal([](auto& o) { o.step.word_dropout = 1; }), "word_dropout is 1"));
  CHECK(contains(refusal([](auto& o) { o.step.word_dropout = -1; }), "word_dropout is -1"));
  CHECK(contains(refusal([](auto& o) {
                   o.step.word_dropout = 0.5;
                   o.step.word_dropout_count = 0;
                 }),
                 "word_dropout_count is 0"));
  CHECK(contains(refusal([](auto& o) { o.step.mixup = 0.8; }), "only the task classify"));
  CHECK(contains(refusal([](auto& o) { o.step.rate = {"visual"}; }), "rate is visual"));
  CHECK(contains(refusal([](auto& o) { o.step.rate = {"vis=2"}; }), "the prefix \"vis\""));
  CHECK(contains(refusal([](auto& o) { o.step.accumulation = 0; }), "0 parts"));
  CHECK(contains(refusal([](auto& o) { o.step.accumulation = 3; }),
                 "a batch_size of 8 cannot be computed in 3 equal parts (accumulation)"));
  // Pictures to validate on need what the task needs, too.
  const std::string labelled = data.folder().write(
      "labelled.jsonl", R"({"image": "0.png", "kind": "cat"})");
  CHECK(contains(refusal([&](auto& o) { o.data.validation = {labelled}; }), "caption"));
  TinyModel model = tiny_model();
  TrainingSubject subject = data.subject();
  subject.tokenizer = ClipTokenizer();
  CHECK(contains(message_of([&] { TinyTrainer(model, subject, data.options()); }),
                 "the tokenizer has 49408 words, the model's vocab_size is 600"));
}

TEST_CASE("a folder that cannot be written is one sentence, and the last checkpoint stays") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.output = data.list() + "/run";
  CHECK(contains(message_of([&] { train(data, options); }), "cannot be created"));

  options = data.options();
  REQUIRE(train(data, options) == TrainingEnd::finished);
  const RunFolder folder(options.output);
  const std::string good = read_all(folder.checkpoint());
  options.step.steps = 14;
  std::filesystem::remove(folder.report());
  std::filesystem::create_symlink("/dev/full", folder.report());
  CHECK(message_of([&] { train(data, options, true); }) ==
        folder.report() + ": cannot be written: No space left on device");
  CHECK(read_all(folder.checkpoint()) == good);
}

TEST_CASE("two runs do not write to one folder") {
  const SmallData data;
  const TrainingOptions options = data.options();
  std::filesystem::create_directories(options.output);
  const RunLock lock{RunFolder(options.output)};
  CHECK(contains(message_of([&] { train(data, options); }), "another training run"));
}
