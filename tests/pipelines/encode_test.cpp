#include "coca/pipelines/encode.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca::testing::first_difference;

namespace {

using B = Cpu<float>;

std::vector<std::string> captions() {
  std::vector<std::string> texts;
  const Json file = coca::testing::read_test_json("stamps_coca/captions.json");
  for (const Json& entry : file.at("cases")) texts.push_back(entry.at("caption"));
  return texts;
}

}  // namespace

TEST_CASE("encode: pictures as OpenCLIP embeds them") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const std::vector<Pixels> pictures = coca::testing::stamps_pixels();
  const Embeddings all = embed_images(context, model, std::span(pictures));
  CHECK(all.count == 16);
  CHECK(all.width == 64);
  CHECK(first_difference(all.values, coca::testing::stamps_forward().read_floats("image_features"),
                         2e-5) == "");
  CHECK(std::abs(similarity(all[3], all[3]) - 1) < 1e-5);
  CHECK(embed_images(context, model, {}).count == 0);
  CHECK(embed_images(context, model, {}).width == 64);
}

TEST_CASE("encode: captions as OpenCLIP tokenizes and embeds them") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const std::vector<std::string> texts = captions();
  const Tokens tokens = to_tokens(tokenizer, texts, 23);
  const auto expected = coca::testing::stamps_forward().read_int64("tokens");
  CHECK(std::vector<std::int64_t>(tokens.ids.begin(), tokens.ids.end()) == expected);
  const Embeddings embedded = embed_texts(context, model, tokenizer, texts);
  CHECK(first_difference(embedded.values,
                         coca::testing::stamps_forward().read_floats("text_features"), 2e-5) == "");
}

TEST_CASE("encode: many texts are embedded a few at a time, in order") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  std::vector<std::string> texts;
  for (int i = 0; i < 37; ++i) texts.push_back("stamp number " + std::to_string(i));
  const Embeddings all = embed_texts(context, model, tokenizer, texts);
  REQUIRE(all.count == 37);
  REQUIRE(all.values.size() == 37 * 64);
  for (const std::size_t i : {0, 31, 32, 36}) {
    const Embeddings one = embed_texts(context, model, tokenizer, std::span(texts).subspan(i, 1));
    CHECK(first_difference(all[i], one.values, 2e-5) == "");
  }
}

TEST_CASE("encode: preprocessing of a configuration") {
  CHECK(preprocess_config(64).width == 64);
  CHECK(preprocess_config(64).height == 64);
  const Image picture(100, 80);
  const Pixels pixels = preprocess<coca::testing::stamps_coca.vision>(picture);
  CHECK(pixels.shape() == Shape{3, 64, 64});
}

TEST_CASE("encode: a picture with NaN is an error") {
  Context<B> context;
  std::vector<Pixels> pictures = coca::testing::stamps_pixels(0, 1);
  pictures[0].values[5] = std::nanf("");
  CHECK(coca_test::message_of([&] {
          embed_images(context, coca::testing::stamps_model<B>(), std::span(pictures));
        }) ==
        "the embedding is not finite: the model's weights or the picture's values hold NaN or "
        "infinity");
}

TEST_CASE("encode: pictures of different sizes are an error") {
  Context<B> context;
  const std::vector<Pixels> pictures{{3, 2, 2, std::vector<float>(12)},
                                     {3, 2, 3, std::vector<float>(18)}};
  CHECK_THROWS_AS(to_device(context, std::span(pictures)), ShapeError);
  CHECK_THROWS_AS(to_device(context, std::span<const Pixels>()), ShapeError);
}
