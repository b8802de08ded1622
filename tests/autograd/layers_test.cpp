#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "autograd/finite_differences.hpp"
#include "catch.hpp"
#include "coca/models/multimodal_decoder.hpp"
#include "coca/models/poolers.hpp"
#include "coca/models/standard_classifier.hpp"
#include "coca/models/vision_transformer.hpp"
#include "coca/nn/map_head.hpp"
#include "coca/nn/multimodal_block.hpp"
#include "coca/nn/task_head.hpp"

using namespace coca;
using namespace coca::testing;

// Every layer against differences, for its input and all of its parameters.

namespace {

constexpr BlockOptions block_options(Activation activation = Activation::gelu,
                                     bool layer_scale = false) {
  return {
      .width = 6, .heads = 2, .mlp_width = 8, .activation = activation, .layer_scale = layer_scale};
}

Tensor<std::uint8_t> some_hidden(GradientCheck& check) {
  return check.context().to_device(std::vector<std::uint8_t>{0, 0, 1, 0, 1, 0}, Shape{2, 3});
}

constexpr PoolerSizes sizes{.width = 6, .tokens = 5, .embed_dim = 4, .queries = 3, .heads = 2};

template <class Pooler>
void check_pooler(const typename Pooler::Options& options = sizes) {
  GradientCheck check;
  Pooler pooler(options);
  check.parameters_of(pooler);
  const auto x = check.variable("tokens", {2, 5, 6});
  check([&] {
    const PooledTokens<Exact> pooled = pooler(check.context(), x);
    return check.weighted_sum(pooled.pooled) + check.weighted_sum(pooled.tokens, 51);
  });
}

constexpr TextConfig text_config{.context_length = 5,
                                 .vocab_size = 7,
                                 .width = 6,
                                 .layers = 2,
                                 .heads = 2,
                                 .mlp_width = 8,
                                 .layer_scale = true};

constexpr TextConfig with_other_pooling(TextConfig config) {
  config.no_causal_mask = true;
  config.pool_type = TextPooling::last;
  config.proj_bias = true;
  config.norm_epsilon = 1e-2;
  return config;
}

constexpr TextConfig with_correct_mask(TextConfig config) {
  config.correct_cls_mask = true;
  return config;
}

const Tokens texts{{5, 2, 6, 0, 5, 3, 0, 0}, 2, 4};

template <class Tower>
void check_text_tower(const TextConfig& config, bool recompute, bool with_tokens) {
  INFO("recomputed blocks " << recompute);
  GradientCheck check({.recompute_blocks = recompute});
  Tower tower({config, 4});
  check.parameters_of(tower);
  check([&] {
    const TextFeatures<Exact> text = tower(check.context(), texts);
    double sum = check.weighted_sum(text.embedding) + check.weighted_sum(text.latent, 51);
    if (with_tokens) sum += check.weighted_sum(text.tokens, 52);
    return sum;
  });
}

void check_multimodal_decoder(MultimodalDesign design, bool recompute) {
  INFO("recomputed blocks " << recompute);
  const MultimodalConfig config{
      .width = 6, .layers = 2, .heads = 2, .mlp_width = 8, .layer_scale = true, .design = design};
  GradientCheck check({.recompute_blocks = recompute});
  MultimodalDecoder<Exact> decoder({config, 7, 6});
  check.parameters_of(decoder);
  const auto text = check.variable("text", {2, 3, 6}), image = check.variable("image", {2, 4, 6});
  check([&] { return check.weighted_sum(decoder(check.context(), text, image)); });
}

}  // namespace

TEST_CASE("the gradients of Linear and LayerNorm are right", "[gradients]") {
  GradientCheck check;
  Linear<Exact> linear_layer("linear", {.in = 4, .out = 3});
  LayerNorm<Exact> norm("norm", 3);
  check.parameters_of(linear_layer);
  check.parameters_of(norm);
  const auto x = check.variable("input", {2, 4});
  check(
      [&] { return check.weighted_sum(norm(check.context(), linear_layer(check.context(), x))); });
}

