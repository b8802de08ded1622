#include "coca/training/training_checkpoint.hpp"

#include <cstring>

#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/training/model_soup.hpp"
#include "small_run.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

namespace {

/// A model with what trains it, after some steps of made-up gradients.
struct Parts {
  explicit Parts(OptimizerKind kind, int steps = 0)
      : model(tiny_model(static_cast<std::uint64_t>(steps))),
        trainable(model, all_but(model, {"visual.conv1"})),
        optimizer(trainable, model.backend(), {.kind = kind}),
        average(trainable, model.backend()) {
    for (int i = 0; i < steps; ++i) {
      call<ops::Fill>(model.backend(), trainable.gradients(), 0.01f * static_cast<float>(i + 1));
      optimizer.step(1e-2);
      average.update();
    }
  }

  TrainedTensors<TinyModel> tensors() { return {model, optimizer, &average}; }

  /// All bits.
  std::map<std::string, std::vector<float>> values() {
    std::map<std::string, std::vector<float>> all;
    tensors().for_each([&](const std::string& name, const WeightSource& source) {
      all[name].resize(source.shape.size());
      source.read(0, source.rows(), all[name].data());
    });
    return all;
  }

  TinyModel model;
  Trainable<TinyModel> trainable;
  Optimizer<TinyModel> optimizer;
  ExponentialAverage<TinyModel> average;
};

TrainingRecord some_record() {
  TrainingRecord record;
  record.state = {.step = 7,
                  .position = {2, 3},
                  .skipped = 4,
                  .skipped_in_a_row = 1,
                  .validated_step = 5,
                  .log_bytes = 99,
                  .seconds = 1.5};
  record.optimizer_steps = 6;
  record.average_updates = 8;
  record.step_pictures = 22;
  record.options.step.batch_size = 11;
  record.backend = {{"a", "packed"}};
  return record;
}

}  // namespace

TEST_CASE("a checkpoint restores everything that was saved") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("c.safetensors");
  const auto kind = GENERATE(OptimizerKind::adamw, OptimizerKind::adafactor, OptimizerKind::sgd);
  Parts trained(kind, 3), fresh(kind);
  save_training_checkpoint(path, trained.tensors(), some_record());
  REQUIRE(trained.values() != fresh.values());
  const Checkpoint checkpoint = open_checkpoint(path);
  restore_tensors(checkpoint, fresh.tensors());
  CHECK(trained.values() == fresh.values());

  const TrainingRecord record = read_training_record(checkpoint);
  CHECK(record.state.step == 7);
  CHECK(record.state.position == DataPosition{2, 3});
  CHECK(record.state.skipped == 4);
  CHECK(record.state.skipped_in_a_row == 1);
  CHECK(record.state.validated_step == 5);
  CHECK(record.state.log_bytes == 99);
  CHECK(record.state.seconds == 1.5);
  CHECK(record.optimizer_steps == 6);
  CHECK(record.average_updates == 8);
  CHECK(record.step_pictures == 22);
  CHECK(record.options.step.batch_size == 11);
  CHECK(record.backend == Json{{"a", "packed"}});
}

TEST_CASE("a checkpoint of other options or no checkpoint is refused") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("c.safetensors");
  Parts adamw(OptimizerKind::adamw), sgd(OptimizerKind::sgd);
  save_training_checkpoint(path, adamw.tensors(), some_record());
  CHECK(contains(message_of([&] { restore_tensors(open_checkpoint(path), sgd.tensors()); }),
                 "holds no tensor \"optimizer.velocity."));
  const TrainedTensors<TinyModel> without{adamw.model, adamw.optimizer};
  save_training_checkpoint(path, without, some_record());
  CHECK(contains(message_of([&] { restore_tensors(open_checkpoint(path), adamw.tensors()); }),
                 "holds no tensor \"average."));
  save_training_checkpoint(path, adamw.tensors(), some_record());
  CHECK(contains(message_of([&] { restore_tensors(open_checkpoint(path), without); }),
                 "which a run with these options does not have"));
  const std::string no_model = path +
                               ": is a training checkpoint (for train --resume); its model is "
                               "open_clip_model.safetensors in the same folder";
  CHECK(message_of([&] { load<TinyModel>(path); }) == no_model);
  const std::vector<SoupIngredient> soup{{open_checkpoint(path)}};
  CHECK(message_of([&] { write_model_soup(folder.path("soup"), soup); }) == no_model);
  save_weights(adamw.model, path);
  CHECK(message_of([&] { read_training_record(open_checkpoint(path)); }) ==
        path + ": is not a checkpoint of a training run");
}

TEST_CASE("damaged records are refused by name") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("c.safetensors");
  const auto refusal = [&](const std::string& text) {
    SafetensorsWriter(path, {}, {{"coca_training", text}}).commit();
    return message_of([&] { read_training_record(open_checkpoint(path)); });
  };
  CHECK(contains(refusal("{"), "syntax error"));
  CHECK(contains(refusal("[]"), "has no \"state\""));
  CHECK(contains(refusal(R"({"state":{},"options":{}})"), "no count \"version\""));
  CHECK(contains(refusal(R"({"state":{},"options":{},"version":2})"), "another version"));
  CHECK(
      contains(refusal(R"({"state":{"step":-1},"options":{},"version":1})"), "no count \"step\""));
}

TEST_CASE("a checkpoint that cannot be written leaves the previous one") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("c.safetensors");
  Parts parts(OptimizerKind::sgd);
  save_training_checkpoint(path, parts.tensors(), some_record());
  const std::string before = read_all(path);
  CHECK(message_of([&] {
          save_training_checkpoint("/dev/full", parts.tensors(), some_record());
        }) == "/dev/full: cannot be written: No space left on device");
  CHECK(contains(
      message_of([&] { save_training_checkpoint(path + "/x", parts.tensors(), some_record()); }),
      "Not a directory"));
  CHECK(read_all(path) == before);
  CHECK(folder.count() == 1);
}

TEST_CASE("a checkpoint in which a byte has changed is refused") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("c.safetensors");
  Parts trained(OptimizerKind::adamw, 2), fresh(OptimizerKind::adamw);
  TrainingRecord record = some_record();
  record.classes = {"cat", "k\xE4se"};  // the name of a folder may be any bytes
  save_training_checkpoint(path, trained.tensors(), record);
  const std::string good = read_all(path);
  CHECK(read_training_record(open_checkpoint(path)).classes == record.classes);
  const auto refusal = [&](std::size_t byte) {
    std::string bad = good;
    bad[byte] = static_cast<char>(bad[byte] ^ 1);
    folder.write("c.safetensors", bad);
    return message_of([&] { restore_tensors(open_checkpoint(path), fresh.tensors()); });
  };
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof header);
  const std::size_t data = 8 + static_cast<std::size_t>(header);
  for (int i = 0; i <= 20; ++i) {
    const std::size_t byte = data + (good.size() - 1 - data) * static_cast<std::size_t>(i) / 20;
    CAPTURE(byte, good.size());
    CHECK(contains(refusal(byte), "is damaged: its content is not what was written"));
  }
  CHECK(contains(refusal(good.find("learning_rate") + 16), "is damaged"));  // of the record
  folder.write("c.safetensors", good);
  restore_tensors(open_checkpoint(path), fresh.tensors());
  CHECK(trained.values() == fresh.values());
}
