// What the task on videos computes, and its runs.

#include "coca/training/tasks/video.hpp"

#include <atomic>
#include <cmath>

#include "catch.hpp"
#include "coca/models/standard_video_classifier.hpp"
#include "coca/pipelines/video_model.hpp"
#include "coca/training/frozen_features.hpp"
#include "coca/training/run_data.hpp"
#include "coca/training/training_memory.hpp"
#include "coca/training/video_data.hpp"
#include "models/fused_models.hpp"
#include "training/tested_task.hpp"
#include "training/tiny_runs.hpp"
#include "video/moving_squares.hpp"

using namespace coca;
using namespace coca::testing;

namespace video_task_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::MovingSquares;
using coca_test::read_all;

namespace {

using Far = Reference<float>;

template <class B>
StandardVideoClassifier<B> clips_of(const VideoConfig& video, B backend = {},
                                    const AnyConfig& config = plain) {
  auto model = make_video_classifier<B>(config, video, std::move(backend));
  initialize(model, 3);
  return model;
}

using Small = StandardVideoClassifier<Far>;

LabelledClips<Far> four_clips() {
  Context<Far> context;
  return {some_pictures(context, 12), {2, 0, 1, 2}};
}

}  // namespace

TEST_CASE("clips are learnt, in parts as in one", "[videos]") {
  for (const bool positions : {false, true}) {
    const VideoConfig video{3, 3, positions};
    check_task<VideoTask<Small>>(clips_of<Far>(video), four_clips(), {}, "classification_loss");
    check_task<VideoTask<Small>>(clips_of<Far>(video), four_clips(), {.label_smoothing = 0.1f},
                                 "classification_loss");
  }
  // From tokens the same, with the encoder left out.
  TestedTask<VideoTask<Small>> training(clips_of<Far>({3, 3, true}));
  const auto clips = four_clips();
  const LabelledClips<Far> cached{
      {}, clips.labels, training.model.encode_frames(training.context, clips.pixels, 3)};
  CHECK(training.step.compute_gradients(cached).loss("classification_loss") ==
        training.step.compute_gradients(clips).loss("classification_loss"));
  // Clips without a label count for nothing.
  const LabelledClips<Far> none{clips.pixels, std::vector<std::int32_t>(4, no_label)};
  CHECK(training.step.compute_gradients(none).loss("classification_loss") == 0);
  // Blocks that are recomputed give the same.
  TestedTask<VideoTask<Small>> again(clips_of<Far>({3, 3, true}), {},
                                     {.tape = {.recompute_blocks = true}});
  training.step.compute_gradients(clips);
  again.step.compute_gradients(clips);
  CHECK(distance(again.gradients(), training.gradients()) <= 1e-5 * norm_of(training.gradients()));
}

TEST_CASE("steps on clips refuse what does not fit together", "[videos]") {
  TestedTask<VideoTask<Small>> training(clips_of<Far>({3, 3, false}));
  auto clips = four_clips();
  clips.labels.pop_back();
  CHECK_THROWS_WITH(
      training.step(clips, 1e-3),
      "a training step needs a label for each clip of 3 frames, got 12 frames and 3 labels");
  CHECK_THROWS_AS(training.step({{}, {}}, 1e-3), ShapeError);
  clips = four_clips();
  clips.labels[0] = 3;
  CHECK_THROWS_WITH(training.step(clips, 1e-3), "cross_entropy: label 3 is none of the 3 classes");
  const auto refusal = [&](const ClassificationOptions& options) {
    return message_of([&] { VideoTask<Small>(training.model, options); });
  };
  CHECK(refusal({.patch_dropout = 0.5}) ==
        "patch_dropout, mixup and cutmix are not for the task video");
  CHECK(refusal({.mixing = {.mixup = 0.8}}) ==
        "patch_dropout, mixup and cutmix are not for the task video");
  CHECK(contains(refusal({.label_smoothing = 1}), "label_smoothing is 1"));
}

namespace {

/// Four frames of each clip, and positions; made without arguments, as training_memory() does.
struct PlannedClips : StandardVideoClassifier<Plan<Far>> {
  PlannedClips()
      : StandardVideoClassifier<Plan<Far>>(
            make_video_classifier<Plan<Far>>(AnyConfig(plain), {3, 4, true})) {}
};

}  // namespace

