#include <string>

#include "coca/pipelines/inferred_config.hpp"
#include "models/variants.hpp"

using namespace coca;
using namespace coca::testing;

// Towers with other options than CLIP's, against what OpenCLIP and timm computed
// (tests/data/towers).

namespace {

Checkpoint tower_file(const std::string& name) {
  return open_checkpoint(std::string(COCA_TEST_DATA) + "/towers/" + name + ".safetensors");
}

Checkpoint tower_weights(const std::string& name) {
  return tower_file(name).renamed([](const std::string& stored) {
    return stored.starts_with("w.") ? std::optional(stored.substr(2)) : std::nullopt;
  });
}

AnyConfig tower_config(const std::string& name) {
  return parse_model_description(read_test_json("towers/configs.json").at(name), name).config;
}

// Elements of unit embeddings are some tenths, of tokens and logits some units: a dozen roundings
// of 6e-8 each per layer.
template <class Model, class Config>
void check_towers(const std::string& name, const Config& config) {
  Model model(config);
  CHECK(count_parameters(model) == parameter_count(config));
  load_weights(model, tower_weights(name));
  const Checkpoint file = tower_file(name);
  for (const auto& [stage, values] : outputs(model, file)) {
    INFO(name << ": " << stage);
    const double tolerance = stage.ends_with("_features") ? 1e-6 : 2e-5;
    CHECK(first_difference(values, file.read_floats(stage), tolerance) == "");
  }
  const auto inferred = infer_config(tower_weights(name));
  REQUIRE(inferred.has_value());
  CHECK(has_shapes_of(*inferred, config));
}

// As ViT-B-16-SigLIP of OpenCLIP, but small.
constexpr ClipConfig small_siglip{
    .embed_dim = 32,
    .vision = {.image_size = 24,
               .patch_size = 8,
               .width = 32,
               .layers = 2,
               .heads = 4,
               .mlp_width = 128,
               .activation = Activation::gelu_tanh,
               .patch_bias = true,
               .class_token = false,
               .no_ln_pre = true,
               .norm_epsilon = 1e-6},
    .pooling = {.kind = Pooling::map_head, .projection = false},
    .text = {.context_length = 9,
             .vocab_size = 64,
             .width = 24,
             .layers = 2,
             .heads = 3,
             .mlp_width = 96,
             .activation = Activation::gelu_tanh,
             .no_causal_mask = true,
             .pool_type = TextPooling::last,
             .proj_bias = true,
             .norm_epsilon = 1e-6},
};
static_assert(coca::detail::ClipRules<small_siglip>::hold);

// timm's vision transformer, which has no norm before its blocks.
constexpr ClipConfig with_vit(Pooling kind, bool layer_scale) {
  ClipConfig config = small_siglip;
  config.vision.activation = Activation::gelu;
  config.vision.class_token = true;
  config.vision.layer_scale = layer_scale;
  config.pooling.kind = kind;
  config.pooling.final_ln_after_pool = kind == Pooling::mean;
  return config;
}

}  // namespace

TEST_CASE("Towers with the options of OpenCLIP's configurations compute what OpenCLIP computes",
          "[towers]") {
  for (const char* name : {"mean_last", "mean_eos", "token_first"}) {
    const auto config = std::get<ClipConfig>(tower_config(name));
    check_towers<StandardClip<Reference<float>>>(name, config);
    check_towers<StandardClip<Cpu<float>>>(name, config);
  }
}

TEST_CASE("A CoCa whose embedding is the mean of the patches computes what OpenCLIP computes",
          "[towers]") {
  const auto config = std::get<CoCaConfig>(tower_config("coca_mean"));
  CHECK(config.pooling.kind == Pooling::mean);
  CHECK(config.caption_tokens() == 9);
  check_towers<StandardCoCa<Reference<float>>>("coca_mean", config);
}

TEST_CASE("Vision transformers with timm's options compute what timm computes", "[towers]") {
  using Small = StandardClip<Reference<float>>;
  check_towers<Small>("vit_map", small_siglip);
  check_towers<StandardClip<Cpu<float>>>("vit_map", small_siglip);
  check_towers<Small>("vit_mean", with_vit(Pooling::mean, false));
  check_towers<Small>("vit_token", with_vit(Pooling::class_token, true));
}

TEST_CASE("Options that do not fit together are refused with one sentence", "[towers]") {
  using Small = StandardClip<Reference<float>>;
  const auto refusal = [](auto change) {
    ClipConfig config = small_siglip;
    change(config);
    try {
      Small model(config);
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(refusal([](ClipConfig&) {}) == "no error");
  CHECK(refusal([](ClipConfig& c) { c.pooling.kind = Pooling::class_token; }) ==
        "VisionConfig: pooling by the class token needs class_token");
  CHECK(refusal([](ClipConfig& c) { c.embed_dim = 24; }) ==
        "PoolingConfig: without projection embed_dim must equal the vision width");
  CHECK(refusal([](ClipConfig& c) { c.pooling.kind = Pooling::single; }) ==
        "TokenPooler: pooling must be class_token, mean or map_head");
  CHECK(refusal([](ClipConfig& c) { c.vision.norm_epsilon = 0.0; }) ==
        "VisionConfig: norm_epsilon must be between 0 and 1");
  CHECK(refusal([](ClipConfig& c) { c.text.norm_epsilon = -1e-6; }) ==
        "TextConfig: norm_epsilon must be between 0 and 1");
  CHECK(refusal([](ClipConfig& c) {
          c.text.pool_type = TextPooling::eos;
          c.text.eos_id = 64;
        }) == "TextConfig: eos_id must be an id of the vocabulary");
  CoCaConfig coca = plain;
  coca.text.no_causal_mask = true;
  CHECK_THROWS_WITH(StandardCoCa<Reference<float>>(coca),
                    "TextConfig: the text decoder of a CoCa is causal, and has a class token in "
                    "place of pool_type, and no proj_bias");
  coca = plain;
  coca.pooling.projection = false;
  CHECK_THROWS_WITH(
      StandardCoCa<Reference<float>>(coca),
      "PoolingConfig: attentional poolers have a projection and no final_ln_after_pool");
}
