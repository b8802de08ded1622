#pragma once
/// @file
/// Small models with random weights, and what OpenCLIP computed with them (tests/data/variants).

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/pipelines/configuration.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

namespace coca::testing {

/// The configuration that configs.json describes under that name.
inline AnyConfig described_config(const std::string& name) {
  const Json all = read_test_json("variants/configs.json");
  return to_config(parse_model_description(all.at(name), name));
}

/// Everything that a model gives for the variant's inputs, under the names of its file.
template <class Model>
std::map<std::string, std::vector<float>> outputs(const Model& model, const Checkpoint& file) {
  Context<typename Model::backend_type> context(model.backend());
  const auto image = model.encode_image(context, device_rows(context, file, "x.image", 4));
  const Tokens tokens = tokens_of(file, "x.text", 4);
  const auto text = model.encode_text(context, tokens);
  std::map<std::string, std::vector<float>> all{
      {"y.image_features", context.to_host(image.embedding)},
      {"y.text_features", context.to_host(text.embedding)}};
  if constexpr (requires { model.caption_logits(context, image.tokens, tokens); }) {
    all["y.image_tokens"] = context.to_host(image.tokens);
    all["y.text_tokens"] = context.to_host(text.tokens);
    all["y.logits"] = context.to_host(model.caption_logits(context, image.tokens, tokens));
  }
  return all;
}

template <class Model>
void check_outputs(const std::string& name, typename Model::backend_type backend = {}) {
  const Checkpoint file = variant(name);
  const auto model = model_of<Model>(variant_weights(name), backend);
  for (const auto& [stage, values] : outputs(model, file)) {
    INFO(name << ": " << stage);
    CHECK(first_difference(values, file.read_floats(stage), 1e-4) == "");
  }
}

template <class Model>
void check_directions(const std::string& name) {
  const Checkpoint file = variant(name);
  const auto model = model_of<Model>(variant_weights(name));
  for (const auto& [stage, values] : outputs(model, file)) {
    INFO(name << " in bfloat16: " << stage);
    CHECK(cosine(values, file.read_floats(stage)) >= 0.999);
  }
}

/// One CoCa on every backend.
template <CoCaConfig config>
void check_variant(const std::string& name) {
  CHECK(described_config(name) == AnyConfig(config));
  check_outputs<CoCa<config, Reference<float>>>(name);
  check_outputs<CoCa<config, Remote>>(name);
  for (const GemmKind kind : gemm_kinds()) {
    INFO(to_string(kind));
    check_outputs<CoCa<config, Cpu<float>>>(name, Cpu<float>(CpuOptions{.gemm = kind}));
  }
  check_directions<CoCa<config, Cpu<bfloat16>>>(name);
}

}  // namespace coca::testing