TEST_CASE("the memory of training on clips is known before", "[videos]") {
  using Planned = VideoTask<PlannedClips>;
  const auto plain_steps = training_memory<Planned>(4);
  const auto recomputed = training_memory<Planned>(4, {}, {.tape = {.recompute_blocks = true}});
  CHECK(recomputed.workspace < plain_steps.workspace);
  CHECK(training_memory<Planned>(8).workspace > plain_steps.workspace);
}

namespace {

/// Quick options of a run on moving squares.
TrainingOptions options_on(const MovingSquares& data, const std::string& name = "run") {
  TrainingOptions options;
  options.task = "video";
  options.data.training = options.data.validation = {data.root()};
  options.data.augment = false;
  options.data.loader_threads = 1;
  options.frames = 3;
  options.temporal_positions = true;
  options.step.batch_size = 8;
  options.step.steps = 12;
  options.step.learning_rate = 2e-3;
  options.threads = 1;
  options.validation_steps = 6;
  options.output = data.folder().path(name);
  return options;
}

template <class B>
StandardVideoClassifier<B> model_of(const TrainingOptions& options, std::size_t classes) {
  return clips_of<B>({classes, options.frames, options.temporal_positions},
                     B(CpuOptions{.threads = 1}), tiny_config);
}

/// The subject, with features of the encoder if options keep them.
template <class Model>
TrainingSubject subject_of(const Model& model, const TrainingOptions& options) {
  TrainingSubject subject = with_video_data({.config = tiny_config}, options);
  if (options.features.folder.empty()) return subject;
  expect_frozen(model, options);
  const PreprocessConfig preprocess = run_preprocess(options, subject, model.image_size);
  const auto kept = [&](const FeatureRequest& request) {
    return frozen_features(model, feature_content(model, subject.config, options, request),
                           request);
  };
  subject.training_features = kept(training_features(options, subject, preprocess));
  subject.validation_features = kept(*validation_features(options, subject, preprocess));
  return subject;
}

template <class B = Cpu<float>>
TrainingEnd train_clips(const TrainingOptions& options, bool resume = false,
                        std::uint64_t stop_after = never) {
  auto model = model_of<B>(options, 4);
  std::atomic<bool> stop{false};
  TrainingEvents events;
  events.stop = &stop;
  events.on_step = [&](const TrainingProgress& progress) {
    if (progress.step == stop_after) stop = true;
  };
  Trainer<VideoTask<StandardVideoClassifier<B>>> trainer(model, subject_of(model, options), options,
                                                         events);
  if (resume) trainer.resume();
  return trainer.run();
}

/// A run, and the same stopped and resumed.
template <class B = Cpu<float>>
std::vector<Json> check_resumed(const TrainingOptions& options) {
  REQUIRE(train_clips<B>(options) == TrainingEnd::finished);
  TrainingOptions parts = options;
  parts.output += "_parts";
  REQUIRE(train_clips<B>(parts, false, 5) == TrainingEnd::stopped);
  REQUIRE(train_clips<B>(parts, true) == TrainingEnd::finished);
  CHECK(tensors_of(parts.output) == tensors_of(options.output));
  return log_of(options.output);
}

}  // namespace

TEST_CASE("a run on videos resumes bit for bit, and its folder is a model", "[videos]") {
  const MovingSquares data;
  TrainingOptions options = options_on(data, "whole");
  options.data.augment = true;
  options.data.augmentation.rand_augment = {1, 10};
  options.step.label_smoothing = 0.1;
  options.step.rate = {"visual=0.5"};
  const std::vector<Json> log = check_resumed(options);
  CHECK(log.front().contains("classification_loss"));
  CHECK(log.back().at("validation").at("pictures") == 16);
  CHECK(log.back().at("validation").at("accuracy").contains("top_1"));
  CHECK(read_all(options.output + "/classes.txt") == "down\nleft\nright\nup\n");

  const auto model = open_video_model(options.output);
  CHECK(model->info().classes == std::vector<std::string>{"down", "left", "right", "up"});
  CHECK(model->info().config == VideoConfig{4, 3, true});
  CHECK(model->info().preprocessing.width == 32);
}

