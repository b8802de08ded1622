#include "coca/models/initialize.hpp"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

struct Moments {
  double mean = 0, deviation = 0;
};

template <class Model>
std::map<std::string, Moments> moments(const Model& model) {
  std::map<std::string, Moments> all;
  for_each_parameter(model, [&](const auto& parameter) {
    const WeightSource source = parameter.store(model.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    double sum = 0, squares = 0;
    for (const float value : values) {
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const auto n = static_cast<double>(values.size());
    all[parameter.path()] = {sum / n, std::sqrt(std::max(0.0, squares / n - sum / n * sum / n))};
  });
  return all;
}

}  // namespace

TEST_CASE("initialize depends only on the seed, not on the backend", "[initialize]") {
  const auto reference = all_weights(random_model<CoCa<plain, Reference<float>>>(7));
  CHECK(reference.size() == parameter_count(plain));
  CHECK(first_inequality(all_weights(random_model<CoCa<plain, Reference<float>>>(7)), reference) ==
        "");
  CHECK(first_inequality(all_weights(random_model<CoCa<plain, Cpu<float>>>(7)), reference) == "");
  CHECK(first_inequality(all_weights(random_model<CoCa<plain, Remote>>(7)), reference) == "");
  CHECK(first_inequality(all_weights(random_model<CoCa<plain, Reference<float>>>(8)), reference) !=
        "");
}

TEST_CASE("initialize starts weights as OpenCLIP does", "[initialize]") {
  CoCa<plain, Cpu<float>> model;
  initialize(model, 3);
  const auto all = moments(model);
  const auto check = [&](const std::string& path, double deviation) {
    INFO(path << ": mean " << all.at(path).mean << ", deviation " << all.at(path).deviation);
    CHECK(close(all.at(path).mean, 0, deviation * 0.1));
    CHECK(close(all.at(path).deviation, deviation, deviation * 0.06));
  };
  check("visual.conv1.weight", 1 / std::sqrt(3.0 * 64));
  check("visual.positional_embedding", 1 / std::sqrt(48.0));
  check("visual.transformer.resblocks.0.attn.in_proj_weight", 1 / std::sqrt(48.0));
  check("visual.transformer.resblocks.1.attn.out_proj.weight", 1 / std::sqrt(48.0 * 4));
  check("visual.transformer.resblocks.1.mlp.c_fc.weight", 1 / std::sqrt(96.0));
  check("visual.transformer.resblocks.1.mlp.c_proj.weight", 1 / std::sqrt(48.0 * 4));
  check("visual.proj", 1 / std::sqrt(32.0));
  check("text.token_embedding.weight", 0.02);
  check("text.positional_embedding", 0.01);
  check("text.text_projection", 1 / std::sqrt(32.0));
  check("text_decoder.text_projection", 1 / std::sqrt(32.0));
  for (const char* bias : {"visual.ln_pre.bias", "text.transformer.resblocks.0.attn.in_proj_bias"})
    CHECK((all.at(bias).mean == 0 && all.at(bias).deviation == 0));
  CHECK((all.at("visual.ln_pre.weight").mean == 1 && all.at("text.ln_final.weight").mean == 1));
  CHECK(close(all.at("logit_scale").mean, std::log(1 / 0.07), 1e-5));
}

TEST_CASE("initialize starts where the configuration says", "[initialize]") {
  CoCaConfig config = layer_scale_variant;
  config.vision.layer_scale_init = 0.25;
  config.multimodal.layer_scale_init = 0.5;
  config.init_logit_scale = 1.5;
  StandardCoCa<Reference<float>> model(config);
  initialize(model);
  const auto all = moments(model);
  CHECK(all.at("visual.transformer.resblocks.1.ls_2.gamma").mean == 0.25);
  CHECK(all.at("text.transformer.resblocks.0.ls_1.gamma").mean == static_cast<double>(0.1f));
  CHECK(all.at("text_decoder.resblocks.0.ls_1.gamma").mean == 0.5);
  CHECK(all.at("text_decoder.cross_attn.1.ls_2.gamma").mean == 0.5);
  CHECK(all.at("logit_scale").mean == 1.5);
  StandardClip<Reference<float>> clip(ClipConfig{
      .embed_dim = 32, .vision = plain.vision, .text = plain.text, .init_logit_scale = 2});
  initialize(clip);
  CHECK(moments(clip).at("logit_scale").mean == 2);
}

TEST_CASE("No two tensors start alike", "[initialize]") {
  CoCa<plain, Reference<float>> model;
  initialize(model);
  const auto all = moments(model);
  CHECK(all.at("text.transformer.resblocks.0.mlp.c_fc.weight").mean !=
        all.at("text.transformer.resblocks.1.mlp.c_fc.weight").mean);
}

TEST_CASE("A model without weights reports it", "[initialize]") {
  const CoCa<plain, Reference<float>> model;
  CHECK_THROWS_WITH(model.logit_scale(),
                    "logit_scale has no value yet: load a checkpoint into the model, or call "
                    "initialize");
}
