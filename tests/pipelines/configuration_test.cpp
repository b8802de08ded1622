#include "coca/pipelines/configuration.hpp"

#include <set>
#include <string>

#include "catch.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;

namespace {

AnyConfig variant_config(const std::string& name) {
  const Json all = coca::testing::read_test_json("variants/configs.json");
  return to_config(parse_model_description(all.at(name), name));
}

}  // namespace

TEST_CASE("configuration: of descriptions") {
  CHECK(variant_config("coca_plain") == AnyConfig(coca::testing::plain));
  CHECK(variant_config("clip_vit") == AnyConfig(coca::testing::plain_clip));
  CHECK(to_config(read_model_description(coca::testing::stamps_folder + "/config.json")) ==
        AnyConfig(coca::testing::stamps_coca));
}

TEST_CASE("configuration: of variants") {
  CoCaConfig config = coca::testing::plain;
  config.vision.layer_scale = config.text.layer_scale = config.multimodal.layer_scale = true;
  config.vision.layer_scale_init = config.text.layer_scale_init =
      config.multimodal.layer_scale_init = 0.1;
  CHECK(variant_config("coca_layer_scale") == AnyConfig(config));

  config = coca::testing::plain;
  config.vision.activation = config.text.activation = config.multimodal.activation =
      Activation::quick_gelu;
  CHECK(variant_config("coca_quick_gelu") == AnyConfig(config));

  config = coca::testing::plain;
  config.vision.width = 32;
  config.vision.heads = 2;
  config.vision.mlp_width = 128;
  CHECK(variant_config("coca_same_width") == AnyConfig(config));
  config.pooling.kind = Pooling::parallel;
  CHECK(variant_config("coca_parallel") == AnyConfig(config));
  config.pooling.kind = Pooling::cascade;
  CHECK(variant_config("coca_cascade") == AnyConfig(config));
}

TEST_CASE("configuration: names of presets") {
  std::set<std::string_view> names;
  for (const NamedPreset& preset : named_presets()) {
    names.insert(preset.name);
    CHECK(preset_name(preset.config) == preset.name);
  }
  CHECK(names.size() == 12);
  CHECK(preset_name(presets::coca_vit_l_14) == "coca_vit_l_14");
  CHECK(preset_name(presets::quick_gelu(presets::clip_vit_b_16)) == "quick_gelu(clip_vit_b_16)");
  CHECK_FALSE(preset_name(coca::testing::plain).has_value());
}

TEST_CASE("configuration: the start of training does not change the model") {
  CoCaConfig config = presets::coca_vit_b_32;
  config.init_logit_scale = 1.5;
  CHECK(preset_name(config) == "coca_vit_b_32");
  CHECK(config != presets::coca_vit_b_32);
  CHECK(same_model(config, presets::coca_vit_b_32));
  CHECK_FALSE(same_model(AnyConfig(config), AnyConfig(presets::clip_vit_b_32)));
  config.vision.heads = 24;
  CHECK_FALSE(same_model(config, presets::coca_vit_b_32));
}

TEST_CASE("configuration: the start of training is written if it is not the default") {
  CoCaConfig config = coca::testing::plain;
  CHECK(config_definition(config, "x").find("init") == std::string::npos);
  config.init_logit_scale = 1.5;
  config.vision.layer_scale_init = 0.1;
  const std::string text = config_definition(config, "x");
  CHECK(text.find("\n    .init_logit_scale = 1.5,\n};") != std::string::npos);
  CHECK(text.find(".layer_scale = false, .layer_scale_init = 0.1") != std::string::npos);
}

TEST_CASE("configuration: as C++") {
  CHECK(config_definition(coca::testing::plain_clip, "small") ==
        "inline constexpr coca::ClipConfig small{\n"
        "    .embed_dim = 32,\n"
        "    .vision = {.image_size = 32, .patch_size = 8, .width = 48, .layers = 2, .heads = 3, "
        ".mlp_width = 192, .activation = coca::Activation::gelu, .layer_scale = false},\n"
        "    .text = {.context_length = 15, .vocab_size = 512, .width = 32, .layers = 2, .heads = "
        "4, .mlp_width = 128, .activation = coca::Activation::gelu, .layer_scale = false, .pad_id "
        "= 0, .correct_cls_mask = false},\n"
        "};\n");
  const std::string text = config_definition(presets::quick_gelu(presets::clip_vit_b_32), "x");
  CHECK(text.find(".activation = coca::Activation::quick_gelu") != std::string::npos);
  const std::string paper = config_definition(presets::paper_coca, "paper");
  CHECK(paper.find("coca::CoCaConfig paper{") != std::string::npos);
  CHECK(paper.find(".pooling = {.kind = coca::Pooling::cascade, .queries = 256, .heads = 16}") !=
        std::string::npos);
  CHECK(paper.find(".design = coca::MultimodalDesign::paper}") != std::string::npos);
}
