#include "coca/nn/attention.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

constexpr std::size_t width = 6, heads = 2;

using Weights = std::map<std::string, std::vector<float>>;

// Projection number `index` of a fused one.
Numbers projected(const Numbers& input, const Weights& weights, std::size_t index) {
  return plain_linear(input,
                      part(weights.at("a.in_proj_weight"), index * width * width, width * width),
                      part(weights.at("a.in_proj_bias"), index * width, width));
}
Numbers out(const Numbers& mixed, const Weights& weights) {
  return plain_linear(mixed, weights.at("a.out_proj.weight"), weights.at("a.out_proj.bias"));
}

Numbers self_attention(const Numbers& x, const Weights& weights,
                       const std::function<bool(std::size_t, std::size_t)>& sees) {
  return out(plain_attention(projected(x, weights, 0), projected(x, weights, 1),
                             projected(x, weights, 2), width, heads, sees),
             weights);
}

}  // namespace

TEST_CASE("Self-attention is torch's MultiheadAttention", "[attention]") {
  SelfAttention<Near> layer("a", {.width = width, .heads = heads});
  const auto weights = fill(layer);
  Context<Near> context;
  const auto input = random_array(context, {1, 4, width}, 20);
  const auto x = read(context, input);
  CHECK(first_difference(read(context, layer(context, input, {})),
                         self_attention(x, weights, [](auto, auto) { return true; }), 1e-5) == "");
  CHECK(first_difference(read(context, layer(context, input, {.causal = true})),
                         self_attention(x, weights, [](auto q, auto k) { return k <= q; }),
                         1e-5) == "");
  const auto hidden = context.to_device(std::vector<std::uint8_t>{0, 1, 0, 0}, Shape{1, 4});
  const auto seen = self_attention(x, weights, [](auto q, auto k) { return k <= q && k != 1; });
  CHECK(first_difference(
            read(context, layer(context, input, {.causal = true, .hidden_keys = hidden})), seen,
            1e-5) == "");
  CHECK(
      first_difference(read(context, layer(context, input, {.causal = true, .hidden_keys = hidden},
                                           {.residual = input})),
                       plus(seen, x), 1e-5) == "");
}

TEST_CASE("Self-attention with a cache is causal self-attention", "[attention]") {
  SelfAttention<Near> layer("a", {.width = width, .heads = heads});
  fill(layer);
  Context<Near> context;
  const auto input = random_array(context, {2, 5, width}, 21);
  const auto whole = context.to_host(layer(context, input, {.causal = true}));
  const auto all = context.to_host(input);
  KvCache<Near> cache(context, 10, width);
  SequenceTable table(2, 10);
  for (const std::size_t count : {3, 1, 1}) {
    const std::size_t first = table.length();
    std::vector<float> fresh, expected;
    for (std::size_t b = 0; b < 2; ++b)
      for (std::size_t i = 0; i < count * width; ++i) {
        fresh.push_back(all[(b * 5 + first) * width + i]);
        expected.push_back(whole[(b * 5 + first) * width + i]);
      }
    const auto write = table.append(count);
    const CacheStep<Near> step{
        .batch = 2,
        .new_tokens = count,
        .length = table.length(),
        .write_rows = context.to_device(write, Shape{write.size()}),
        .key_rows = context.to_device(table.rows(), Shape{2, table.length()})};
    const auto output =
        layer.extend(context, context.to_device(fresh, Shape{2, count, width}), cache, step, {});
    CHECK(first_difference(context.to_host(output), expected, 1e-5) == "");
  }
}

TEST_CASE("Cross-attention with one width has one projection", "[attention]") {
  CrossAttention<Near> layer("a", {.width = width, .heads = heads});
  const auto weights = fill(layer);
  REQUIRE(weights.count("a.in_proj_weight") == 1);
  CHECK(layer.heads() == heads);
  Context<Near> context;
  const auto queries = random_array(context, {1, 2, width}, 22);
  const auto tokens = random_array(context, {1, 3, width}, 23);
  const auto probabilities = context.empty(Shape{1, heads, 2, 3});
  const auto output =
      layer(context, queries, layer.project(context, tokens), {.probabilities = probabilities});
  const auto x = read(context, tokens);
  const auto mixed =
      plain_attention(projected(read(context, queries), weights, 0), projected(x, weights, 1),
                      projected(x, weights, 2), width, heads, [](auto, auto) { return true; });
  CHECK(first_difference(read(context, output), out(mixed, weights), 1e-5) == "");
  const auto map = context.to_host(probabilities);
  for (std::size_t i = 0; i < map.size(); i += 3)
    CHECK(close(static_cast<double>(map[i] + map[i + 1] + map[i + 2]), 1, 1e-5));
}

TEST_CASE("Cross-attention with two widths has three projections", "[attention]") {
  CrossAttention<Near> layer("a", {.width = width, .heads = heads, .key_width = 4});
  const auto weights = fill(layer);
  REQUIRE(weights.at("a.k_proj_weight").size() == width * 4);
  Context<Near> context;
  const auto queries = random_array(context, {1, 2, width}, 22);
  const auto tokens = random_array(context, {1, 3, 4}, 23);
  const auto& bias = weights.at("a.in_proj_bias");
  const auto x = read(context, tokens);
  const auto mixed = plain_attention(
      plain_linear(read(context, queries), weights.at("a.q_proj_weight"), part(bias, 0, width)),
      plain_linear(x, weights.at("a.k_proj_weight"), part(bias, width, width)),
      plain_linear(x, weights.at("a.v_proj_weight"), part(bias, 2 * width, width)), width, heads,
      [](auto, auto) { return true; });
  CHECK(first_difference(read(context, layer(context, queries, layer.project(context, tokens))),
                         out(mixed, weights), 1e-5) == "");
}

TEST_CASE("Sequences share the pictures that they attend to", "[attention]") {
  CrossAttention<Near> layer("a", {.width = width, .heads = heads});
  fill(layer);
  Context<Near> context;
  const auto queries = random_array(context, {3, 1, width}, 24);
  const auto tokens = random_array(context, {2, 2, width}, 25);
  const std::vector<std::int32_t> rows{2, 3, 0, 1, 2, 3};  // pictures 1, 0, 1
  const auto output = layer(context, queries, layer.project(context, tokens),
                            {.key_rows = context.to_device(rows, Shape{3, 2})});
  for (const std::size_t sequence : {0, 1, 2}) {
    const auto picture = layer.project(context, tokens.slice(sequence == 1 ? 0 : 1, 1));
    CHECK(first_difference(context.to_host(output.slice(sequence, 1)),
                           context.to_host(layer(context, queries.slice(sequence, 1), picture)),
                           1e-6) == "");
  }
}
