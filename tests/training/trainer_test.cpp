#include "coca/training/trainer.hpp"

#include "catch.hpp"
#include "coca/evaluation/exact_match.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/clip.hpp"
#include "small_run.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

namespace {

constexpr std::uint64_t never = static_cast<std::uint64_t>(-1);

/// Runs until all is done, or until so many steps are.
TrainingEnd train(const SmallData& data, const TrainingOptions& options, bool resume = false,
                  std::uint64_t stop_after = never) {
  TinyModel model(Cpu<float>(CpuOptions{.threads = 1}));
  if (options.step.contrastive == ContrastiveKind::sigmoid) model.add_logit_bias();
  initialize(model, options.seed);
  std::atomic<bool> stop{stop_after == 0};
  TrainingEvents events;
  events.stop = &stop;
  events.on_step = [&](const TrainingProgress& progress) {
    if (progress.step == stop_after) stop = true;
  };
  TinyTrainer trainer(model, data.subject(), options, events);
  if (resume) trainer.resume();
  return trainer.run();
}

/// The log without what a clock says.
std::vector<Json> log_of(const std::string& folder) {
  std::vector<Json> lines = read_training_log(RunFolder(folder).log());
  for (Json& line : lines) {
    line.erase("pictures_per_second");
    line.erase("seconds_waited");
  }
  return lines;
}

/// Every tensor of a checkpoint: weights, moments, average.
std::map<std::string, std::vector<float>> tensors_of(const std::string& folder) {
  const Checkpoint checkpoint = open_checkpoint(RunFolder(folder).checkpoint());
  std::map<std::string, std::vector<float>> tensors;
  for (const std::string& name : checkpoint.names()) tensors[name] = checkpoint.read_floats(name);
  return tensors;
}

}  // namespace

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

TEST_CASE("a stopped run resumes bit for bit") {
  const SmallData data;
  TrainingOptions options = data.options("whole");
  options.data.augment = true;
  options.data.augmentation.flip_probability = 0.5;
  options.data.augmentation.crop.scale = {0.3, 1.0};
  options.step.ema_decay = 0.9;
  options.step.clip_norm = 1;
  options.step.word_dropout = 0.5;
  options.step.optimizer = GENERATE(OptimizerKind::adamw, OptimizerKind::adafactor);
  REQUIRE(train(data, options) == TrainingEnd::finished);
  options.output = data.output("parts");
  const std::uint64_t stop_after = GENERATE(0, 1, 5, 7);
  REQUIRE(train(data, options, false, stop_after) == TrainingEnd::stopped);
  REQUIRE(log_of(data.output("parts")).size() < log_of(data.output("whole")).size());
  // What a killed run wrote after its checkpoint.
  std::ofstream(RunFolder(options.output).log(), std::ios::app) << "{\"step\":8}\n{\"ste";
  REQUIRE(train(data, options, true) == TrainingEnd::finished);

  CHECK(log_of(data.output("parts")) == log_of(data.output("whole")));
  CHECK(tensors_of(data.output("parts")) == tensors_of(data.output("whole")));
  CHECK(read_all(RunFolder(data.output("parts")).weights()) ==
        read_all(RunFolder(data.output("whole")).weights()));
}

TEST_CASE("a run does not resume with other steps than it started with") {
  const SmallData data;
  TrainingOptions options = data.options();
  REQUIRE(train(data, options, false, 7) == TrainingEnd::stopped);
  const std::string before = read_all(RunFolder(options.output).checkpoint());
  options.step.batch_size = GENERATE(4, 16);
  const std::string size = std::to_string(options.step.batch_size);
  CHECK(contains(message_of([&] { train(data, options, true); }),
                 "is of steps of 8 pictures, these would have " + size + " (batches of " + size +
                     ", processes: 1); resume with"));
  options.step.batch_size = 8;
  TrainingOptions other = options;
  other.step.optimizer = OptimizerKind::sgd;
  CHECK(contains(message_of([&] { train(data, other, true); }),
                 "is of the optimizer adamw, this run has sgd"));
  other = options;
  other.step.ema_decay = 0.9;
  CHECK(contains(message_of([&] { train(data, other, true); }),
                 "without an average of the weights, this one is with one (ema_decay)"));
  std::string half = read_all(data.list());
  half.resize(half.find("red_circle"));
  half.resize(half.rfind('\n') + 1);
  data.folder().write("half.jsonl", half);
  options.data.training = {data.folder().path("half.jsonl")};
  CHECK(contains(message_of([&] { train(data, options, true); }),
                 "stands before batch 3 of its epoch, but an epoch has 2; resume with the data"));
  CHECK(read_all(RunFolder(options.output).checkpoint()) == before);
}

