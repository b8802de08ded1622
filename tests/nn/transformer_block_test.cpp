#include "coca/nn/transformer_block.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

constexpr std::size_t block_width = 4;

// The residual branches of a block, one after the other, from its own parts.
template <class Weights>
Numbers with_mlp(const Numbers& x, const Weights& weights, bool layer_scale) {
  auto hidden =
      plain_linear(plain_layer_norm(x, weights.at("b.ln_2.weight"), weights.at("b.ln_2.bias")),
                   weights.at("b.mlp.c_fc.weight"), weights.at("b.mlp.c_fc.bias"));
  for (double& value : hidden) value = plain_gelu(value);
  auto branch =
      plain_linear(hidden, weights.at("b.mlp.c_proj.weight"), weights.at("b.mlp.c_proj.bias"));
  if (layer_scale)
    for (std::size_t i = 0; i < branch.size(); ++i)
      branch[i] *= static_cast<double>(weights.at("b.ls_2.gamma")[i % block_width]);
  return plus(branch, x);
}

template <class Weights>
Numbers with_attention(const Numbers& x, const Numbers& keys, const Weights& weights,
                       bool layer_scale, bool causal) {
  const auto project = [&](const Numbers& from, std::size_t index) {
    return plain_linear(from,
                        part(weights.at("b.attn.in_proj_weight"), index * block_width * block_width,
                             block_width * block_width),
                        part(weights.at("b.attn.in_proj_bias"), index * block_width, block_width));
  };
  const auto query = plain_layer_norm(x, weights.at("b.ln_1.weight"), weights.at("b.ln_1.bias"));
  const auto mixed =
      plain_attention(project(query, 0), project(keys, 1), project(keys, 2), block_width, 2,
                      [&](auto q, auto k) { return !causal || k <= q; });
  auto branch =
      plain_linear(mixed, weights.at("b.attn.out_proj.weight"), weights.at("b.attn.out_proj.bias"));
  if (layer_scale)
    for (std::size_t i = 0; i < branch.size(); ++i)
      branch[i] *= static_cast<double>(weights.at("b.ls_1.gamma")[i % block_width]);
  return plus(branch, x);
}

BlockOptions block_options(bool layer_scale) {
  return {.width = block_width, .heads = 2, .mlp_width = 6, .layer_scale = layer_scale};
}

}  // namespace

TEST_CASE("A block is two residual branches after norms", "[transformer_block]") {
  for (const bool layer_scale : {false, true}) {
    TransformerBlock<Near> block("b", block_options(layer_scale));
    const auto weights = fill(block);
    CHECK(weights.size() == (layer_scale ? 14 : 12));
    Context<Near> context;
    const auto input = random_array(context, {1, 3, block_width}, 30);
    const auto x = read(context, input);
    const auto normed = plain_layer_norm(x, weights.at("b.ln_1.weight"), weights.at("b.ln_1.bias"));
    const auto expected =
        with_mlp(with_attention(x, normed, weights, layer_scale, true), weights, layer_scale);
    CHECK(first_difference(read(context, block(context, input, {.causal = true})), expected,
                           1e-4) == "");
  }
}

TEST_CASE("A cross-attention block attends to normalised tokens", "[transformer_block]") {
  for (const bool layer_scale : {false, true}) {
    CrossAttentionBlock<Near> block("b", block_options(layer_scale));
    const auto weights = fill(block);
    CHECK(block.heads() == 2);
    Context<Near> context;
    const auto input = random_array(context, {1, 2, block_width}, 30);
    const auto image = random_array(context, {1, 3, block_width}, 31);
    const auto keys = plain_layer_norm(read(context, image), weights.at("b.ln_1_kv.weight"),
                                       weights.at("b.ln_1_kv.bias"));
    const auto expected =
        with_mlp(with_attention(read(context, input), keys, weights, layer_scale, false), weights,
                 layer_scale);
    CHECK(first_difference(read(context, block(context, input, block.project(context, image))),
                           expected, 1e-4) == "");
  }
}

TEST_CASE("Layer scale exists if requested", "[transformer_block]") {
  LayerScale<Near> absent("ls", 4, false), present("ls", 4, true);
  CHECK(fill(absent).empty());
  CHECK_FALSE(absent.value());
  CHECK_THROWS_AS(present.value(), Error);
  LayerScale<Near>::for_each_parameter(present, [](const auto& parameter) {
    CHECK(parameter.path() == "ls.gamma");
    CHECK(parameter.initializer().value == 1e-5f);
  });
  const auto weights = fill(present);
  Context<Near> context;
  CHECK(context.to_host(present.value()) == weights.at("ls.gamma"));
}
