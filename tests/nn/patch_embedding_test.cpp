#include "coca/nn/patch_embedding.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("Patches become tokens in row-major order after the class token", "[patch_embedding]") {
  PatchEmbedding<Near> layer("v", {.image_size = 4, .patch_size = 2, .width = 3});
  const auto weights = fill(layer);
  CHECK(layer.tokens() == 5);
  Context<Near> context;
  const auto pixels = random_array(context, {2, 3, 4, 4}, 60);
  const auto x = read(context, pixels);
  const auto output = layer(context, pixels);
  REQUIRE(output.shape() == Shape{2, 5, 3});
  Numbers expected;
  const auto at = [&](const char* name, std::size_t i) {
    return static_cast<double>(weights.at(name)[i]);
  };
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t token = 0; token < 5; ++token)
      for (std::size_t w = 0; w < 3; ++w) {
        double sum = at("v.positional_embedding", token * 3 + w);
        if (token == 0) sum += at("v.class_embedding", w);
        for (std::size_t i = 0; token > 0 && i < 12; ++i) {  // i: channel, row and column
          const std::size_t row = (token - 1) / 2 * 2 + i / 2 % 2;
          const std::size_t column = (token - 1) % 2 * 2 + i % 2;
          sum += at("v.conv1.weight", w * 12 + i) * x[((b * 3 + i / 4) * 4 + row) * 4 + column];
        }
        expected.push_back(sum);
      }
  CHECK(first_difference(read(context, output), expected, 1e-5) == "");
}

TEST_CASE("Patches have a bias and no class token if the options say so", "[patch_embedding]") {
  PatchEmbedding<Near> plain("v", {.image_size = 4, .patch_size = 2, .width = 3});
  PatchEmbedding<Near> layer(
      "v", {.image_size = 4, .patch_size = 2, .width = 3, .bias = true, .class_token = false});
  const auto positions = fill(plain).at("v.positional_embedding");
  const auto weights = fill(layer);
  CHECK(weights.count("v.class_embedding") == 0);
  CHECK(weights.at("v.positional_embedding").size() == 4 * 3);
  CHECK(layer.tokens() == 4);
  CHECK(layer.class_tokens() == 0);
  Context<Near> context;
  const auto pixels = random_array(context, {1, 3, 4, 4}, 60);
  const auto output = read(context, layer(context, pixels));
  // The patches of the other layer, which has the same convolution, without its positions.
  const auto other = read(context, plain(context, pixels));
  Numbers expected;
  for (std::size_t i = 0; i < 12; ++i)
    expected.push_back(other[3 + i] - static_cast<double>(positions[3 + i]) +
                       static_cast<double>(weights.at("v.conv1.bias")[i % 3]) +
                       static_cast<double>(weights.at("v.positional_embedding")[i]));
  CHECK(first_difference(output, expected, 1e-5) == "");
}

TEST_CASE("Pictures of another size are refused", "[patch_embedding]") {
  const PatchEmbedding<Near> layer("v", {.image_size = 4, .patch_size = 2, .width = 3});
  Context<Near> context;
  CHECK_THROWS_WITH(layer(context, context.empty(Shape{1, 3, 4, 6})),
                    "pixels: got [1, 3, 4, 6], expected [1, 3, 4, 4]");
  CHECK_THROWS_AS(layer(context, context.empty(Shape{1, 1, 4, 4})), ShapeError);
}
