#include "coca/nn/map_head.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("The query of a MapHead attends to all tokens, then comes a perceptron", "[map_head]") {
  constexpr std::size_t width = 6;
  MapHead<Near> head("p", {.width = width, .heads = 2, .mlp_width = 8});
  const auto weights = fill(head);
  Context<Near> context;
  const auto tokens = random_array(context, {2, 5, width}, 50);
  const auto pooled = head(context, tokens);
  REQUIRE(pooled.shape() == Shape{2, width});
  const auto& raw = weights.at("p.query");
  const auto& in = weights.at("p.attn.in_proj_weight");
  const auto& bias = weights.at("p.attn.in_proj_bias");
  const auto project = [&](const Numbers& x, std::size_t index) {
    return plain_linear(x, part(in, index * width * width, width * width),
                        part(bias, index * width, width));
  };
  for (std::size_t b = 0; b < 2; ++b) {
    const auto x = read(context, tokens.slice(b, 1));
    const auto mixed = plain_attention(project({raw.begin(), raw.end()}, 0), project(x, 1),
                                       project(x, 2), width, 2, [](auto, auto) { return true; });
    const auto seen = plain_linear(mixed, weights.at("p.attn.out_proj.weight"),
                                   weights.at("p.attn.out_proj.bias"));
    auto hidden =
        plain_linear(plain_layer_norm(seen, weights.at("p.ln.weight"), weights.at("p.ln.bias")),
                     weights.at("p.mlp.c_fc.weight"), weights.at("p.mlp.c_fc.bias"));
    for (double& value : hidden) value = plain_gelu(value);
    const auto expected = plus(seen, plain_linear(hidden, weights.at("p.mlp.c_proj.weight"),
                                                  weights.at("p.mlp.c_proj.bias")));
    CHECK(first_difference(read(context, pooled.slice(b, 1)), expected, 1e-4) == "");
  }
}
