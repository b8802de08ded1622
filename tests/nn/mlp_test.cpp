#include "coca/nn/mlp.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

void check_mlp(Activation activation, double (*formula)(double)) {
  Mlp<Near> layer("mlp", {.width = 3, .heads = 1, .mlp_width = 7, .activation = activation});
  const auto weights = fill(layer);
  REQUIRE(weights.size() == 4);
  Context<Near> context;
  const auto input = random_array(context, {2, 2, 3}, 9);
  auto hidden = plain_linear(read(context, input), weights.at("mlp.c_fc.weight"),
                             weights.at("mlp.c_fc.bias"));
  for (double& value : hidden) value = formula(value);
  const auto expected =
      plain_linear(hidden, weights.at("mlp.c_proj.weight"), weights.at("mlp.c_proj.bias"));
  CHECK(first_difference(read(context, layer(context, input)), expected, 1e-5) == "");
  CHECK(first_difference(read(context, layer(context, input, {.residual = input})),
                         plus(expected, read(context, input)), 1e-5) == "");
}

}  // namespace

TEST_CASE("The perceptron with GELU", "[mlp]") { check_mlp(Activation::gelu, plain_gelu); }

TEST_CASE("The perceptron with QuickGELU", "[mlp]") {
  check_mlp(Activation::quick_gelu, plain_quick_gelu);
}
