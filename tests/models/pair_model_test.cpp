#include "coca/models/pair_model.hpp"

#include "catch.hpp"
#include "comparison.hpp"
#include "models/fused_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace pair_model_test {

namespace {

template <class Model>
void check_sentence_padding(const Model& model) {
  check_padding(model, 2, [&](auto& context, const auto& image, const VisibleTexts& texts) {
    const auto fused = model.read(context, image, texts.tokens, 2);
    return context.to_host(model.head().pool(context, fused, hidden_tokens(context, texts, 2)));
  });
}

}  // namespace

TEMPLATE_TEST_CASE("a model of pairs has two logits for each sentence", "[pair_model]",
                   Reference<float>, Remote, Cpu<float>, (Cpu<float, bfloat16>)) {
  for (const PairHeadKind kind : {PairHeadKind::linear, PairHeadKind::mlp}) {
    const auto model = plain_pairs<TestType>(kind);
    Context<TestType> context(model.backend());
    const auto logits = model(context, some_pictures(context, 4), two_questions());
    REQUIRE(logits.shape() == Shape{2, 2});
    const auto exact = plain_pairs<Reference<double>>(kind);
    Context<Reference<double>> wide;
    const auto expected = wide.to_host(exact(wide, some_pictures(wide, 4), two_questions()));
    const auto values = context.to_host(logits);
    const double tolerance = std::is_same_v<TestType, Cpu<float, bfloat16>> ? 5e-3 : 1e-5;
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(std::abs(static_cast<double>(values[i]) - expected[i]) <= tolerance);
  }
}

TEST_CASE("each sentence is read about its own two pictures, left and right", "[pair_model]") {
  using B = Reference<float>;
  const auto model = plain_pairs<B>(PairHeadKind::linear);
  Context<B> context;
  const auto pixels = some_pictures(context, 4);
  const auto logits = context.to_host(model(context, pixels, two_questions()));
  for (std::size_t sample = 0; sample < 2; ++sample) {
    const auto alone = context.to_host(
        model(context, pixels.slice(2 * sample, 2), two_questions().rows(sample, 1)));
    CHECK(alone ==
          std::vector<float>(logits.begin() + static_cast<std::ptrdiff_t>(2 * sample),
                             logits.begin() + static_cast<std::ptrdiff_t>(2 * sample + 2)));
  }
  std::vector<float> swapped = context.to_host(pixels.slice(1, 1));
  const std::vector<float> left = context.to_host(pixels.slice(0, 1));
  swapped.insert(swapped.end(), left.begin(), left.end());
  CHECK(context.to_host(model(context, context.to_device(swapped, Shape{2, 3, 32, 32}),
                              two_questions().rows(0, 1))) !=
        std::vector<float>(logits.begin(), logits.begin() + 2));
}

TEST_CASE("padding changes no bit of what the query gathers of both pictures", "[pair_model]") {
  check_sentence_padding(plain_pairs<Reference<float>>(PairHeadKind::linear));
  check_sentence_padding(plain_pairs<Remote>(PairHeadKind::mlp));
  check_sentence_padding(plain_pairs<Cpu<float>>(PairHeadKind::linear));
}

TEST_CASE("the gradients of a model of pairs are the slope of its loss", "[pair_model]") {
  check_slope(plain_pairs<Reference<float>>(PairHeadKind::linear), 2);
  check_slope(plain_pairs<Remote>(PairHeadKind::mlp), 2);
}

}  // namespace pair_model_test
