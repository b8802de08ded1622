// Runs that are resumed: bit for bit, or refused in one sentence.

#include "catch.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/trainer.hpp"
#include "tiny_runs.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

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

TEST_CASE("a run does not resume beyond its end") {
  const SmallData data;
  TrainingOptions options = data.options();
  REQUIRE(train(data, options, false, 7) == TrainingEnd::stopped);
  options.step.steps = 6;
  CHECK(contains(message_of([&] { train(data, options, true); }),
                 "is of step 7, but the run is to have 6 steps; give more steps or epochs"));
  options.step.steps = 7;
  CHECK(train(data, options, true) == TrainingEnd::finished);
}
