#include "coca/nn/token_embedding.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("Words become their rows plus those of their positions", "[token_embedding]") {
  TokenEmbedding<Near> layer("text.", {.vocab_size = 5, .positions = 4, .width = 2});
  const auto weights = fill(layer);
  const auto& words = weights.at("text.token_embedding.weight");
  const auto& positions = weights.at("text.positional_embedding");
  Context<Near> context;
  const Tokens tokens{{4, 0, 1, 1}, 2, 2};
  CHECK(tokens(1, 0) == 1);
  for (const std::size_t first : {0, 2}) {
    std::vector<float> expected;
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t w = 0; w < 2; ++w)
        expected.push_back(words[static_cast<std::size_t>(tokens.ids[i]) * 2 + w] +
                           positions[(first + i % 2) * 2 + w]);
    const auto output = layer(context, tokens, first);
    CHECK(output.shape() == Shape{2, 2, 2});
    CHECK(first_difference(context.to_host(output), expected, 1e-6) == "");
  }
  CHECK(context.to_host(layer.positions()) == positions);
}

TEST_CASE("Unknown words and too many are refused", "[token_embedding]") {
  TokenEmbedding<Near> layer("", {.vocab_size = 5, .positions = 4, .width = 2});
  fill(layer);
  Context<Near> context;
  CHECK_THROWS_AS(layer(context, Tokens{{5}, 1, 1}), ArgumentError);
  CHECK_THROWS_WITH(layer(context, Tokens{{0, 5}, 1, 2}),
                    "token id 5 is outside the vocabulary of 5 words");
  CHECK_THROWS_WITH(layer(context, Tokens{{-1}, 1, 1}),
                    "token id -1 is outside the vocabulary of 5 words");
  CHECK_THROWS_WITH(layer(context, Tokens{{0, 0}, 1, 2}, 3),
                    "embed: 5 tokens, but there are only positions for 4");
}

TEST_CASE("As many ids as the batch's texts have", "[token_embedding]") {
  TokenEmbedding<Near> layer("", {.vocab_size = 5, .positions = 4, .width = 2});
  fill(layer);
  Context<Near> context;
  CHECK_THROWS_AS(layer(context, Tokens{{0, 1, 2}, 2, 2}), ShapeError);
  CHECK_THROWS_WITH(layer(context, Tokens{{0, 1, 2}, 2, 2}), "3 token ids are not 2 texts of 2");
}

TEST_CASE("a text ends where only padding follows", "[token_embedding]") {
  const Tokens tokens{{1, 0, 5, 0, 0, 0, 1, 2}, 2, 4};
  CHECK(text_length(tokens, 0, 0) == 3);
  CHECK(text_length(tokens, 1, 0) == 4);
  CHECK(text_length({{0, 0}, 1, 2}, 0, 0) == 0);
  CHECK(text_length({{0, 7, 7}, 1, 3}, 0, 7) == 1);
}