TEST_CASE("the gradients of Mlp are right", "[gradients]") {
  for (const Activation activation : {Activation::gelu, Activation::quick_gelu}) {
    GradientCheck check;
    Mlp<Exact> mlp("mlp", block_options(activation));
    check.parameters_of(mlp);
    const auto x = check.variable("input", {2, 3, 6});
    check([&] { return check.weighted_sum(mlp(check.context(), x, {.residual = x})); });
  }
}

TEST_CASE("the gradients of TransformerBlock are right", "[gradients]") {
  for (const bool layer_scale : {false, true})
    for (const bool causal : {false, true}) {
      INFO("layer scale " << layer_scale << ", causal " << causal);
      GradientCheck check;
      TransformerBlock<Exact> block("block", block_options(Activation::gelu, layer_scale));
      check.parameters_of(block);
      const auto x = check.variable("input", {2, 3, 6});
      AttentionMask<Exact> mask{.causal = causal};
      if (causal) mask.hidden_keys = some_hidden(check);
      check([&] { return check.weighted_sum(block(check.context(), x, mask)); });
    }
}

TEST_CASE("the gradients of CrossAttentionBlock are right", "[gradients]") {
  for (const bool layer_scale : {false, true}) {
    INFO("layer scale " << layer_scale);
    GradientCheck check;
    CrossAttentionBlock<Exact> block("block", block_options(Activation::gelu, layer_scale));
    check.parameters_of(block);
    const auto x = check.variable("words", {2, 3, 6}), image = check.variable("image", {2, 4, 6});
    check([&] {
      return check.weighted_sum(block(check.context(), x, block.project(check.context(), image)));
    });
  }
}

TEST_CASE("sequences that share a picture add to its gradient", "[gradients]") {
  GradientCheck check;
  CrossAttentionBlock<Exact> block("block", block_options());
  check.parameters_of(block);
  const auto x = check.variable("words", {3, 2, 6}), image = check.variable("image", {2, 2, 6});
  const auto rows = check.indices({3, 2}, {2, 3, 0, 1, 2, 3});
  check([&] {
    return check.weighted_sum(
        block(check.context(), x, block.project(check.context(), image), {.key_rows = rows}));
  });
}

TEMPLATE_TEST_CASE("the gradients of multimodal blocks are right", "[gradients]",
                   OpenClipMultimodalBlock<Exact>, PaperMultimodalBlock<Exact>) {
  for (const bool layer_scale : {false, true}) {
    INFO("layer scale " << layer_scale);
    GradientCheck check;
    TestType block("text_decoder", 0, block_options(Activation::quick_gelu, layer_scale));
    check.parameters_of(block);
    const auto x = check.variable("words", {2, 3, 6}), image = check.variable("image", {2, 4, 6});
    check([&] {
      return check.weighted_sum(block(check.context(), x, block.project(check.context(), image)));
    });
  }
}

TEST_CASE("the gradients of AttentionalPooler are right", "[gradients]") {
  for (const std::size_t key_width : {6, 4}) {
    INFO("width of keys " << key_width);
    GradientCheck check;
    AttentionalPooler<Exact> pooler("pool",
                                    {.width = 6, .key_width = key_width, .queries = 3, .heads = 2});
    check.parameters_of(pooler);
    const auto x = check.variable("tokens", {2, 4, key_width});
    check([&] { return check.weighted_sum(pooler(check.context(), x)); });
  }
}

TEST_CASE("the gradients of TaskHead are right, with hidden tokens", "[gradients]") {
  GradientCheck check;
  TaskHead<Exact> head("head", {.width = 6, .key_width = 4, .heads = 2, .outputs = 3});
  check.parameters_of(head);
  const auto x = check.variable("tokens", {2, 4, 4});
  const auto hidden =
      check.context().to_device(std::vector<std::uint8_t>{0, 0, 1, 1, 0, 1, 0, 0}, Shape{2, 4});
  check([&] { return check.weighted_sum(head(check.context(), x, hidden)); });
}

