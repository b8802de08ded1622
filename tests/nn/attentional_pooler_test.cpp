#include "coca/nn/attentional_pooler.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

void check_pooler(std::size_t key_width) {
  constexpr std::size_t width = 6;
  AttentionalPooler<Near> pooler(
      "p", {.width = width, .key_width = key_width, .queries = 3, .heads = 2});
  const auto weights = fill(pooler);
  CHECK(pooler.queries() == 3);
  CHECK(pooler.heads() == 2);
  Context<Near> context;
  const auto tokens = random_array(context, {2, 5, key_width}, 50);
  const auto map = context.empty(Shape{2, 2, 3, 5});
  const auto pooled = pooler(context, tokens, map);
  REQUIRE(pooled.shape() == Shape{2, 3, width});
  // The same from its parts.
  const auto& raw = weights.at("p.query");
  const auto query = plain_layer_norm({raw.begin(), raw.end()}, weights.at("p.ln_q.weight"),
                                      weights.at("p.ln_q.bias"));
  const bool fused = key_width == width;
  const auto& bias = weights.at("p.attn.in_proj_bias");
  const auto weight = [&](const char* name, std::size_t index) {
    return fused ? part(weights.at("p.attn.in_proj_weight"), index * width * width, width * width)
                 : weights.at(std::string("p.attn.") + name + "_proj_weight");
  };
  for (std::size_t b = 0; b < 2; ++b) {
    const auto keys = plain_layer_norm(read(context, tokens.slice(b, 1)),
                                       weights.at("p.ln_k.weight"), weights.at("p.ln_k.bias"));
    const auto mixed = plain_attention(plain_linear(query, weight("q", 0), part(bias, 0, width)),
                                       plain_linear(keys, weight("k", 1), part(bias, width, width)),
                                       plain_linear(keys, weight("v", 2), part(bias, 12, width)),
                                       width, 2, [](auto, auto) { return true; });
    const auto expected = plain_linear(mixed, weights.at("p.attn.out_proj.weight"),
                                       weights.at("p.attn.out_proj.bias"));
    CHECK(first_difference(read(context, pooled.slice(b, 1)), expected, 1e-4) == "");
  }
  double sum = 0;
  for (const float share : context.to_host(map)) sum += static_cast<double>(share);
  CHECK(close(sum, 2 * 2 * 3, 1e-4));
}

}  // namespace

TEST_CASE("The pooler's queries attend to wider tokens", "[attentional_pooler]") {
  check_pooler(8);
}

TEST_CASE("The pooler's queries attend to tokens as wide as they are", "[attentional_pooler]") {
  check_pooler(6);
}
