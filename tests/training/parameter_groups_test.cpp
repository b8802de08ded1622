#include "coca/training/parameter_groups.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/models/image_classifier.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Near = Reference<float>;

/// The groups of a model's parameters, by path.
template <class Model>
std::map<std::string, ParameterGroup> groups_of(Model& model,
                                                const ParameterGroupOptions& options) {
  const Trainable<Model> trainable(model);
  const auto groups = parameter_groups(trainable, options);
  REQUIRE(groups.size() == trainable.entries().size());
  std::map<std::string, ParameterGroup> all;
  for (std::size_t i = 0; i < groups.size(); ++i) all[trainable.entries()[i].path] = groups[i];
  return all;
}

bool close_to(float actual, double expected) {
  return std::abs(static_cast<double>(actual) - expected) <= 1e-6;
}

}  // namespace

TEST_CASE("matrices and words decay, nothing else", "[parameter_groups]") {
  auto model = random_model<CoCa<layer_scale_variant, Near>>();
  const auto groups = groups_of(model, {.weight_decay = 0.3f});
  for (const std::string path :
       {"visual.conv1.weight", "visual.proj", "text.token_embedding.weight", "text.text_projection",
        "visual.transformer.resblocks.1.attn.in_proj_weight", "text_decoder.text_projection",
        "text_decoder.cross_attn.0.mlp.c_fc.weight"})
    CHECK(groups.at(path).weight_decay == 0.3f);
  for (const std::string path :
       {"visual.class_embedding", "visual.positional_embedding", "visual.ln_pre.weight",
        "visual.attn_pool.query", "visual.transformer.resblocks.1.attn.in_proj_bias",
        "visual.transformer.resblocks.1.ls_1.gamma", "text.positional_embedding", "text.cls_emb",
        "text.ln_final.bias", "logit_scale"})
    CHECK(groups.at(path).weight_decay == 0);
  for (const auto& [path, group] : groups) CHECK(group.rate_scale == 1);
}

TEST_CASE("shape and role decide together about decay", "[parameter_groups]") {
  CHECK(is_decayed(ParameterRole::weight, {3, 4}));
  CHECK(!is_decayed(ParameterRole::weight, {4}));
  CHECK(is_decayed(ParameterRole::embedding, {3, 4}));
  CHECK(!is_decayed(ParameterRole::bias, {1, 1}));
  CHECK(!is_decayed(ParameterRole::position, {3, 4}));
  CHECK(!is_decayed(ParameterRole::query, {3, 4}));
  CHECK(!is_decayed(ParameterRole::scale, {3, 4}));
  CHECK(!is_decayed(ParameterRole::norm, {3, 4}));
}

namespace {

/// Whether OpenCLIP's parameters decay, by their names: the rule that was used before parameters
/// had roles.
bool is_decayed_by_name(const std::string& path, const Shape& shape) {
  if (shape.rank() < 2) return false;
  const std::string name = path.substr(path.rfind('.') + 1);
  for (const char* undecayed : {"bias", "positional_embedding", "query", "cls_emb",
                                "class_embedding", "logit_scale", "logit_bias"})
    if (name == undecayed) return false;
  return true;
}

std::string tower_by_name(const std::string& path) {
  if (path.starts_with("visual.")) return "visual";
  return path.starts_with("text_decoder.") ? "text_decoder" : "text";
}

/// Number of the block in a name, or -1.
int block_by_name(const std::string& path) {
  for (const std::string list : {"resblocks.", "cross_attn."}) {
    const std::size_t begin = path.find(list);
    if (begin == std::string::npos) continue;
    const std::string rest = path.substr(begin + list.size());
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') return std::stoi(rest);
  }
  return -1;
}

/// Number of layers from each parameter of a model to the end of its tower, by name.
template <class Model>
std::map<std::string, int> depths_by_name(const Model& model) {
  std::map<std::string, int> blocks, depths;
  for_each_parameter(model, [&](const auto& parameter) {
    int& count = blocks[tower_by_name(parameter.path())];
    count = std::max(count, block_by_name(parameter.path()) + 1);
  });
  for_each_parameter(model, [&](const auto& parameter) {
    const std::string& path = parameter.path();
    const int count = blocks[tower_by_name(path)], block = block_by_name(path);
    bool first = path.find(".ln_pre.") != std::string::npos;
    for (const char* end : {"conv1.weight", "class_embedding", "positional_embedding",
                            "token_embedding.weight", "cls_emb"})
      first = first || path.ends_with(end);
    depths[path] = block >= 0 ? count - block : first ? count + 1 : 0;
  });
  return depths;
}

template <class Model>
void check_groups_by_name(Model model) {
  const Trainable<Model> trainable(model);
  const auto groups = parameter_groups(trainable, {.weight_decay = 0.3f, .layer_decay = 0.5f});
  const auto depths = depths_by_name(model);
  REQUIRE(trainable.entries().size() == depths.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const TrainableEntry& entry = trainable.entries()[i];
    INFO(entry.path);
    CHECK((groups[i].weight_decay != 0) == is_decayed_by_name(entry.path, entry.shape));
    CHECK(entry.depth == static_cast<std::size_t>(depths.at(entry.path)));
    CHECK(groups[i].rate_scale == std::pow(0.5f, static_cast<float>(depths.at(entry.path))));
  }
}

template <class Model>
Model with_bias(Model model) {
  model.add_logit_bias();
  return model;
}

}  // namespace

