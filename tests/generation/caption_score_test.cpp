#include "coca/generation/caption_score.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca::testing::close;

namespace {

// Three words; the logits of row t are those of `logits`, whatever the caption.
struct FixedLogits {
  using backend_type = Reference<float>;
  static constexpr std::size_t vocab_size = 3;
  std::vector<float> logits;

  Tensor<float> caption_logits(Context<backend_type>& context, const Tensor<float>&,
                               const Tokens& tokens) const {
    return context.to_device(logits, Shape{tokens.batch, tokens.length, 3});
  }
};

// ln of the probabilities
std::vector<float> logs(std::vector<float> probabilities) {
  for (float& value : probabilities) value = std::log(value);
  return probabilities;
}

}  // namespace

TEST_CASE("score_captions: log-probabilities of each word up to the end token") {
  Context<Reference<float>> context;
  // Row by row: two captions of three tokens.
  const FixedLogits model{logs({0.5f, 0.25f, 0.25f, 0.1f, 0.2f, 0.7f, 0.3f, 0.3f, 0.4f,  //
                                0.1f, 0.1f, 0.8f, 0.6f, 0.2f, 0.2f, 0.3f, 0.3f, 0.4f})};
  const auto pictures = context.to_device(std::vector<float>{0, 0}, Shape{2, 1, 1});
  // Start 0, end 2. The second caption ends at once: its padding is not scored.
  const Tokens captions{{0, 1, 2, 0, 2, 0}, 2, 3};
  const auto scores = score_captions(context, model, pictures, captions, 2);
  REQUIRE(scores.size() == 2);
  REQUIRE(scores[0].words.size() == 2);
  CHECK(close(double{scores[0].words[0]}, std::log(0.25), 1e-6));
  CHECK(close(double{scores[0].words[1]}, std::log(0.7), 1e-6));
  CHECK(close(double{scores[0].log_probability}, std::log(0.25 * 0.7), 1e-6));
  CHECK(close(double{scores[0].mean()}, std::log(0.25 * 0.7) / 2, 1e-6));
  REQUIRE(scores[1].words.size() == 1);
  CHECK(close(double{scores[1].log_probability}, std::log(0.8), 1e-6));
  CHECK(close(double{scores[1].mean()}, std::log(0.8), 1e-6));
}

TEST_CASE("score_captions: a score without words has the mean 0") {
  CHECK(CaptionScore{}.mean() == 0);
}

TEST_CASE("score_captions: a caption for each picture") {
  Context<Reference<float>> context;
  const FixedLogits model{std::vector<float>(9, 0)};
  const auto pictures = context.to_device(std::vector<float>{0, 0}, Shape{2, 1, 1});
  CHECK(coca_test::message_of([&] {
          score_captions(context, model, pictures, Tokens{{0, 1, 2}, 1, 3}, 2);
        }) == "got 1 caption for 2 pictures");
}

namespace {

// A model that is never called.
struct ManyWords {
  using backend_type = Reference<float>;
  static constexpr std::size_t vocab_size = 1u << 20;
  Tensor<float> caption_logits(Context<backend_type>&, const Tensor<float>&, const Tokens&) const {
    return {};
  }
};

}  // namespace

TEST_CASE("score_captions: more logits than 32-bit numbers can address are refused") {
  Context<Reference<float>> context;
  const auto pictures = context.to_device(std::vector<float>(1024), Shape{1024, 1, 1});
  const Tokens captions{std::vector<std::int32_t>(2048, 0), 1024, 2};
  CHECK(
      coca_test::message_of([&] { score_captions(context, ManyWords{}, pictures, captions, 2); }) ==
      "1024 captions of 2 tokens are too many at once: with 1048576 words at most 2047 tokens "
      "can be scored");
}
