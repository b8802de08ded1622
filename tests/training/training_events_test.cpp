#include "coca/training/training_events.hpp"

#include <limits>

#include "catch.hpp"

using namespace coca;

TEST_CASE("a step is a line of the log") {
  TrainingProgress progress;
  progress.step = 3;
  progress.epoch = 1.5;
  progress.learning_rate = 0.25;
  progress.pictures_per_second = 100;
  progress.result = {.losses = {{"contrastive_loss", 1.5}, {"captioning_loss", 2.5}},
                     .numbers = {{"logit_scale", 1}},
                     .gradient_norm = 0.5f,
                     .applied = true};
  CHECK(log_line(progress, Batch{}).dump() ==
        R"({"step":3,"epoch":1.5,"loss":4.0,"contrastive_loss":1.5,"captioning_loss":2.5,)"
        R"("learning_rate":0.25,"gradient_norm":0.5,"logit_scale":1.0,)"
        R"("pictures_per_second":100.0,"seconds_waited":0.0})");
  Batch batch;
  batch.skipped.push_back({4, "x.png", "is no picture"});
  progress.result.applied = false;
  progress.result.losses[1].value = std::numeric_limits<double>::infinity();
  const auto line = log_line(progress, batch);
  CHECK(line.at("skipped") == true);
  CHECK(line.at("captioning_loss").is_null());
  CHECK(line.at("loss").is_null());
  CHECK(line.at("broken_pictures").dump() == R"([{"name":"x.png","reason":"is no picture"}])");
}

TEST_CASE("a validation is a line of the log") {
  TrainingValidation validation{5, {}, {"a cat"}};
  CHECK(log_line(validation).dump() == R"({"step":5,"validation":{"captions":["a cat"]}})");
  validation.scores = {.pictures = 4,
                       .losses = {{"contrastive_loss", 1}, {"captioning_loss", 2}},
                       .scores = {{"image_to_text.r1", 0.25},
                                  {"image_to_text.r5", 0.5},
                                  {"image_to_text.r10", 1},
                                  {"text_to_image.r1", 0},
                                  {"text_to_image.r5", 0.5},
                                  {"text_to_image.r10", 0.75}}};
  const auto values = log_line(validation).at("validation");
  CHECK(values.at("pictures") == 4);
  CHECK(values.at("loss") == 3.0);
  CHECK(values.at("image_to_text").dump() == R"({"r1":0.25,"r5":0.5,"r10":1.0})");
  CHECK(values.at("text_to_image").dump() == R"({"r1":0.0,"r5":0.5,"r10":0.75})");
}