TEST_CASE("roles and depths agree with OpenCLIP's names", "[parameter_groups]") {
  check_groups_by_name(random_model<CoCa<layer_scale_variant, Near>>());
  check_groups_by_name(random_model<CoCa<paper_layer_scale_config, Near>>());
  check_groups_by_name(random_model<CoCa<class_token_config, Near>>());
  check_groups_by_name(random_model<CoCa<parallel_variant, Near>>());
  check_groups_by_name(with_bias(random_model<CoCa<cascade_variant, Near>>()));
  check_groups_by_name(with_bias(random_model<Clip<plain_clip, Near>>()));
}

TEST_CASE("learning rates shrink from layer to layer", "[parameter_groups]") {
  auto model = random_model<CoCa<plain, Near>>();  // three towers of two blocks
  const auto groups = groups_of(model, {.layer_decay = 0.5f});
  const auto scale = [&](const std::string& path) { return groups.at(path).rate_scale; };
  for (const std::string path :
       {"visual.conv1.weight", "visual.class_embedding", "visual.positional_embedding",
        "visual.ln_pre.bias", "text.token_embedding.weight", "text.cls_emb"})
    CHECK(close_to(scale(path), 0.125));
  for (const std::string path :
       {"visual.transformer.resblocks.0.ln_1.weight",
        "text.transformer.resblocks.0.attn.out_proj.weight",
        "text_decoder.resblocks.0.mlp.c_fc.bias", "text_decoder.cross_attn.0.ln_1_kv.weight"})
    CHECK(close_to(scale(path), 0.25));
  CHECK(close_to(scale("text_decoder.cross_attn.1.mlp.c_fc.weight"), 0.5));
  for (const std::string path :
       {"visual.attn_pool.query", "visual.ln_post.weight", "visual.proj", "text.ln_final.weight",
        "text.text_projection", "text_decoder.text_projection", "logit_scale"})
    CHECK(close_to(scale(path), 1));
}

TEST_CASE("layers are counted in both designs of decoders, and in CLIP", "[parameter_groups]") {
  auto paper = random_model<CoCa<paper_config, Near>>();
  const auto groups = groups_of(paper, {.layer_decay = 0.5f});
  CHECK(close_to(groups.at("text_decoder.resblocks.1.cross_attn.in_proj_weight").rate_scale, 0.5));
  CHECK(close_to(groups.at("visual.attn_pool_contrastive.query").rate_scale, 1));
  auto clip = random_model<Clip<plain_clip, Near>>();
  const auto of_clip = groups_of(clip, {.layer_decay = 0.5f});
  const auto blocks = static_cast<double>(plain_clip.vision.layers);
  CHECK(close_to(of_clip.at("visual.conv1.weight").rate_scale, std::pow(0.5, blocks + 1)));
  CHECK(close_to(of_clip.at("visual.transformer.resblocks.0.ln_1.weight").rate_scale,
                 std::pow(0.5, blocks)));
  CHECK(of_clip.at("visual.proj").rate_scale == 1);
  const auto words = static_cast<double>(plain_clip.text.layers);
  CHECK(close_to(of_clip.at("token_embedding.weight").rate_scale, std::pow(0.5, words + 1)));
  CHECK(
      close_to(of_clip.at("transformer.resblocks.0.ln_1.weight").rate_scale, std::pow(0.5, words)));
  CHECK(of_clip.at("ln_final.weight").rate_scale == 1);
}

TEST_CASE("learning rates have a factor for parts of a model", "[parameter_groups]") {
  auto model = random_model<CoCa<plain, Near>>();
  const auto groups = groups_of(
      model, {.layer_decay = 0.5f,
              .rates = {{"visual", 0.04f}, {"visual.attn_pool", 3}, {"visual.transformer", 2}}});
  CHECK(close_to(groups.at("visual.conv1.weight").rate_scale, 0.04 * 0.125));
  CHECK(close_to(groups.at("visual.transformer.resblocks.1.ln_1.weight").rate_scale, 2 * 0.5));
  CHECK(close_to(groups.at("visual.attn_pool.query").rate_scale, 3));
  CHECK(close_to(groups.at("visual.proj").rate_scale, 0.04));
  CHECK(close_to(groups.at("text.ln_final.weight").rate_scale, 1));
  CHECK(close_to(groups.at("text.token_embedding.weight").rate_scale, 0.125));
  CHECK_THROWS_WITH(groups_of(model, {.rates = {{"visul", 0.5f}}}),
                    "no parameter of the model has the prefix \"visul\" whose learning rate is to "
                    "be scaled");
}

