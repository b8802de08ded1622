#include "coca/training/option_effects.hpp"

#include "catch.hpp"

using namespace coca;

namespace option_effects_test {

namespace {

/// What is said of options in JSON, all of which are given.
std::string problem(const Json& json) {
  TrainingOptions options;
  read_options(Json::parse(json.dump()), "options", options);  // whole numbers become unsigned
  std::set<std::string> given;
  for (const auto& item : json.items()) given.insert(item.key());
  return ineffective_option(options, given);
}

}  // namespace

TEST_CASE("an option that the task does not use is named, with the tasks that do") {
  CHECK(problem({{"task", "caption"}, {"contrastive", "sigmoid"}}) ==
        "--contrastive changes nothing in the task caption, only in coca and clip");
  CHECK(problem({{"task", "clip"}, {"caption_weight", 1}}) ==
        "--caption-weight changes nothing in the task clip, only in coca, caption and vqa");
  CHECK(problem({{"task", "coca"}, {"mixup", 0.8}}) ==
        "--mixup changes nothing in the task coca, only in classify");
  CHECK(problem({{"task", "clip"}, {"head", "pooler"}}) ==
        "--head changes nothing in the task clip, only in classify and pairs");
  CHECK(problem({{"task", "vqa"}, {"head", "mlp"}}) ==
        "--head changes nothing in the task vqa, only in classify and pairs");
  CHECK(problem({{"task", "vqa"}, {"caption_weight", 3}}).empty());
  CHECK(problem({{"task", "classify"}, {"switchout", 0.1}}) ==
        "--switchout changes nothing in the task classify, only in coca, clip and caption");
  CHECK(problem({{"task", "clip"}, {"label_smoothing", 0.1}}) ==
        "--label-smoothing changes nothing in the task clip, only in coca, caption, classify, "
        "video, vqa, entailment and pairs");
  CHECK(problem({{"task", "coca"}, {"frames", 8}}) ==
        "--frames changes nothing in the task coca, only in video");
  CHECK(problem({{"task", "video"}, {"frames", 8}, {"temporal_positions", true}}).empty());
  CHECK(problem({{"task", "video"}, {"mixup", 0.8}}) ==
        "--mixup changes nothing in the task video, only in classify");
  CHECK(problem({{"task", "clip"}, {"contrastive", "sigmoid"}}).empty());
  CHECK(problem({{"task", "coca"}, {"contrastive_weight", 3}}).empty());
  CHECK(problem({{"task", "classify"}, {"mixup", 0.8}, {"label_key", "kind"}}).empty());
  CHECK(problem({{"task", "vqa"}, {"mixup", 0.8}}) ==
        "--mixup changes nothing in the task vqa, only in classify");
  CHECK(problem({{"task", "pairs"}, {"contrastive", "sigmoid"}}) ==
        "--contrastive changes nothing in the task pairs, only in coca and clip");
  CHECK(problem({{"task", "entailment"}, {"head", "mlp"}}) ==
        "--head changes nothing in the task entailment, only in classify and pairs");
  CHECK(problem({{"task", "coca"}, {"answer_count", 3}}) ==
        "--answer-count changes nothing in the task coca, only in vqa");
  CHECK(problem({{"task", "pairs"}, {"head", "mlp"}, {"label_smoothing", 0.1}}).empty());
  CHECK(problem({{"task", "vqa"}, {"answer_loss", "softmax"}, {"caption_weight", 3}}).empty());
  // The default asks for nothing.
  CHECK(problem({{"task", "caption"}, {"contrastive", "softmax"}}).empty());
  CHECK(problem({{"task", "custom"}, {"contrastive", "sigmoid"}}).empty());
  CHECK(problem({{"task", "coca"}, {"seed", 3}, {"learning_rate", 1e-3}}).empty());
}

TEST_CASE("an option that needs another is named with it") {
  CHECK(problem({{"keep_best", true}}) == "--keep-best changes nothing without --validation");
  CHECK(problem({{"keep_best", true}, {"validation", "x.csv"}}).empty());
  CHECK(problem({{"keep_best", false}}).empty());
  CHECK(problem({{"validation_split", "test"}}) ==
        "--validation-split changes nothing without --validation");
  CHECK(problem({{"cooldown_steps", 5}}) ==
        "--cooldown-steps changes nothing without --schedule constant_cooldown");
  CHECK(problem({{"cooldown_steps", 5}, {"schedule", "constant_cooldown"}}).empty());
  CHECK(problem({{"final_learning_rate", 1e-5}, {"schedule", "constant"}}) ==
        "--final-learning-rate changes nothing without a --schedule that ends below its peak");
  CHECK(problem({{"final_learning_rate", 1e-5}, {"schedule", "linear"}}).empty());
  CHECK(problem({{"momentum", 0.5}}) == "--momentum changes nothing without --optimizer sgd");
  CHECK(problem({{"beta2", 0.9}, {"optimizer", "sgd"}}) ==
        "--beta2 changes nothing without --optimizer adamw");
  CHECK(problem({{"group_size", 4}}) == "--group-size changes nothing without --group-key");
  CHECK(problem({{"task", "classify"}, {"templates", "a {}"}}) ==
        "--templates changes nothing without --head-start text");
  CHECK(problem({{"task", "classify"}, {"templates", "a {}"}, {"head_start", "text"}}).empty());
  CHECK(problem({{"cache_views", 2}}) == "--cache-views changes nothing without --feature-cache");
  CHECK(problem({{"cache_views", 2}, {"feature_cache", "folder"}}).empty());
  CHECK(problem({{"fill_color", 255}}) ==
        "--fill-color changes nothing without --resize-mode longest");
  CHECK(problem({{"word_dropout_count", 5}}) ==
        "--word-dropout-count changes nothing without --word-dropout");
}

TEST_CASE("options of augmentation need it, and the one that they belong to") {
  CHECK(problem({{"affine", 0}, {"affine_degrees", 5}}) ==
        "--affine-degrees changes nothing without --affine");
  CHECK(problem({{"affine_degrees", 5}}).empty());  // affine is 1 by default
  CHECK(problem({{"affine_degrees", 5}, {"affine", 0.5}}).empty());
  CHECK(problem({{"affine", 0.5}}).empty());
  CHECK(problem({{"rand_augment_magnitude", 5}}) ==
        "--rand-augment-magnitude changes nothing without --rand-augment");
  CHECK(problem({{"color_jitter", 0}, {"hue", 0.3}}) ==
        "--hue changes nothing without --color-jitter");
  CHECK(problem({{"augment", false}, {"flip", 0.5}}) == "--flip changes nothing with --no-augment");
  CHECK(problem({{"augment", false}, {"flip_key", "flip"}}) ==
        "--flip-key changes nothing with --no-augment");
}

TEST_CASE("each task has its own heads") {
  CHECK(problem({{"task", "classify"}, {"head", "mlp"}}) ==
        "--head mlp is for the task pairs, expected linear or pooler in the task classify");
  CHECK(problem({{"task", "pairs"}, {"head", "pooler"}}) ==
        "--head pooler is for the task classify, expected linear or mlp in the task pairs");
  CHECK(problem({{"task", "classify"}, {"head", "pooler"}}).empty());
  CHECK(problem({{"task", "pairs"}, {"head", "mlp"}}).empty());
  CHECK(classifier_head(HeadChoice::pooler) == ClassifierHead::pooler);
  CHECK(pair_head_kind(HeadChoice::mlp) == PairHeadKind::mlp);
  CHECK_THROWS_AS(classifier_head(HeadChoice::mlp), ArgumentError);
  CHECK_THROWS_AS(pair_head_kind(HeadChoice::pooler), ArgumentError);
}

TEST_CASE("each option that has conditions is one") {
  const nlohmann::ordered_json all = to_json(TrainingOptions{});
  for (const BuiltInTask& task : built_in_tasks())
    for (const std::string_view option : task.options) CHECK(all.contains(std::string(option)));
  for (const auto& each : coca::detail::option_needs) CHECK(all.contains(std::string(each.option)));
}

}  // namespace option_effects_test
