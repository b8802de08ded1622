#include "coca/generation/generate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/pipelines/encode.hpp"
#include "generation/stamps_captions.hpp"
#include "generation/table_model.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca::testing::disagreement;
using coca::testing::head_options;
using coca::testing::release_options;
using coca_test::message_of;

namespace {

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

namespace {

const std::string not_numbers =
    "the scores of the next word are NaN: the model's weights or the picture's values hold "
    "NaN or infinity";

// Every kind of search.
std::vector<GenerationOptions> all_searches() {
  GenerationOptions greedy, sampling, beam_sampling;
  greedy.beams = 1;
  sampling.beams = 1;
  sampling.sample = true;
  beam_sampling.sample = true;
  return {{}, greedy, sampling, beam_sampling, open_clip_3_3()};
}

// The result of each search for a picture.
template <class Model>
void check_not_numbers(const Model& model, const std::vector<Pixels>& pixels) {
  Context<Cpu<float>> context(model.backend());
  const auto features =
      model.encode_image(context, to_device(context, std::span<const Pixels>(pixels)));
  for (const GenerationOptions& options : all_searches())
    CHECK(message_of([&] { generate(context, model, features.tokens, options); }) == not_numbers);
}

}  // namespace

TEST_CASE("generate: NaN scores are an error") {
  for (const std::size_t beams : {1, 3, 4}) {
    GenerationOptions options = coca::testing::small_options();
    options.beams = beams;
    if (beams == 4) options.beam_groups = 2;
    const coca::testing::TableModel<> model([](int, const Sequence& sequence) {
      return std::vector<float>(12, sequence.size() < 3 ? 0.0f : std::nanf(""));
    });
    CHECK(message_of([&] { coca::testing::generate_by_table(model, options); }) == not_numbers);
  }
}

TEST_CASE("generate: a picture with NaN is an error") {
  std::vector<Pixels> pixels = coca::testing::stamps_pixels(0, 1);
  pixels[0].values[777] = std::nanf("");
  check_not_numbers(coca::testing::stamps_model<Cpu<float>>(), pixels);
}

TEST_CASE("generate: a weight that is NaN is an error") {
  auto model = load<CoCa<coca::testing::stamps_coca, Cpu<float>>>(coca::testing::stamps_folder +
                                                                  "/model.safetensors");
  for_each_parameter(model, [&](auto& parameter) {
    if (parameter.path() != "text_decoder.ln_final.bias") return;
    const auto values = [](std::size_t, std::size_t, float* out) {
      std::fill_n(out, 64, 0.0f);
      out[5] = std::nanf("");
    };
    parameter.load(model.backend(), WeightSource{parameter.shape(), values});
  });
  check_not_numbers(model, coca::testing::stamps_pixels(0, 1));
}

TEST_CASE("generate: more sequences than 32-bit numbers can address are refused") {
  // 2^20 words and 2^11 - 1 sequences are the most.
  const coca::testing::TableModel<12, 1u << 20> model(
      [](int, const Sequence&) { return std::vector<float>(); });
  GenerationOptions options = coca::testing::small_options();
  options.beams = 1024;
  CHECK(message_of([&] {
          coca::testing::generate_by_table(model, options, {0, 1});
        }) ==
        "2 pictures with 1024 sequences each are too many at once: with 1048576 words at most 2047 "
        "sequences can be written");
}

TEST_CASE("generate: options that do not fit the model are an error") {
  GenerationOptions options = coca::testing::small_options();
  options.max_length = 13;
  const coca::testing::TableModel<> model(
      [](int, const Sequence&) { return std::vector<float>(12, 0.0f); });
  CHECK(message_of([&] { coca::testing::generate_by_table(model, options); }) ==
        "max_length 13 is more than the model's context of 12 tokens");
}

TEST_CASE("generate: a second search in the same context allocates nothing") {
  using coca::testing::Remote;
  using coca::testing::RemoteMemory;
  const auto& model = coca::testing::stamps_model<Remote>();
  Context<Remote> context(model.backend());
  const std::vector<Pixels> pixels = coca::testing::stamps_pixels(0, 1);
  const auto search = [&] {
    const auto features =
        model.encode_image(context, to_device(context, std::span<const Pixels>(pixels)));
    GenerationOptions options;
    options.beams = 3;
    options.max_length = 12;
    return generate(context, model, features.tokens, options).at(0).at(0).ids;
  };
  const Sequence first = search();
  const std::uint64_t before = RemoteMemory::allocations();
  CHECK(search() == first);
  CHECK(RemoteMemory::allocations() == before);
}

TEST_CASE("generate: threads share one model, each with its own context") {
  const auto model = load<CoCa<coca::testing::stamps_coca, Cpu<float>>>(
      coca::testing::stamps_folder + "/model.safetensors", Cpu<float>(CpuOptions{.threads = 1}));
  const std::vector<Pixels> pixels = coca::testing::stamps_pixels(0, 2);
  // Captions of one picture by all kinds of search, twice over.
  const auto write = [&](std::size_t picture) {
    Context<Cpu<float>> context(model.backend());
    std::vector<std::vector<GeneratedSequence>> all;
    for (int round = 0; round < 2; ++round)
      for (const GenerationOptions& options : all_searches()) {
        const auto features = model.encode_image(
            context, to_device(context, std::span<const Pixels>(&pixels[picture], 1)));
        all.push_back(generate(context, model, features.tokens, options).at(0));
      }
    return all;
  };
  const auto expected = std::vector{write(0), write(1)};
  std::vector<std::vector<std::vector<GeneratedSequence>>> found(2);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i) threads.emplace_back([&, i] { found[i] = write(i); });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(found[i].size() == expected[i].size());
    for (std::size_t j = 0; j < found[i].size(); ++j) {
      INFO("picture " << i << ", search " << j);
      CHECK(found[i][j].at(0).ids == expected[i][j].at(0).ids);
      CHECK(found[i][j].at(0).score == expected[i][j].at(0).score);
    }
  }
}
