#include "coca/pipelines/video_model.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/open_model.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace video_model_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

constexpr VideoConfig four_classes{4, 3, true};

const std::string config =
    R"({"model_cfg": {"embed_dim": 48, "vision_cfg": {"image_size": 32, "layers": 2, "width": 48,
        "head_width": 24, "patch_size": 8}, "text_cfg": {"context_length": 12, "vocab_size": 600,
        "width": 48, "heads": 2, "layers": 2}},
        "preprocess_cfg": {"mean": [0.5, 0.5, 0.5]},
        "video_cfg": {"classes": 4, "frames": 3, "temporal_positions": true}})";

StandardVideoClassifier<Cpu<float>> classifier_of(const std::string& folder) {
  auto model =
      make_video_classifier<Cpu<float>>(open_hugging_face_folder(folder, false).description.config,
                                        four_classes, Cpu<float>(CpuOptions{.threads = 1}));
  initialize(model, 5);
  return model;
}

/// Two clips of three frames.
PixelBatch two_clips() {
  PixelBatch batch{6, 3, 32, 32, {}};
  for (std::size_t i = 0; i < batch.shape().size(); ++i)
    batch.values.push_back(2 * to_uniform(philox(3, 1, i)[0]) - 1);
  return batch;
}

}  // namespace

TEST_CASE("a classifier of videos is opened with its classes, and classifies clips", "[video]") {
  const TemporaryFolder folder;
  folder.write("open_clip_config.json", config);
  const auto made = classifier_of(folder.path());
  save_weights(made, folder.path("open_clip_model.safetensors"));
  CHECK(open_video_model(folder.path())->info().classes ==
        std::vector<std::string>{"0", "1", "2", "3"});
  folder.write("classes.txt", "up\ndown\nleft\nright\n");
  const auto model = open_video_model(folder.path(), {.threads = 1});
  CHECK(model->info().classes[3] == "right");
  CHECK(model->info().config == four_classes);
  CHECK(model->info().preprocessing.height == 32);
  CHECK(model->info().preprocessing.mean[0] == 0.5);

  const PixelBatch pixels = two_clips();
  const std::vector<float> logits = model->logits(pixels, 3);
  Context<Cpu<float>> context(made.backend());
  const auto expected =
      context.to_host(made(context, context.to_device(pixels.values, pixels.shape()), 3));
  CHECK(first_difference(logits, expected, 1e-5) == "");
  CHECK(message_of([&] { model->logits(pixels, 4); }) == "6 pictures are not clips of 4 frames");
  CHECK(message_of([&] { model->logits(pixels, 6); }) ==
        "a clip of 6 frames was given to a model with positions for 3");

  // Another of the folder's checkpoints, in half precision.
  save_weights(made, folder.path("best.safetensors"));
  const auto half = open_video_model(folder.path("best.safetensors"), {.half_precision = true});
  const std::vector<float> rounded = half->logits(pixels, 3);
  for (std::size_t i = 0; i < rounded.size(); ++i) CHECK(std::abs(rounded[i] - logits[i]) <= 0.1f);
  CHECK(half->info().identity_parts != model->info().identity_parts);
}

TEST_CASE("what is no classifier of videos is refused, and as a model of pictures that is",
          "[video]") {
  const TemporaryFolder folder;
  folder.write("open_clip_config.json", config);
  const auto made = classifier_of(folder.path());
  save_weights(made, folder.path("open_clip_model.safetensors"));
  CHECK(message_of([&] { open_model(folder.path()); }) ==
        "the model " + folder.path() +
            " is a classifier of videos, which open_video_model() and the programs video and "
            "evaluate video open");
  folder.write("classes.txt", "up\ndown\n");
  CHECK(contains(message_of([&] { open_video_model(folder.path()); }), "has 2 names"));
  const auto refusal = [&](const std::string& video) {
    std::string other = config;
    other.replace(other.find("{\"classes\""), other.size(), video + "}");
    folder.write("open_clip_config.json", other);
    return message_of([&] { open_video_model(folder.path()); })
        .substr(folder.path("open_clip_config.json: ").size());
  };
  CHECK(refusal("{\"frames\": 3}") == "video_cfg.classes is missing");
  CHECK(refusal("{\"classes\": 1, \"frames\": 3}") ==
        "video_cfg.classes must be an integer from 2 to 1000000, not 1");
  CHECK(contains(refusal("{\"classes\": 2, \"frames\": 3, \"x\": 1}"), "video_cfg.x"));
  std::string plain = config;
  plain.replace(plain.find(",\n        \"video_cfg\""), plain.size(), "}");
  folder.write("open_clip_config.json", plain);
  CHECK(message_of([&] { open_video_model(folder.path()); }) ==
        folder.path("open_clip_config.json") +
            ": has no \"video_cfg\": the model is no classifier of videos, which train --task "
            "video makes");
  CHECK(message_of([] { open_video_model("/no/such"); }) == "/no/such: does not exist");
}

}  // namespace video_model_test
