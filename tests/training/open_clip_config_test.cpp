#include "coca/training/open_clip_config.hpp"

#include "catch.hpp"
#include "coca/image/preprocess_config_json.hpp"
#include "coca/io/model_config.hpp"
#include "coca/pipelines/configuration.hpp"

using namespace coca;

namespace {

/// What comes back when the text is read as a file of OpenCLIP.
AnyConfig round_trip(const CoCaConfig& config) {
  const Json json = Json::parse(open_clip_config(config, {}).dump());
  return to_config(parse_model_description(json, "x"));
}

}  // namespace

TEST_CASE("configurations are what they were after writing and reading") {
  CHECK(round_trip(presets::coca_vit_b_32) == AnyConfig(presets::coca_vit_b_32));
  CHECK(round_trip(presets::coca_vit_l_14) == AnyConfig(presets::coca_vit_l_14));
  CHECK(round_trip(presets::coca_base) == AnyConfig(presets::coca_base));
  CoCaConfig config = presets::quick_gelu(presets::coca_vit_b_32);
  config.pooling.kind = Pooling::cascade;
  config.vision.mlp_width = 1001;
  config.text.mlp_width = 777;
  config.text.pad_id = 5;
  config.vision.layer_scale = config.text.layer_scale = config.multimodal.layer_scale = true;
  CHECK(round_trip(config) == AnyConfig(config));
  config.pooling.kind = Pooling::parallel;
  CHECK(round_trip(config) == AnyConfig(config));
}

TEST_CASE("a model with a bias says so, as OpenCLIP makes it") {
  const Json with = Json::parse(open_clip_config(presets::coca_vit_b_32, {}, true).dump());
  CHECK(with.at("model_cfg").at("init_logit_bias") == -10);
  CHECK(to_config(parse_model_description(with, "x")) == AnyConfig(presets::coca_vit_b_32));
  const Json without = Json::parse(open_clip_config(presets::coca_vit_b_32, {}).dump());
  CHECK_FALSE(without.at("model_cfg").contains("init_logit_bias"));
}

TEST_CASE("ratios come back as the widths they are of") {
  for (int width : {48, 96, 192, 768})
    for (int hidden = 1; hidden < 4000; hidden += 7)
      CHECK(static_cast<int>(width * coca::detail::mlp_ratio(width, hidden)) == hidden);
}

TEST_CASE("preprocessing is what it was after writing and reading") {
  PreprocessConfig config;
  config.height = config.width = 64;
  config.resize_mode = ResizeMode::longest;
  config.fill_color = {255, 255, 255};
  config.interpolation = Interpolation::bilinear;
  config.mean = {0.1, 0.2, 0.3};
  const auto read = [&] {
    const Json json = Json::parse(open_clip_config(presets::coca_vit_b_32, config).dump());
    return parse_preprocess_config(json.at("preprocess_cfg"));
  };
  CHECK(read() == config);
  config.fill_color = {1, 2, 3};
  config.resize_mode = ResizeMode::squash;
  CHECK(read() == config);
}

TEST_CASE("what OpenCLIP's format cannot express is reported") {
  CHECK_FALSE(missing_in_open_clip(presets::coca_vit_b_32));
  CHECK(missing_in_open_clip(presets::paper_coca_base) ==
        "multimodal blocks of the paper's design");
  CoCaConfig config = presets::coca_vit_b_32;
  config.multimodal.mlp_width = 100;
  CHECK(missing_in_open_clip(config));
  config = presets::coca_vit_b_32;
  config.text.correct_cls_mask = true;
  CHECK(missing_in_open_clip(config) == "the correct mask of the class token");
}
