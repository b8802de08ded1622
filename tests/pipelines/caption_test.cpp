#include "coca/pipelines/caption.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/features.hpp"
#include "coca/image/read_image.hpp"
#include "comparison.hpp"
#include "generation/stamps_captions.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca::testing::close;

namespace {

using B = Cpu<float>;

GenerationOptions six_beams() {
  GenerationOptions options;
  options.max_length = 20;
  return options;
}

}  // namespace

TEST_CASE("caption: texts of OpenCLIP") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const Json file = coca::testing::read_test_json("stamps_coca/captions.json");
  const std::vector<Pixels> pictures = coca::testing::stamps_pixels(0, 4);
  const auto found = caption(context, model, tokenizer, std::span(pictures), six_beams());
  REQUIRE(found.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const Json& expected = file.at("cases").at(i).at("beam6");
    REQUIRE(found[i].size() == 1);
    CHECK(found[i][0].text == expected.at("text").at(0).get<std::string>());
    CHECK(found[i][0].finished);
    CHECK(close(double{found[i][0].score}, expected.at("scores").at(0).get<double>(), 1e-3));
    CHECK(found[i][0].ids.front() == 49406);
  }
  CHECK(caption(context, model, tokenizer, std::span<const Pixels>()).empty());
}

TEST_CASE("caption: from the pictures' files, all settings of OpenCLIP's head and of 3.3.0") {
  if (!COCA_HAS_PNG) return;
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(coca::testing::stamps_folder + "/images"))
    files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());  // they begin with their number
  REQUIRE(files.size() == 16);
  std::vector<Pixels> pictures;
  for (const std::string& file : files)
    pictures.push_back(preprocess<coca::testing::stamps_coca.vision>(read_image(file)));

  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const auto check = [&](const Json& file, const std::string& name,
                         const GenerationOptions& options) {
    const auto found = caption(context, model, tokenizer, std::span(pictures), options);
    REQUIRE(found.size() == 16);
    for (std::size_t i = 0; i < 16; ++i) {
      INFO(name << ", " << files[i]);
      std::vector<GeneratedSequence> sequences;
      for (const Caption& each : found[i])
        sequences.push_back({each.ids, each.score, each.finished});
      CHECK(coca::testing::disagreement(file.at("cases").at(i).at(name), sequences) == "");
    }
  };
  const Json head = coca::testing::read_test_json("stamps_coca/captions.json");
  REQUIRE(head.at("settings").size() == 9);
  for (const auto& [name, setting] : head.at("settings").items())
    check(head, name, coca::testing::head_options(setting));
  const Json release = coca::testing::read_test_json("stamps_coca/captions_3_3_0.json");
  REQUIRE(release.at("settings").size() == 3);
  for (const auto& [name, setting] : release.at("settings").items())
    check(release, name, coca::testing::release_options(release, setting));
}

TEST_CASE("caption: one picture in a temporary context") {
  const auto& model = coca::testing::stamps_model<B>();
  const Json file = coca::testing::read_test_json("stamps_coca/captions.json");
  GenerationOptions options = six_beams();
  options.beams = 3;
  options.min_length = 0;
  options.captions = 3;
  const auto found = caption(model, coca::testing::stamps_pixels(1, 1).at(0), options);
  const Json& expected = file.at("cases").at(1).at("beam3_all").at("text");
  REQUIRE(found.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(found[i].text == expected.at(i).get<std::string>());
}

TEST_CASE("score: sum of the log-probabilities of caption_logits") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const std::vector<Pixels> pictures = coca::testing::stamps_pixels(4, 1);
  const std::string text = "a pair of binoculars.";
  const CaptionScore found = score(context, model, tokenizer, pictures[0], text);

  const auto features = model.encode_image(context, to_device(context, std::span(pictures)));
  const Tokens tokens = to_tokens(tokenizer, std::span(&text, 1), 23);
  const auto logits = context.to_host(model.caption_logits(context, features.tokens, tokens));
  double sum = 0;
  std::size_t words = 0;
  for (std::size_t t = 0; tokens(0, t) != 49407; ++t, ++words) {
    const float* row = logits.data() + t * 49408;
    double total = 0;
    for (std::size_t w = 0; w < 49408; ++w) total += std::exp(double{row[w]});
    const double expected = double{row[tokens(0, t + 1)]} - std::log(total);
    CHECK(close(double{found.words.at(t)}, expected, 1e-4));
    sum += expected;
  }
  CHECK(words == found.words.size());
  CHECK(close(double{found.log_probability}, sum, 1e-3));
  CHECK(close(double{score(model, pictures[0], text).log_probability}, sum, 1e-3));
  // A matching caption is more likely than one that does not match.
  CHECK(found.log_probability >
        score(context, model, tokenizer, pictures[0], "a yield sign.").log_probability);
}

TEST_CASE("score: of a caption that beam search found is the search's score") {
  const auto& model = coca::testing::stamps_model<B>();
  const Pixels picture = coca::testing::stamps_pixels(4, 1).at(0);
  const Caption best = caption(model, picture, six_beams()).at(0);
  CHECK(close(double{score(model, picture, best.text).mean()}, double{best.score}, 1e-3));
}

namespace {

// More words than the model knows.
struct LargeTokenizer {
  std::vector<std::int32_t> encode(std::string_view) const { return {}; }
  std::string decode(std::span<const std::int32_t>) const { return ""; }
  std::int32_t start_id() const { return 0; }
  std::int32_t end_id() const { return 1; }
  std::int32_t pad_id() const { return 2; }
  std::int32_t vocab_size() const { return 64000; }
};

}  // namespace

TEST_CASE("caption: a tokenizer with more words than the model") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const std::vector<Pixels> pictures = coca::testing::stamps_pixels(0, 1);
  const AnyTokenizer tokenizer{LargeTokenizer{}};
  const std::string sentence =
      "the tokenizer has 64000 words, the model knows 49408: give the tokenizer that the model was "
      "trained with";
  CHECK(coca_test::message_of([&] { caption(context, model, tokenizer, std::span(pictures)); }) ==
        sentence);
  CHECK(coca_test::message_of([&] { score(context, model, tokenizer, pictures[0], "text"); }) ==
        sentence);
}

TEST_CASE("caption: a model with more words than CLIP does not take CLIP's tokenizer") {
  CoCaConfig config = coca::testing::plain;
  config.text.context_length = 20;
  config.text.vocab_size = 64000;
  StandardCoCa<Reference<float>> model(config);
  initialize(model);
  const Pixels picture{3, 32, 32, std::vector<float>(3 * 32 * 32)};
  const std::string sentence =
      "the tokenizer has 49408 words, the model knows 64000: give the tokenizer that the model was "
      "trained with";
  const auto with_clip = [&](const auto& use) {
    Context<Reference<float>> context;
    return coca_test::message_of([&] { use(context, AnyTokenizer{ClipTokenizer{}}); });
  };
  CHECK(coca_test::message_of([&] { caption(model, picture); }) == sentence);
  CHECK(coca_test::message_of([&] { score(model, picture, "a cow"); }) == sentence);
  CHECK(with_clip([&](auto& context, const AnyTokenizer& clip) {
          caption(context, model, clip, std::span(&picture, 1));
        }) == sentence);
  const std::vector<std::string> texts{"a cow"};
  CHECK(with_clip([&](auto& context, const AnyTokenizer& clip) {
          embed_texts(context, model, clip, texts);
        }) == sentence);
}
