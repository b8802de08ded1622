#include "coca/nn/layer_norm.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("Layer normalisation follows its formula", "[layer_norm]") {
  LayerNorm<Near> layer("ln", 5);
  const auto weights = fill(layer);
  Context<Near> context;
  const auto input = random_array(context, {2, 3, 5}, 9);
  const auto output = layer(context, input);
  CHECK(output.shape() == Shape{2, 3, 5});
  CHECK(first_difference(
            read(context, output),
            plain_layer_norm(read(context, input), weights.at("ln.weight"), weights.at("ln.bias")),
            1e-5) == "");
}

TEST_CASE("A constant row is normalised to the bias, not to NaN", "[layer_norm]") {
  LayerNorm<Near> layer("ln", 4);
  const auto weights = fill(layer);
  Context<Near> context;
  const auto output = layer(context, context.to_device(std::vector<float>(4, 7), Shape{1, 4}));
  CHECK(first_difference(context.to_host(output), weights.at("ln.bias"), 1e-6) == "");
}

// Worked out by hand: mean 2, variance 1, so 1 / sqrt(1 + 3) = 0.5.
TEST_CASE("Layer normalisation with a given epsilon and without bias", "[layer_norm]") {
  LayerNorm<Near> layer("ln", 2, {.epsilon = 3, .bias = false});
  const auto weights = fill(layer);
  CHECK(weights.size() == 1);
  const auto& weight = weights.at("ln.weight");
  Context<Near> context;
  const auto output = layer(context, context.to_device(std::vector<float>{1, 3}, Shape{1, 2}));
  CHECK(first_difference(context.to_host(output),
                         std::vector<double>{-0.5 * weight[0], 0.5 * weight[1]}, 1e-6) == "");
}

TEST_CASE("Layer normalisation starts with weight 1 and bias 0", "[layer_norm]") {
  const LayerNorm<Near> layer("ln", 4);
  std::vector<float> starts;
  LayerNorm<Near>::for_each_parameter(
      layer, [&](const auto& parameter) { starts.push_back(parameter.initializer().value); });
  CHECK(starts == std::vector<float>{1, 0});
}
