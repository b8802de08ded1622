#include "coca/models/text_decoder.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Near = Reference<float>;

template <class Text>
Text random_text(const std::string& path, const TextConfig& config = plain.text) {
  Text text({config, plain.embed_dim}, path);
  for_each_parameter(text,
                     [](auto& parameter) { parameter.load(Near{}, initial_values(parameter, 9)); });
  return text;
}

template <class Text>
std::vector<float> latent(const Text& text, const std::vector<std::int32_t>& ids) {
  Context<Near> context;
  return context.to_host(text(context, Tokens{ids, 1, ids.size()}).latent);
}

template <class Text>
std::vector<float> word_tokens(const Text& text, const std::vector<std::int32_t>& ids,
                               std::size_t words) {
  Context<Near> context;
  auto all = context.to_host(text(context, Tokens{ids, 1, ids.size()}).tokens);
  all.resize(words * 32);
  return all;
}

}  // namespace

TEST_CASE("Words do not see what follows them", "[text_decoder]") {
  const auto text = random_text<TextDecoder<Near>>("text");
  CHECK(first_difference(word_tokens(text, {510, 4, 5, 6, 511}, 3),
                         word_tokens(text, {510, 4, 5, 99, 98}, 3), 1e-6) == "");
  CHECK(first_difference(word_tokens(text, {510, 4, 5, 6}, 3), word_tokens(text, {510, 8, 5, 6}, 3),
                         1e-3) != "");
}

TEST_CASE("The two masks of the class token differ where there is padding, and nowhere else",
          "[text_decoder]") {
  const auto text = random_text<TextDecoder<Near>>("text");
  // Key j is hidden where token j - 1 is padding; tests/data/variants have OpenCLIP's numbers.
  const auto correct = random_text<TextDecoder<Near>>("text", correct_cls_mask_config.text);
  CHECK(first_difference(latent(text, {510, 4, 511, 0, 0}), latent(correct, {510, 4, 511, 0, 0}),
                         1e-4) != "");
  // Without padding they differ in nothing.
  CHECK(first_difference(latent(text, {510, 4, 511}), latent(correct, {510, 4, 511}), 1e-6) == "");
}

TEST_CASE("CoCa's text decoder gives all that is asked of it", "[text_decoder]") {
  const auto text = random_text<TextDecoder<Near>>("text");
  Context<Near> context;
  const auto features = text(context, Tokens{{510, 1, 511, 510, 2, 511}, 2, 3});
  CHECK(features.latent.shape() == Shape{2, 32});
  CHECK(features.tokens.shape() == Shape{2, 3, 32});
  double norm = 0;
  for (const float value : context.to_host(features.embedding.slice(1, 1)))
    norm += static_cast<double>(value) * static_cast<double>(value);
  CHECK(close(norm, 1, 1e-5));
  CHECK(count_parameters(text) == parameter_count(plain.text, 32, true));
}

TEST_CASE("CoCa's text decoder refuses unknown words and too many", "[text_decoder]") {
  const auto text = random_text<TextDecoder<Near>>("text");
  Context<Near> context;
  CHECK_THROWS_WITH(text(context, Tokens{{1, 512}, 1, 2}),
                    "token id 512 is outside the vocabulary of 512 words");
  CHECK_THROWS_WITH(text(context, Tokens{{1, -1}, 1, 2}),
                    "token id -1 is outside the vocabulary of 512 words");
  CHECK_THROWS_AS(text(context, Tokens{std::vector<std::int32_t>(16, 1), 1, 16}), ShapeError);
}

TEST_CASE("CLIP's text encoder reads the row of the largest id, the end token", "[text_decoder]") {
  const auto text = random_text<ClipTextEncoder<Near>>("");
  // What stands behind the end token changes nothing.
  CHECK(first_difference(latent(text, {510, 4, 511, 0, 0}), latent(text, {510, 4, 511, 7, 8}),
                         1e-6) == "");
  CHECK(first_difference(latent(text, {510, 4, 511, 0, 0}), latent(text, {510, 5, 511, 0, 0}),
                         1e-3) != "");
  CHECK(count_parameters(text) == parameter_count(plain.text, 32, false));
  std::vector<std::string> paths;
  for_each_parameter(text, [&](const auto& parameter) { paths.push_back(parameter.path()); });
  CHECK(std::count(paths.begin(), paths.end(), "token_embedding.weight") == 1);
  CHECK(std::count(paths.begin(), paths.end(), "transformer.resblocks.1.ln_2.bias") == 1);
}

TEST_CASE("The correct mask is that of OpenCLIP's constructor argument correct_cls_mask",
          "[text_decoder]") {
  const Checkpoint weights = variant_weights("coca_plain");
  TextDecoder<Near> text({correct_cls_mask_config.text, plain.embed_dim}, "text");
  for_each_parameter(
      text, [&](auto& parameter) { parameter.load(Near{}, weights.source(parameter.path())); });
  Context<Near> context;
  const auto features = text(context, tokens_of(variant("coca_plain"), "x.text", 4));
  const auto embeddings = context.to_host(features.embedding);
  const auto words = context.to_host(features.tokens);  // [4, 15, 32]
  // OpenCLIP 3.3.0 with these weights and texts: the beginnings of each text's embedding and of the
  // row of its last token, which is padding but in the first text.
  const std::vector<std::vector<float>> expected_embeddings{
      {-0.048074f, -0.269103f, -0.019473f, 0.117318f, 0.005467f, 0.363545f},
      {-0.099771f, -0.068293f, 0.037271f, 0.055715f, 0.019352f, 0.261462f},
      {-0.087217f, -0.00266f, -0.050474f, 0.144042f, -0.022105f, 0.131178f},
      {-0.119232f, -0.230099f, 0.038826f, 0.107337f, -0.016428f, 0.400974f}};
  const std::vector<std::vector<float>> expected_last{{-0.664421f, -1.266004f, -0.018636f},
                                                      {0.600887f, -3.235727f, -0.636206f},
                                                      {0.506925f, -3.888368f, -0.594123f},
                                                      {-0.450901f, -2.011534f, -0.317916f}};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto embedding = embeddings.begin() + static_cast<std::ptrdiff_t>(i * 32);
    const auto last = words.begin() + static_cast<std::ptrdiff_t>((i * 15 + 14) * 32);
    INFO("text " << i);
    CHECK(first_difference(std::vector<float>(embedding, embedding + 6), expected_embeddings[i],
                           1e-5) == "");
    CHECK(first_difference(std::vector<float>(last, last + 3), expected_last[i], 1e-4) == "");
  }
}
