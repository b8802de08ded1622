#include "coca/nn/multimodal_block.hpp"

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

constexpr std::size_t decoder_width = 4;

BlockOptions options(bool layer_scale = false) {
  return {.width = decoder_width, .heads = 2, .mlp_width = 6, .layer_scale = layer_scale};
}

// The weights of `from` whose path begins with `prefix`, loaded into a layer that calls them by
// `own` instead.
template <class Layer>
void copy_weights(const std::map<std::string, std::vector<float>>& from, const std::string& prefix,
                  const std::string& own, Layer& layer) {
  Layer::for_each_parameter(layer, [&](auto& parameter) {
    const auto& values = from.at(prefix + parameter.path().substr(own.size()));
    parameter.load(Near{}, source_of(parameter.shape(), values));
  });
}

// Word by word with a cache, and all at once.
template <class Block>
void check_cache(bool layer_scale) {
  Block block("d", 0, options(layer_scale));
  fill(block);
  Context<Near> context;
  const auto x = random_array(context, {1, 3, decoder_width}, 40);
  const auto image = block.project(context, random_array(context, {1, 5, decoder_width}, 41));
  const auto whole = block(context, x, image);
  KvCache<Near> cache(context, 3, decoder_width);
  SequenceTable table(1, 3);
  for (std::size_t t = 0; t < 3; ++t) {
    const auto fresh = table.append(1);
    const CacheStep<Near> step{.batch = 1,
                               .new_tokens = 1,
                               .length = t + 1,
                               .write_rows = context.to_device(fresh, Shape{1}),
                               .key_rows = context.to_device(table.rows(), Shape{1, t + 1})};
    const auto word = x.reshaped({3, 1, decoder_width}).slice(t, 1);
    CHECK(first_difference(context.to_host(block.extend(context, word, cache, step, image, {})),
                           context.to_host(whole.reshaped({3, decoder_width}).slice(t, 1)),
                           1e-5) == "");
  }
}

}  // namespace

TEST_CASE("OpenCLIP's layer is a causal block, then a cross-attention block",
          "[multimodal_block]") {
  OpenClipMultimodalBlock<Near> block("d", 3, options());
  const auto weights = fill(block);
  TransformerBlock<Near> self("s", options());
  CrossAttentionBlock<Near> cross("c", options());
  copy_weights(weights, "d.resblocks.3", "s", self);
  copy_weights(weights, "d.cross_attn.3", "c", cross);
  Context<Near> context;
  const auto x = random_array(context, {2, 3, decoder_width}, 42);
  const auto image = random_array(context, {2, 5, decoder_width}, 43);
  const auto expected =
      cross(context, self(context, x, {.causal = true}), cross.project(context, image));
  CHECK(first_difference(context.to_host(block(context, x, block.project(context, image))),
                         context.to_host(expected), 1e-6) == "");
}

TEST_CASE("The paper's layer is self-attention, cross-attention, one perceptron",
          "[multimodal_block]") {
  PaperMultimodalBlock<Near> block("d", 1, options(true));
  const auto weights = fill(block);
  const std::string path = "d.resblocks.1";
  CHECK(weights.count(path + ".ls_cross.gamma") == 1);
  CHECK(weights.count(path + ".mlp.c_fc.weight") == 1);
  SelfAttention<Near> self("s", {.width = decoder_width, .heads = 2});
  CrossAttention<Near> cross("c", {.width = decoder_width, .heads = 2});
  Mlp<Near> mlp("m", options());
  LayerNorm<Near> ln_1("n", decoder_width), ln_cross("n", decoder_width), ln_2("n", decoder_width);
  copy_weights(weights, path + ".attn", "s", self);
  copy_weights(weights, path + ".cross_attn", "c", cross);
  copy_weights(weights, path + ".mlp", "m", mlp);
  copy_weights(weights, path + ".ln_1", "n", ln_1);
  copy_weights(weights, path + ".ln_cross", "n", ln_cross);
  copy_weights(weights, path + ".ln_2", "n", ln_2);
  Context<Near> context;
  const auto gamma = [&](const char* name) {
    return context.to_device(weights.at(path + name), Shape{decoder_width});
  };
  const auto input = random_array(context, {2, 3, decoder_width}, 42);
  const auto image = random_array(context, {2, 5, decoder_width}, 43);
  auto x = self(context, ln_1(context, input), {.causal = true},
                {.scale = gamma(".ls_1.gamma"), .residual = input});
  x = cross(context, ln_cross(context, x), cross.project(context, image), {},
            {.scale = gamma(".ls_cross.gamma"), .residual = x});
  x = mlp(context, ln_2(context, x), {.scale = gamma(".ls_2.gamma"), .residual = x});
  CHECK(first_difference(context.to_host(block(context, input, block.project(context, image))),
                         context.to_host(x), 1e-6) == "");
}

TEST_CASE("Both layers give word by word what they give at once", "[multimodal_block]") {
  for (const bool layer_scale : {false, true}) {
    check_cache<OpenClipMultimodalBlock<Near>>(layer_scale);
    check_cache<PaperMultimodalBlock<Near>>(layer_scale);
  }
}