TEST_CASE("the prefix of a frozen part may have a factor", "[parameter_groups]") {
  auto model = random_model<CoCa<plain, Near>>();
  const Trainable<CoCa<plain, Near>> trainable(model, all_but(model, {"visual"}));
  CHECK_NOTHROW(parameter_groups(trainable, {.rates = {{"visual", 0.5f}}}));
}

TEST_CASE("a classifier's head learns as the last layer", "[parameter_groups]") {
  using Classifier = ImageClassifier<VisionTransformer<Near>, AnyPooler<Near>>;
  Classifier model(3, VisionTransformer<Near>(plain.vision, "visual"),
                   AnyPooler<Near>({plain.pooling.kind, pooler_sizes(plain)}, "visual"));
  initialize(model, 1);
  const auto groups = groups_of(model, {.layer_decay = 0.5f});
  CHECK(groups.at("head.weight").rate_scale == 1);
  CHECK(groups.at("head.bias").rate_scale == 1);
  CHECK(groups.at("visual.conv1.weight").rate_scale == 0.125f);
}

TEST_CASE("frozen layers are counted too", "[parameter_groups]") {
  auto model = random_model<CoCa<plain, Near>>();
  const Trainable<CoCa<plain, Near>> trainable(
      model, all_but(model, {"visual.transformer.resblocks.1", "visual.proj"}));
  const auto groups = parameter_groups(trainable, {.layer_decay = 0.5f});
  CHECK(trainable.entries()[0].path == "visual.conv1.weight");
  CHECK(close_to(groups[0].rate_scale, 0.125));
}

TEST_CASE("invalid decays are refused", "[parameter_groups]") {
  auto model = random_model<CoCa<plain, Near>>();
  CHECK_THROWS_WITH(groups_of(model, {.weight_decay = -1}),
                    "weight_decay must be 0 or more and layer_decay above 0 and at most 1, got "
                    "-1.000000 and 1.000000");
  CHECK_THROWS_AS(groups_of(model, {.layer_decay = 0}), ArgumentError);
  CHECK_THROWS_AS(groups_of(model, {.layer_decay = 1.5f}), ArgumentError);
  CHECK_THROWS_WITH(groups_of(model, {.rates = {{"visual", -1}}}),
                    "the factor of the learning rate of \"visual\" must be above 0, got -1.000000");
  CHECK_THROWS_AS(groups_of(model, {.rates = {{"visual", NAN}}}), ArgumentError);
}

TEST_CASE("a prefix ends where a name ends", "[parameter_groups]") {
  CHECK(has_prefix("text.cls_emb", "text"));
  CHECK(has_prefix("text.cls_emb", "text."));
  CHECK(has_prefix("text.cls_emb", "text.cls_emb"));
  CHECK(!has_prefix("text_decoder.ln_final.bias", "text"));
  CHECK(!has_prefix("resblocks.10.ln_1", "resblocks.1"));
  CHECK(!has_prefix("text", "text.cls_emb"));
}

TEST_CASE("what has a frozen prefix is not trained", "[parameter_groups]") {
  auto model = random_model<CoCa<plain, Near>>();
  const Trainable<CoCa<plain, Near>> trainable(model, all_but(model, {"visual", "logit_scale"}));
  for (const auto& entry : trainable.entries()) {
    CHECK(!entry.path.starts_with("visual."));
    CHECK(entry.path != "logit_scale");
  }
  CHECK(trainable.entries().size() > 10);
  for (const auto& entry : trainable.frozen_entries())
    CHECK((entry.path.starts_with("visual.") || entry.path == "logit_scale"));
  CHECK(Trainable<CoCa<plain, Near>>(model, all_but(model, {})).frozen_entries().empty());
}

TEST_CASE("a prefix that nothing has is an error", "[parameter_groups]") {
  const auto model = random_model<CoCa<plain, Near>>();
  CHECK_THROWS_AS(all_but(model, {"visual", "visul"}), ArgumentError);
  CHECK_THROWS_WITH(all_but(model, {"visual", "visul"}),
                    "no parameter of the model has the prefix \"visul\" that is to be frozen");
  CHECK_THROWS_AS(all_but(model, {""}), ArgumentError);
}
