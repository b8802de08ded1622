#include "coca/pipelines/video.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/models/initialize.hpp"
#include "comparison.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using namespace coca::testing;

namespace video_test {

namespace {

using B = Cpu<float>;

/// What the captioner of a model with an attentional pooler looks at: as many tokens as in a
/// picture.
template <class Model>
std::vector<float> tokens_of(const Model& model, const std::vector<Pixels>& frames) {
  Context<B> context;
  return context.to_host(clip_tokens(context, model, to_device(context, std::span(frames))));
}

}  // namespace

TEST_CASE("A video of one frame is captioned as its picture", "[video]") {
  Context<B> context;
  const auto& model = stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::vector<Pixels> frame = stamps_pixels(i, 1);
    const auto expected = caption(context, model, tokenizer, std::span(frame)).front();
    const auto found = caption_clip(context, model, tokenizer, std::span(frame));
    REQUIRE(found.size() == expected.size());
    CHECK(found.front().ids == expected.front().ids);
    // Frames that repeat attract the same share of attention: softmax over n copies of each token.
    const std::vector<Pixels> still(5, frame.front());
    CHECK(caption_clip(context, model, tokenizer, std::span(still)).front().ids ==
          expected.front().ids);
    CHECK(first_difference(tokens_of(model, still), tokens_of(model, frame), 1e-4) == "");
  }
}

TEST_CASE("The caption pooler gathers from the tokens of all frames, in any order", "[video]") {
  const auto& model = stamps_model<B>();
  const std::vector<Pixels> two = stamps_pixels(0, 2);
  const std::vector<Pixels> swapped{two[1], two[0]};
  const std::vector<float> tokens = tokens_of(model, two);
  CHECK(tokens.size() == 31 * 64);  // one of the 32 queries is the embedding's
  CHECK(first_difference(tokens_of(model, swapped), tokens, 1e-4) == "");
  CHECK(first_difference(tokens_of(model, {two[0]}), tokens, 1e-2) != "");
  CHECK(first_difference(tokens_of(model, {two[1]}), tokens, 1e-2) != "");
}

TEST_CASE("Where each patch is a caption token, those of all frames follow one another",
          "[video]") {
  CoCaConfig config = stamps_coca;
  config.pooling = {.kind = Pooling::class_token};
  config.text.width = config.multimodal.width = config.vision.width;
  StandardCoCa<B> model(config);
  initialize(model, 3);
  const std::vector<Pixels> two = stamps_pixels(0, 2);
  std::vector<float> expected = tokens_of(model, {two[0]});
  const std::vector<float> second = tokens_of(model, {two[1]});
  expected.insert(expected.end(), second.begin(), second.end());
  CHECK(expected.size() == 2 * 64 * 96);
  CHECK(first_difference(tokens_of(model, two), expected, 1e-5) == "");
}

TEST_CASE("A video without frames has neither captions nor an embedding", "[video]") {
  Context<B> context;
  CHECK_THROWS_WITH(caption_clip(context, stamps_model<B>(), AnyTokenizer{ClipTokenizer{}}, {}),
                    "a video without frames cannot be captioned");
  CHECK_THROWS_WITH(mean_embedding({{}, 0, 4}), "a video without frames has no embedding");
}

TEST_CASE("The embedding of a video is the normalised mean of its frames'", "[video]") {
  const Embeddings mean = mean_embedding({{1, 0, 0, 0.6f, 0.8f, 0}, 2, 3});
  // (1.6, 0.8) / 2 has the direction (2, 1) / sqrt(5)
  REQUIRE(mean.count == 1);
  REQUIRE(mean.width == 3);
  CHECK(std::abs(double{mean.values[0]} - 2 / std::sqrt(5.0)) <= 1e-7);
  CHECK(std::abs(double{mean.values[1]} - 1 / std::sqrt(5.0)) <= 1e-7);
  CHECK(mean.values[2] == 0);
  CHECK_THROWS_WITH(mean_embedding({{1, 0, -1, 0}, 2, 2}),
                    "the embeddings of a video's frames cancel out");
}

}  // namespace video_test