TEST_CASE("the gradients of a classifier are right, with either head", "[gradients]") {
  const CoCaConfig config{
      .embed_dim = 6,
      .vision =
          {.image_size = 4, .patch_size = 2, .width = 6, .layers = 1, .heads = 2, .mlp_width = 8},
      .pooling = {.kind = Pooling::single, .queries = 3, .heads = 2}};
  for (const ClassifierHead kind : {ClassifierHead::linear, ClassifierHead::pooler}) {
    GradientCheck check;
    auto model = make_classifier<Exact>(config, {kind, 3});
    check.parameters_of(model);
    const auto pixels = check.variable("pixels", {2, 3, 4, 4});
    check([&] {
      const auto pooled = model.encode_image(check.context(), pixels);
      return check.weighted_sum(model.classify(check.context(), pooled));
    });
  }
}

TEST_CASE("the gradients of MapHead are right", "[gradients]") {
  GradientCheck check;
  MapHead<Exact> head("head", block_options());
  check.parameters_of(head);
  const auto x = check.variable("tokens", {2, 4, 6});
  check([&] { return check.weighted_sum(head(check.context(), x)); });
}

TEST_CASE("the gradients of PatchEmbedding are right", "[gradients]") {
  for (const bool class_token : {true, false}) {
    GradientCheck check;
    PatchEmbedding<Exact> embedding("visual", {.image_size = 4,
                                               .patch_size = 2,
                                               .width = 3,
                                               .bias = !class_token,
                                               .class_token = class_token});
    check.parameters_of(embedding);
    const auto pixels = check.variable("pixels", {2, 3, 4, 4});
    check([&] { return check.weighted_sum(embedding(check.context(), pixels)); });
  }
}

TEST_CASE("the gradients of TokenEmbedding are right", "[gradients]") {
  GradientCheck check;
  TokenEmbedding<Exact> embedding("", {.vocab_size = 7, .positions = 5, .width = 3});
  check.parameters_of(embedding);
  check([&] { return check.weighted_sum(embedding(check.context(), texts, 1)); }, 100);
}

TEST_CASE("the gradients of every pooler are right", "[gradients]") {
  SECTION("class token") { check_pooler<ClassTokenPooler<Exact>>(); }
  SECTION("mean") {
    check_pooler<TokenPooler<Exact>>(
        {.sizes = sizes, .kind = Pooling::mean, .final_ln_after_pool = true});
  }
  SECTION("map head") {
    check_pooler<TokenPooler<Exact>>(
        {.sizes = sizes, .kind = Pooling::map_head, .class_token = false, .head = block_options()});
  }
  SECTION("single") { check_pooler<SinglePooler<Exact>>(); }
  SECTION("parallel") { check_pooler<ParallelPooler<Exact>>(); }
  SECTION("cascade") { check_pooler<CascadePooler<Exact>>(); }
}

TEST_CASE("the gradients of VisionTransformer are right", "[gradients]") {
  constexpr VisionConfig config{
      .image_size = 4, .patch_size = 2, .width = 6, .layers = 2, .heads = 2, .mlp_width = 8};
  for (const bool recompute : {false, true}) {
    INFO("recomputed blocks " << recompute);
    GradientCheck check({.recompute_blocks = recompute});
    VisionTransformer<Exact> transformer(config);
    check.parameters_of(transformer);
    const auto pixels = check.variable("pixels", {2, 3, 4, 4});
    check([&] { return check.weighted_sum(transformer(check.context(), pixels)); }, 16);
  }
}

TEST_CASE("the gradients of text towers are right", "[gradients]") {
  for (const bool recompute : {false, true}) {
    check_text_tower<TextDecoder<Exact>>(text_config, recompute, true);
    check_text_tower<TextDecoder<Exact>>(with_correct_mask(text_config), recompute, true);
    check_text_tower<ClipTextEncoder<Exact>>(text_config, recompute, false);
    check_text_tower<ClipTextEncoder<Exact>>(with_other_pooling(text_config), recompute, false);
  }
}

TEST_CASE("the gradients of multimodal decoders are right", "[gradients]") {
  for (const bool recompute : {false, true}) {
    check_multimodal_decoder(MultimodalDesign::open_clip, recompute);
    check_multimodal_decoder(MultimodalDesign::paper, recompute);
  }
}