TEST_CASE("a run does not resume with other data than it began with, unless requested") {
  const SmallData data;
  TrainingOptions options = data.options();
  const std::string list = read_all(data.list());
  const auto as = [&](const std::string& text) {
    options.data.training = {data.folder().write("changed.jsonl", text)};
    return options;
  };
  REQUIRE(train(data, as(list), false, 7) == TrainingEnd::stopped);
  const std::string before = read_all(RunFolder(options.output).checkpoint());
  std::string edited = list;
  edited.replace(edited.find("a red circle"), 12, "a red square");
  const std::string first = list.substr(0, list.find('\n') + 1);
  const std::string turned = list.substr(first.size()) + first;
  const std::string more = list + "{\"image\":\"red_circle.png\",\"caption\":\"x\"}\n";
  for (const std::string& text : {edited, turned, more})
    CHECK(contains(message_of([&] { train(data, as(text), true); }),
                   "is of other training data (records, their order or their texts have changed); "
                   "resume with the data that the run began with, or with --data-changed"));
  CHECK(read_all(RunFolder(options.output).checkpoint()) == before);

  {
    TinyModel model = tiny_model();
    TinyTrainer trainer(model, data.subject(), as(edited));
    trainer.resume({.data_changed = true});
    CHECK(trainer.state().step == 7);
    CHECK(trainer.state().position == DataPosition{1, 3});
    CHECK(trainer.run() == TrainingEnd::finished);
  }
  // A run finished with the changed data resumes with it.
  options.step.steps = 13;
  CHECK(train(data, as(edited), true) == TrainingEnd::finished);
}

TEST_CASE("a run with less data than before resumes at the next epoch, if requested") {
  const SmallData data;
  TrainingOptions options = data.options();
  REQUIRE(train(data, options, false, 7) == TrainingEnd::stopped);
  std::string half = read_all(data.list());
  half.resize(half.find("red_circle"));
  half.resize(half.rfind('\n') + 1);
  options.data.training = {data.folder().write("half.jsonl", half)};
  TinyModel model = tiny_model();
  TinyTrainer trainer(model, data.subject(), options);
  trainer.resume({.data_changed = true});
  CHECK(trainer.state().position == DataPosition{2, 0});
  CHECK(trainer.run() == TrainingEnd::finished);
}

TEST_CASE("a data set that has moved is the same data") {
  const SmallData data;
  TrainingOptions options = data.options();
  REQUIRE(train(data, options, false, 3) == TrainingEnd::stopped);
  std::string list = read_all(data.list());
  const std::string folder = data.folder().path("") + "/";
  const std::string moved = folder + "moved";
  std::filesystem::create_directory(moved);
  for (std::size_t at; (at = list.find(folder + "red")) != std::string::npos;)
    list.replace(at, folder.size(), moved + "/");
  for (const char* shape : {"circle", "square", "cross", "stripes"})
    std::filesystem::copy_file(folder + "red_" + shape + ".png", moved + "/red_" + shape + ".png");
  options.data.training = {data.folder().write("moved.jsonl", list)};
  CHECK(train(data, options, true) == TrainingEnd::finished);
}

TEST_CASE("a run of another task is refused, and one without a task's name is a captioner's") {
  const SmallData data;
  const TrainingOptions options = data.options();
  REQUIRE(train(data, options, false, 7) == TrainingEnd::stopped);
  const RunFolder folder(options.output);
  CHECK(find_training_record(options.output)->options.task == "coca");
  TinyModel model = tiny_model();
  Trainer<CaptionTask<TinyModel>> captions(model, data.subject(), options);
  CHECK(contains(message_of([&] { captions.resume(); }),
                 "is of the task coca, this run has caption"));
  TrainingOptions other = options;
  other.task = "clip";
  CHECK(message_of([&] { TinyTrainer(model, data.subject(), other); }) ==
        "the task is clip, but what trains is coca");

  // Like a checkpoint of an older version: without the name of a task and without a digest.
  const Checkpoint checkpoint = open_checkpoint(folder.checkpoint());
  Json record = parse_json(checkpoint.metadata().at("coca_training"), "record");
  record.erase("data");
  for (const char* key : {"task", "label_key"}) record["options"].erase(key);
  std::vector<TensorAnnouncement> announcements;
  for (const std::string& name : checkpoint.names())
    announcements.push_back({name, checkpoint.tensor(name).shape, DType::F32});
  const std::string old = data.folder().path("old.safetensors");
  SafetensorsWriter writer(old, announcements, {{"coca_training", record.dump()}});
  for (const std::string& name : checkpoint.names())
    writer.write(name, checkpoint.read_floats(name));
  writer.commit();
  std::filesystem::rename(old, folder.checkpoint());
  CHECK(train(data, options, true) == TrainingEnd::finished);
  TrainingOptions whole = data.options("whole");
  REQUIRE(train(data, whole) == TrainingEnd::finished);
  CHECK(tensors_of(options.output) == tensors_of(whole.output));
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
  CHECK(contains(notes[0], "1 of its 1 pictures have a text beside them: read as captions"));
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
  CHECK(contains(refusal([](auto& o) { o.step.warmup_steps = 99; }), "12 steps"));
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
  CHECK(contains(refusal([](auto& o) { o.step.accumulation = 0; }), "0 parts"));
  CHECK(contains(refusal([](auto& o) { o.step.accumulation = 3; }),
                 "a batch_size of 8 cannot be computed in 3 equal parts (accumulation)"));
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