TEST_CASE("a frozen encoder keeps its bytes, and its tokens of clips", "[videos]") {
  const MovingSquares data;
  TrainingOptions options = options_on(data, "cached");
  options.step.freeze = {"visual"};
  options.features.folder = data.folder().path("features");
  check_resumed<Cpu<float, bfloat16>>(options);
  check_resumed(options_on(data, "encoded"));
  REQUIRE(std::filesystem::exists(options.features.folder + "/training/features.json"));
  const Json kept = read_json_file(options.features.folder + "/training/features.json");
  CHECK(kept.at("tokens") == 3 * 17);
  CHECK(kept.at("pictures") == 16);

  const auto before = model_of<Cpu<float, bfloat16>>(options, 4);
  const Checkpoint after = open_checkpoint(RunFolder(options.output).weights());
  std::size_t frozen = 0;
  for_each_parameter(before, [&](const auto& parameter) {
    const WeightSource source = parameter.store(before.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    const bool same = values == after.read_floats(parameter.path());
    if (parameter.path().starts_with("visual")) CHECK(same);
    frozen += parameter.path().starts_with("visual") ? 1 : 0;
    if (parameter.path() == "video_head.weight") CHECK_FALSE(same);
    if (parameter.path() == "video_head.temporal_positions") CHECK_FALSE(same);
  });
  CHECK(frozen > 10);

  // Features of other clips are another folder's.
  options.frames = 2;
  CHECK(contains(message_of([&] { train_clips<Cpu<float, bfloat16>>(options); }),
                 "tokens: 51, expected 34"));
  options.step.freeze.clear();
  CHECK(contains(message_of([&] { train_clips<Cpu<float, bfloat16>>(options); }), "freeze visual"));
}

TEST_CASE("views of a cache are clips of the first epochs", "[videos]") {
  const MovingSquares data;
  TrainingOptions options = options_on(data);
  options.data.augment = true;
  options.data.augmentation.crop = {{1, 1}, {1, 1}};
  options.step.freeze = {"visual"};
  options.features = {.folder = data.folder().path("features"), .views = 2};
  const auto model = model_of<Cpu<float>>(options, 4);
  const TrainingSubject subject = subject_of(model, options);
  REQUIRE(subject.training_features);
  const PreprocessConfig preprocess = run_preprocess(options, subject, model.image_size);
  const FeatureRequest request = training_features(options, subject, preprocess);
  SampleReader reader(request.data, request.loading.sample);
  Context<Cpu<float>> context(model.backend());
  std::vector<float> cached(subject.training_features->tokens() *
                            subject.training_features->width());
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    const auto sample = std::get<Sample>(reader.read({options.seed, epoch, 5}));
    const auto tokens =
        context.to_host(model.image_encoder()(context, to_device(context, sample.pixels)));
    subject.training_features->read(5, epoch, cached.data());
    REQUIRE(tokens.size() == cached.size());
    // a picture's tokens do not depend on its batch but for the rounding of sums, and f16's
    for (std::size_t k = 0; k < cached.size(); ++k)
      if (!(std::abs(cached[k] - tokens[k]) <= 2e-3f * (1 + std::abs(tokens[k]))))
        FAIL("value " << k << ": " << cached[k] << " and " << tokens[k]);
  }
}

TEST_CASE("sixteen clips are learnt by heart, with temporal positions only", "[videos]") {
  const MovingSquares data;
  const auto accuracy = [&](bool positions) {
    TrainingOptions options = options_on(data, positions ? "ordered" : "blind");
    options.temporal_positions = positions;
    options.frames = 6;  // all frames, so that pairs of motions differ in nothing but the order
    options.step.batch_size = 16;
    options.step.steps = options.validation_steps = 300;
    options.step.learning_rate = 5e-3;
    options.step.rate = {"visual=0.2"};
    options.step.weight_decay = 0;
    REQUIRE(train_clips(options) == TrainingEnd::finished);
    return log_of(options.output).back().at("validation").at("accuracy").at("top_1").get<double>();
  };
  CHECK(accuracy(true) == 1.0);
  // Up and down have the same frames, and so have left and right.
  CHECK(accuracy(false) <= 0.75);
}

TEST_CASE("validation data has no other classes than the training data", "[videos]") {
  const MovingSquares data, other;
  TrainingOptions options = options_on(data);
  std::filesystem::rename(other.root() + "/up", other.root() + "/away");
  options.data.validation = {other.root()};
  CHECK(message_of([&] { with_video_data({}, options); }) ==
        other.root() + ": has videos of \"away\", which is none of the 4 classes that are known");
  options.data.training.clear();
  CHECK(message_of([&] { with_video_data({}, options); }) == "there is no data to train on");
  options.task = "coca";
  CHECK_FALSE(with_video_data({}, options).training_data);
}

}  // namespace video_task_test
