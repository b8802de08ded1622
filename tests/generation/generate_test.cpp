#include "coca/generation/generate.hpp"

#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/pipelines/encode.hpp"
#include "comparison.hpp"
#include "generation/table_model.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::message_of;

namespace {

// The settings of captions.json are arguments of transformers' generate, whose min_length is 0
// where a setting names none; OpenCLIP's default of 5 would give others, as a test below shows.
GenerationOptions head_options(const Json& setting) {
  GenerationOptions options;
  options.beams = setting.at("num_beams").get<std::size_t>();
  options.max_length = setting.at("max_length").get<std::size_t>();
  options.min_length = setting.value("min_length", std::size_t{0});
  options.captions = setting.value("num_return_sequences", std::size_t{1});
  options.length_penalty = setting.value("length_penalty", 1.0f);
  options.repetition_penalty = setting.value("repetition_penalty", 1.0f);
  options.no_repeat_ngram = setting.value("no_repeat_ngram_size", std::size_t{0});
  options.early_stopping =
      setting.value("early_stopping", false) ? EarlyStopping::first : EarlyStopping::heuristic;
  return options;
}

GenerationOptions release_options(const Json& file, const Json& setting) {
  GenerationOptions options = open_clip_3_3();
  options.beams = setting.at("num_beams").get<std::size_t>();
  options.beam_groups = setting.at("num_beam_groups").get<std::size_t>();
  options.max_length = file.at("seq_len").get<std::size_t>();
  options.min_length = setting.value("min_seq_len", file.at("min_seq_len").get<std::size_t>());
  return options;
}

// Ids up to the end token: shorter rows of a reference are padded, or end at the last token.
Sequence trimmed(const std::vector<std::int32_t>& ids) {
  const auto end = std::find(ids.begin(), ids.end(), 49407);
  return {ids.begin(), end == ids.end() ? end : end + 1};
}

// "" or what differs from a case's reference.
std::string disagreement(const Json& expected, const std::vector<GeneratedSequence>& found) {
  const bool many = expected.at("ids").at(0).is_array();
  const std::size_t count = many ? expected.at("ids").size() : 1;
  if (found.size() != count) return "captions: " + std::to_string(found.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Json& ids = many ? expected.at("ids").at(i) : expected.at("ids");
    if (found[i].ids != trimmed(ids.get<std::vector<std::int32_t>>()))
      return "ids of caption " + std::to_string(i) + ", expected " + ids.dump() + ", got " +
             Json(found[i].ids).dump();
    if (!found[i].finished) return "caption " + std::to_string(i) + " is not finished";
    if (!expected.contains("scores") || expected.at("scores").is_null()) continue;
    const double score = expected.at("scores").at(i).get<double>();
    if (!coca::testing::close(double{found[i].score}, score, 1e-3))
      return "score " + std::to_string(found[i].score) + ", expected " + std::to_string(score);
  }
  return "";
}

template <Backend B>
std::vector<std::vector<GeneratedSequence>> captions_of(const GenerationOptions& options,
                                                        std::size_t first, std::size_t count) {
  const auto& model = coca::testing::stamps_model<B>();
  Context<B> context(model.backend());
  const std::vector<Pixels> pixels = coca::testing::stamps_pixels(first, count);
  const auto features =
      model.encode_image(context, to_device(context, std::span<const Pixels>(pixels)));
  return generate(context, model, features.tokens, options);
}

// Compares all pictures, one after the other and as one batch.
void check_all(const Json& file, const std::string& name, const GenerationOptions& options) {
  const auto batch = captions_of<Cpu<float>>(options, 0, 16);
  REQUIRE(batch.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) {
    const Json& expected = file.at("cases").at(i).at(name);
    INFO(name << ", picture " << i);
    CHECK(disagreement(expected, batch[i]) == "");
    CHECK(disagreement(expected, captions_of<Cpu<float>>(options, i, 1).at(0)) == "");
  }
}

}  // namespace

