#include "coca/nn/linear.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("A linear layer multiplies by its weight and adds its bias", "[linear]") {
  Linear<Near> layer("fc", {.in = 4, .out = 3});
  const auto weights = fill(layer);
  Context<Near> context;
  const auto input = random_array(context, {2, 2, 4}, 9);
  const auto expected =
      plain_linear(read(context, input), weights.at("fc.weight"), weights.at("fc.bias"));
  const auto output = layer(context, input);
  CHECK(output.shape() == Shape{2, 2, 3});
  CHECK(first_difference(read(context, output), expected, 1e-6) == "");

  const auto scale = random_array(context, {3}, 10),
             residual = random_array(context, {2, 2, 3}, 11);
  auto end = expected;
  for (std::size_t i = 0; i < end.size(); ++i)
    end[i] = read(context, residual)[i] + read(context, scale)[i % 3] * plain_quick_gelu(end[i]);
  CHECK(
      first_difference(
          read(context,
               layer(context, input,
                     {.activation = Activation::quick_gelu, .scale = scale, .residual = residual})),
          end, 1e-6) == "");
}

TEST_CASE("A linear layer has the given initial values", "[linear]") {
  const Linear<Near> layer("fc", {.in = 4, .out = 3, .deviation = 0.25f});
  std::vector<float> starts;
  Linear<Near>::for_each_parameter(
      layer, [&](const auto& parameter) { starts.push_back(parameter.initializer().value); });
  CHECK(starts == std::vector<float>{0.25f, 0});
}
