#include "coca/training/training_options_json.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::message_of;

namespace {

TrainingOptions read(const std::string& text) {
  TrainingOptions options;
  read_options(parse_json(text, "train.json"), "train.json", options);
  return options;
}

std::string refusal(const std::string& text) {
  return message_of([&] { read(text); });
}

}  // namespace

TEST_CASE("training options are what they were after writing and reading") {
  TrainingOptions options;
  options.data.training = {"a.jsonl", "b"};
  options.data.augmentation.crop.scale = {0.25, 0.75};
  options.data.augmentation.affine.fill = AffineFill::edge;
  options.data.augment = false;
  options.step.optimizer = OptimizerKind::adafactor;
  options.step.schedule = ScheduleKind::constant_cooldown;
  options.step.learning_rate = 0.1 + 0.2;
  options.precision = TrainingPrecision::bfloat16;
  options.seed = 0xFFFFFFFFFFFFFFFFu;
  const std::string text = to_json(options).dump();
  const TrainingOptions again = read(text);
  CHECK(to_json(again).dump() == text);
  CHECK(again.step.learning_rate == options.step.learning_rate);
  CHECK(again.seed == options.seed);
  CHECK(again.data.augmentation == options.data.augmentation);
  CHECK(again.data.training == options.data.training);
  CHECK(text.find(R"("optimizer":"adafactor")") != std::string::npos);
}

TEST_CASE("options missing in a file are unchanged, and one text is a list of one") {
  const TrainingOptions options = read(R"({"batch_size": 7, "data": "x.csv"})");
  CHECK(options.step.batch_size == 7);
  CHECK(options.data.training == std::vector<std::string>{"x.csv"});
  CHECK(options.step.learning_rate == TrainingOptions{}.step.learning_rate);
  const coca_test::TemporaryFolder folder;
  TrainingOptions from_file;
  read_options_file(folder.write("t.json", R"({"threads": 3})"), from_file);
  CHECK(from_file.threads == 3);
}

TEST_CASE("invalid keys and values are refused by name") {
  CHECK(refusal(R"({"batchsize": 7})") ==
        "train.json: \"batchsize\" is not a training option; did you mean batch_size?");
  CHECK(refusal(R"({"zebra": 7})") == "train.json: \"zebra\" is not a training option");
  CHECK(refusal(R"({"batch_size": -1})") ==
        "train.json: batch_size is -1, expected a whole number of at least 0");
  CHECK(refusal(R"({"threads": 4294967296})") ==
        "train.json: threads is 4294967296, expected a whole number of at least 0");
  CHECK(refusal(R"({"epochs": 1.5})") ==
        "train.json: epochs is 1.5, expected a whole number of at least 0");
  CHECK(refusal(R"({"learning_rate": "fast"})") ==
        "train.json: learning_rate is \"fast\", expected a number");
  CHECK(refusal(R"({"recompute": 1})") == "train.json: recompute is 1, expected true or false");
  CHECK(refusal(R"({"optimizer": "adam"})") ==
        "train.json: optimizer is \"adam\", expected one of adamw, adafactor, sgd");
  CHECK(refusal(R"({"crop_scale": [1]})") ==
        "train.json: crop_scale is [1], expected two numbers, [low, high]");
  CHECK(refusal(R"({"data": ["a", 1]})") ==
        "train.json: data is [\"a\",1], expected a text or a list of texts");
  CHECK(refusal(R"({"output": 1})") == "train.json: output is 1, expected a text");
  CHECK(refusal("[]") == "train.json: holds no JSON object of training options");
}