TEST_CASE("generate: what OpenCLIP's head writes, nine settings of 16 pictures") {
  const Json file = coca::testing::read_test_json("stamps_coca/captions.json");
  REQUIRE(file.at("settings").size() == 9);
  REQUIRE(file.at("cases").size() == 16);
  for (const auto& [name, setting] : file.at("settings").items())
    check_all(file, name, head_options(setting));
}

TEST_CASE("generate: what OpenCLIP 3.3.0 writes, three settings of 16 pictures") {
  const Json file = coca::testing::read_test_json("stamps_coca/captions_3_3_0.json");
  REQUIRE(file.at("settings").size() == 3);
  REQUIRE(file.at("cases").size() == 16);
  for (const auto& [name, setting] : file.at("settings").items())
    check_all(file, name, release_options(file, setting));
}

TEST_CASE("generate: a backend whose memory the host cannot read writes the same") {
  const Json file = coca::testing::read_test_json("stamps_coca/captions.json");
  const GenerationOptions beams = head_options(file.at("settings").at("beam6"));
  const auto found = captions_of<coca::testing::Remote>(beams, 0, 2);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(disagreement(file.at("cases").at(i).at("beam6"), found.at(i)) == "");

  GenerationOptions sampling;
  sampling.beams = 1;
  sampling.sample = true;
  sampling.captions = 2;
  sampling.seed = 7;
  sampling.max_length = 12;
  const auto near = captions_of<Cpu<float>>(sampling, 0, 2);
  const auto far = captions_of<coca::testing::Remote>(sampling, 0, 2);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t c = 0; c < 2; ++c) CHECK(far.at(i).at(c).ids == near.at(i).at(c).ids);
}

TEST_CASE("generate: a min_length of 5 would not reproduce the settings without one") {
  const Json file = coca::testing::read_test_json("stamps_coca/captions.json");
  std::size_t different = 0;
  for (const auto& [name, setting] : file.at("settings").items()) {
    GenerationOptions options = head_options(setting);
    if (setting.contains("min_length")) continue;
    options.min_length = 5;
    const auto batch = captions_of<Cpu<float>>(options, 0, 16);
    for (std::size_t i = 0; i < 16; ++i)
      different += disagreement(file.at("cases").at(i).at(name), batch[i]) == "" ? 0 : 1;
  }
  CHECK(different > 0);
}

TEST_CASE("generate: scores that are not numbers are an error") {
  for (const std::size_t beams : {1, 3, 4}) {
    GenerationOptions options = coca::testing::small_options();
    options.beams = beams;
    if (beams == 4) options.beam_groups = 2;
    const coca::testing::TableModel<> model([](int, const Sequence& sequence) {
      return std::vector<float>(12, sequence.size() < 3 ? 0.0f : std::nanf(""));
    });
    CHECK(message_of([&] { coca::testing::generate_by_table(model, options); }) ==
          "the scores of the next word are not numbers: the model's weights or the picture's "
          "values hold NaN or infinity");
  }
}

TEST_CASE("generate: a picture with NaN is an error") {
  Context<Cpu<float>> context;
  const auto& model = coca::testing::stamps_model<Cpu<float>>();
  std::vector<Pixels> pixels = coca::testing::stamps_pixels(0, 1);
  pixels[0].values[777] = std::nanf("");
  const auto features =
      model.encode_image(context, to_device(context, std::span<const Pixels>(pixels)));
  const std::string message = message_of([&] { generate(context, model, features.tokens); });
  CHECK(contains(message, "not numbers"));
}

TEST_CASE("generate: options that do not fit the model are an error") {
  GenerationOptions options = coca::testing::small_options();
  options.max_length = 13;
  const coca::testing::TableModel<> model(
      [](int, const Sequence&) { return std::vector<float>(12, 0.0f); });
  CHECK(message_of([&] { coca::testing::generate_by_table(model, options); }) ==
        "max_length 13 is more than the model's context of 12 tokens");
}
