#include "coca/training/validation.hpp"

#include <cmath>

#include "catch.hpp"
#include "coca/training/training_data.hpp"
#include "small_run.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

struct Run {
  SmallData data;
  TinyModel model = tiny_model();
  Context<Cpu<float>> context{model.backend()};

  std::optional<ValidationScores> scores(std::size_t batch, const std::string& list,
                                         const std::atomic<bool>* stop = nullptr) {
    TrainingOptions options = data.options();
    options.step.batch_size = batch;
    PreprocessConfig config;
    config.height = config.width = 32;
    Loader loader(open_datasets({list}, options.data), validation_loader_options(options, config));
    const CoCaTask<TinyModel> task(model, data.subject(), options);
    return validate(context, task, loader, stop);
  }
};

}  // namespace

TEST_CASE("a validation is as good as its first score, or its loss") {
  CHECK(quality_of({}) == lowest_quality);
  CHECK(quality_of({10, {{"a_loss", 2}, {"b_loss", 0.5}}, {}}) == -2.5);
  CHECK(quality_of({10, {{"a_loss", 2}}, {{"accuracy.top_1", 0.75}, {"accuracy.top_5", 1}}}) ==
        0.75);
}

TEST_CASE("losses are those of the pairs, whatever the batch where it does not matter") {
  Run run;
  const auto all = run.scores(32, run.data.list()), some = run.scores(5, run.data.list());
  REQUIRE(all);
  REQUIRE(some);
  CHECK(all->pictures == 32);
  CHECK(some->pictures == 32);
  CHECK(std::abs(number_of(all->losses, "captioning_loss") -
                 number_of(some->losses, "captioning_loss")) < 1e-4);
  CHECK(number_of(all->losses, "contrastive_loss") >
        number_of(some->losses, "contrastive_loss"));  // it is among fewer texts
  CHECK(number_of(all->scores, "image_to_text.r10") ==
        number_of(some->scores, "image_to_text.r10"));
  // Untrained: about the logarithm of the vocabulary, times the weight.
  CHECK(std::abs(number_of(all->losses, "captioning_loss") - 2 * std::log(600.0)) < 3);
}

TEST_CASE("pictures with the same caption all match it, and broken ones are left out") {
  Run run;
  std::string list;
  for (const char* name : {"red_circle", "red_square", "blue_cross", "green_stripes"})
    list += "{\"image\":\"" + std::string(name) + ".png\",\"caption\":\"a shape\"}\n";
  list += "{\"image\":\"nothing.png\",\"caption\":\"nothing\"}\n";
  const auto scores = run.scores(2, run.data.folder().write("shapes.jsonl", list));
  REQUIRE(scores);
  CHECK(scores->pictures == 4);
  CHECK(number_of(scores->scores, "image_to_text.r1") == 1.0);
  CHECK(number_of(scores->scores, "text_to_image.r1") == 1.0);
}

TEST_CASE("a validation can be stopped") {
  Run run;
  const std::atomic<bool> stop{true};
  CHECK_FALSE(run.scores(8, run.data.list(), &stop));
}

TEST_CASE("each picture gets a caption, even from an untrained model") {
  Run run;
  PreprocessConfig config;
  config.height = config.width = 32;
  std::vector<Pixels> pictures(11, preprocess(draw_shape(0, {1, 2, 3}), config));
  const auto greedy = caption_all(run.context, run.model, tiny_tokenizer(), pictures, 1);
  REQUIRE(greedy.size() == 11);
  CHECK(greedy[0] == greedy[10]);
  CHECK(caption_all(run.context, run.model, tiny_tokenizer(), pictures, 3).size() == 11);
  pictures[3].values[0] = std::nanf("");
  const auto broken = caption_all(run.context, run.model, tiny_tokenizer(), pictures, 1);
  REQUIRE(broken.size() == 11);
  CHECK(broken[3].empty());
  CHECK(broken[10] == greedy[10]);
}
