#include "coca/io/model_config.hpp"

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "coca/io/model_config_json.hpp"
#include "coca/models/presets.hpp"
#include "temporary_folder.hpp"

using coca::Json;
using coca::ModelDescription;
using coca::Pooling;
using coca_test::contains;
using coca_test::message_of;

namespace {

const char* const coca_vit_l_14 = R"({
  "embed_dim": 768,
  "vision_cfg": {"image_size": 224, "layers": 24, "width": 1024, "patch_size": 14,
                 "attentional_pool": true, "attn_pooler_heads": 8, "output_tokens": true},
  "text_cfg": {"context_length": 76, "vocab_size": 49408, "width": 768, "heads": 12, "layers": 12,
               "embed_cls": true, "output_tokens": true},
  "multimodal_cfg": {"context_length": 76, "vocab_size": 49408, "width": 768, "heads": 12,
                     "layers": 12, "attn_pooler_heads": 12},
  "custom_text": true})";

ModelDescription parse(const Json& json) { return coca::parse_model_description(json, "x.json"); }

const coca::CoCaConfig& coca_of(const ModelDescription& model) {
  return std::get<coca::CoCaConfig>(model.config);
}

/// The message for the configuration above with one value changed.
std::string config_refusal(const char* pointer, const Json& value) {
  Json json = Json::parse(coca_vit_l_14);
  json[Json::json_pointer(pointer)] = value;
  return message_of([&] { parse(json); });
}

}  // namespace

TEST_CASE("coca_ViT-L-14, bare and as Hugging Face nests it") {
  const auto check = [](const ModelDescription& description) {
    const coca::CoCaConfig& model = coca_of(description);
    CHECK(model.embed_dim == 768);
    CHECK(model.vision.image_size == 224);
    CHECK(model.vision.patch_size == 14);
    CHECK(model.vision.width == 1024);
    CHECK(model.vision.layers == 24);
    CHECK(model.vision.heads == 16);
    CHECK(model.vision.mlp_width == 4096);
    CHECK(model.pooling.kind == Pooling::single);
    CHECK(model.pooling.queries == 256);
    CHECK(model.pooling.heads == 8);
    CHECK(model.text.context_length == 76);
    CHECK(model.text.heads == 12);
    CHECK(model.text.mlp_width == 3072);
    CHECK(model.text.pad_id == 0);
    CHECK(model.multimodal.mlp_width == 3072);
    CHECK(model.vision.activation == coca::Activation::gelu);
    CHECK(description.custom_text);
    CHECK(std::abs(model.init_logit_scale.value() - std::log(1 / 0.07)) <= 1e-15);
  };
  const Json bare = Json::parse(coca_vit_l_14);
  check(parse(bare));
  CHECK(parse(bare).preprocess.is_null());
  const Json nested = {{"model_cfg", bare}, {"preprocess_cfg", {{"mean", {0.5, 0.5, 0.5}}}}};
  check(parse(nested));
  CHECK(parse(nested).preprocess.at("mean").size() == 3);
  CHECK(coca::is_model_config(bare));
  CHECK(coca::is_model_config(nested));
  CHECK_FALSE(coca::is_model_config(Json::parse(R"({"architectures": ["CLIPModel"]})")));
}

TEST_CASE("where a file is silent OpenCLIP's defaults hold") {
  const ModelDescription description =
      parse(Json::parse(R"({"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}})"));
  REQUIRE(std::holds_alternative<coca::ClipConfig>(description.config));
  const auto& model = std::get<coca::ClipConfig>(description.config);
  CHECK(model.vision.image_size == 224);
  CHECK(model.vision.patch_size == 16);
  CHECK(model.vision.width == 768);
  CHECK(model.vision.layers == 12);
  CHECK(model.vision.heads == 12);
  CHECK(model.vision.mlp_width == 3072);
  CHECK_FALSE(model.vision.layer_scale);
  CHECK(model.text.context_length == 77);
  CHECK(model.text.vocab_size == 49408);
  CHECK(model.text.width == 512);
  CHECK(model.text.heads == 8);
  CHECK(model.text.layers == 12);
  CHECK(model.text.mlp_width == 2048);
  CHECK_FALSE(description.init_logit_bias.has_value());
}

TEST_CASE("all reference configurations are understood") {
  const std::string path = COCA_TEST_DATA "/variants/configs.json";
  const Json all = coca::read_json_file(path);
  REQUIRE(all.size() == 8);
  for (const auto& [name, json] : all.items()) {
    INFO(name);
    CHECK(message_of([&, &config = json] { parse(config); }) == "no error");
  }
  CHECK(coca_of(parse(all.at("coca_cascade"))).pooling.kind == Pooling::cascade);
  CHECK(coca_of(parse(all.at("coca_parallel"))).pooling.kind == Pooling::parallel);
  CHECK(coca_of(parse(all.at("coca_quick_gelu"))).text.activation == coca::Activation::quick_gelu);
  const coca::CoCaConfig scaled = coca_of(parse(all.at("coca_layer_scale")));
  CHECK(scaled.vision.layer_scale);
  CHECK(scaled.multimodal.layer_scale_init.value() == 0.1);
  CHECK(std::holds_alternative<coca::ClipConfig>(parse(all.at("clip_vit")).config));
  const coca::CoCaConfig stamps =
      coca_of(coca::read_model_description(COCA_SOURCE "/examples/models/stamps_coca/config.json"));
  CHECK(stamps.vision.heads == 3);
  CHECK(stamps.pooling.queries == 32);
}

TEST_CASE("where training starts is read") {
  Json json = Json::parse(coca_vit_l_14);
  json["init_logit_scale"] = 2.25;
  json["init_logit_bias"] = -7;
  json["vision_cfg"]["ls_init_value"] = 0.5;
  const ModelDescription model = parse(json);
  CHECK(coca_of(model).init_logit_scale.value() == 2.25);
  CHECK(coca_of(model).vision.layer_scale_init.value() == 0.5);
  CHECK_FALSE(coca_of(model).text.layer_scale);
  CHECK(model.init_logit_bias == -7);
  CHECK(contains(config_refusal("/init_logit_scale", 101), "init_logit_scale is out of range"));
}

TEST_CASE("a classifier is a configuration with a head and a number of classes") {
  const auto with = [](const Json& classifier) {
    return parse({{"model_cfg", Json::parse(coca_vit_l_14)}, {"classifier_cfg", classifier}});
  };
  using coca::ClassifierHead;
  CHECK_FALSE(parse(Json::parse(coca_vit_l_14)).classifier);
  CHECK(with({{"classes", 10}}).classifier == coca::ClassifierConfig{ClassifierHead::linear, 10});
  CHECK(with({{"classes", 2}, {"head", "pooler"}}).classifier ==
        coca::ClassifierConfig{ClassifierHead::pooler, 2});
  CHECK(message_of([&] {
          with({{"head", "pooler"}});
        }) == "x.json: classifier_cfg.classes is missing");
  CHECK(message_of([&] {
          with({{"classes", 1}});
        }) == "x.json: classifier_cfg.classes must be an integer from 2 to 1000000, not 1");
  CHECK(message_of([&] {
          with({{"classes", 3}, {"head", "mlp"}});
        }) == "x.json: classifier_cfg.head must be one of \"linear\", \"pooler\"");
  CHECK(contains(message_of([&] {
                   with({{"classes", 3}, {"dropout", 0.1}});
                 }),
                 "classifier_cfg.dropout is an unknown key"));
  CHECK(message_of([&] { with(3); }) == "x.json: classifier_cfg is not a JSON object");
}

TEST_CASE("poolers of a model without captions are refused, not dropped") {
  const Json clip = Json::parse(
      R"({"embed_dim": 512, "vision_cfg": {"attentional_pool": true}, "text_cfg": {}})");
  CHECK(message_of([&] { parse(clip); }) ==
        "x.json: vision_cfg.attentional_pool is set, which needs a multimodal_cfg");
}

TEST_CASE("configurations of both families come back as they were written") {
  const Json all = coca::read_json_file(COCA_TEST_DATA "/variants/configs.json");
  for (const auto& [name, json] : all.items()) {
    INFO(name);
    const coca::AnyConfig config = parse(json).config;
    const Json written = std::visit(
        [](const auto& c) { return Json::parse(coca::model_config_json(c).dump()); }, config);
    CHECK(parse(written).config == config);
  }
}

TEST_CASE("options of towers are read, and come back as they were written") {
  const Json all = coca::read_json_file(COCA_TEST_DATA "/towers/configs.json");
  REQUIRE(all.size() == 4);
  for (const auto& [name, json] : all.items()) {
    INFO(name);
    const coca::AnyConfig config = parse(json).config;
    std::visit([](const auto& c) { CHECK_FALSE(coca::missing_in_open_clip(c)); }, config);
    const Json written = std::visit(
        [](const auto& c) { return Json::parse(coca::model_config_json(c).dump()); }, config);
    CHECK(parse(written).config == config);
  }
  const auto clip = [&](const char* name) {
    return std::get<coca::ClipConfig>(parse(all.at(name)).config);
  };
  const coca::ClipConfig last = clip("mean_last"), eos = clip("mean_eos"),
                         first = clip("token_first");
  CHECK(last.pooling.kind == Pooling::mean);
  CHECK(last.pooling.final_ln_after_pool);
  CHECK(last.vision.no_ln_pre);
  CHECK(last.text.no_causal_mask);
  CHECK(last.text.pool_type == coca::TextPooling::last);
  CHECK(last.text.eos_id == 2);
  CHECK_FALSE(eos.pooling.final_ln_after_pool);
  CHECK(eos.vision.norm_epsilon.value() == 1e-2);
  CHECK(eos.vision.mlp_width == 96);
  CHECK(eos.text.pool_type == coca::TextPooling::eos);
  CHECK(eos.text.eos_id == 5);
  CHECK_FALSE(eos.text.no_causal_mask);
  CHECK(first.pooling.kind == Pooling::class_token);
  CHECK(first.vision.activation == coca::Activation::gelu_tanh);
  CHECK(first.text.pool_type == coca::TextPooling::first);
  CHECK(first.text.proj_bias);
}

TEST_CASE("options of a tower that OpenCLIP has no words for are named") {
  coca::ClipConfig config;
  CHECK_FALSE(coca::missing_in_open_clip(config));
  config.pooling.projection = false;
  CHECK(coca::missing_in_open_clip(config) == "image embeddings without projection");
  config.pooling.kind = Pooling::map_head;
  CHECK(coca::missing_in_open_clip(config) == "pooling by a MapHead");
  config.vision.class_token = false;
  CHECK(coca::missing_in_open_clip(config) == "an image encoder without class token");
  config.vision.patch_bias = true;
  CHECK(coca::missing_in_open_clip(config) == "a bias of the patch convolution");
  config = {};
  config.text.activation = coca::Activation::quick_gelu;
  CHECK(coca::missing_in_open_clip(config) == "another activation in each tower");
}

TEST_CASE("the tokenizer that a configuration names is known") {
  Json json = Json::parse(R"({"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}})");
  CHECK(parse(json).tokenizer == coca::NamedTokenizer{});
  json["text_cfg"]["hf_tokenizer_name"] = "bert-base-uncased";
  json["text_cfg"]["tokenizer_kwargs"] = {{"strip_sep_token", true}};
  CHECK(parse(json).tokenizer == coca::NamedTokenizer{"bert-base-uncased", true});
}

TEST_CASE("options that do not go together are refused") {
  const auto refusal = [](const char* text) {
    return message_of([&] { parse(Json::parse(text)); });
  };
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {}, "quick_gelu": true,
                    "text_cfg": {"act_kwargs": {"approximate": "tanh"}}})") ==
        "x.json: quick_gelu is true, which does not go together with act_kwargs");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {},
                    "text_cfg": {"pool_type": "eos", "eos_id": 49408}})") ==
        "x.json: text_cfg.eos_id is 49408, beyond the vocabulary of 49408");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {}, "text_cfg": {"pool_type": "none"}})") ==
        R"(x.json: text_cfg.pool_type must be one of "argmax", "eos", "first", "last")");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {"pool_type": "none"}, "text_cfg": {}})") ==
        R"(x.json: vision_cfg.pool_type must be "tok", "avg" or "map")");
  CHECK(contains(config_refusal("/vision_cfg/no_ln_pre", 1), "must be true or false"));
  CHECK(config_refusal("/vision_cfg/no_ln_pre", true) == "no error");
  CHECK(config_refusal("/vision_cfg/norm_kwargs", {{"eps", 1e-6}}) == "no error");
}

TEST_CASE("keys that change nothing are ignored") {
  for (const char* pointer :
       {"/vision_cfg/patch_dropout", "/vision_cfg/timm_pool", "/text_cfg/hf_proj_type",
        "/multimodal_cfg/dim_head", "/multimodal_cfg/n_queries", "/multimodal_cfg/mlp_ratio",
        "/multimodal_cfg/vocab_size", "/nonscalar_logit_scale"})
    CHECK(config_refusal(pointer, 3) == "no error");
  CHECK(config_refusal("/text_cfg/hf_model_name", nullptr) == "no error");
  CHECK(config_refusal("/vision_cfg/timm_model_name", "") == "no error");
  CHECK(config_refusal("/vision_cfg/no_ln_pre", false) == "no error");
  CHECK(config_refusal("/text_cfg/norm_kwargs", {{"eps", 1e-5}}) == "no error");
  CHECK(config_refusal("/text_cfg/norm_kwargs", Json::object()) == "no error");
  CHECK(config_refusal("/vision_cfg/image_size", {224, 224}) == "no error");
  CHECK(config_refusal("/init_logit_bias", -10) == "no error");
  CHECK(contains(config_refusal("/init_logit_bias", "x"), "init_logit_bias is out of range"));
}

TEST_CASE("keys that change the model are refused by name") {
  const std::vector<std::pair<const char*, Json>> changes = {
      {"/vision_cfg/timm_model_name", "convnext_base"},
      {"/vision_cfg/final_ln_after_pool", true},
      {"/vision_cfg/pool_type", "avg"},
      {"/vision_cfg/pos_embed_type", "sin_cos_2d"},
      {"/vision_cfg/norm_kwargs", {{"elementwise_affine", false}}},
      {"/vision_cfg/norm_kwargs", {{"eps", 0}}},
      {"/vision_cfg/act_kwargs", {{"approximate", "erf"}}},
      {"/vision_cfg/act_kwargs", {{"inplace", true}}},
      {"/vision_cfg/block_type", "custom"},
      {"/vision_cfg/qk_norm", true},
      {"/vision_cfg/scale_attn_inner", true},
      {"/vision_cfg/input_patchnorm", true},
      {"/text_cfg/hf_model_name", "roberta-base"},
      {"/text_cfg/hf_tokenizer_name", 3},
      {"/text_cfg/tokenizer_mode", "strict"},
      {"/text_cfg/final_ln_after_pool", true},
      {"/text_cfg/tokenizer_kwargs", {{"clean", "canonicalize"}}},
      {"/text_cfg/no_causal_mask", true},
      {"/text_cfg/pool_type", "last"},
      {"/text_cfg/proj_bias", true},
      {"/text_cfg/proj_type", "none"},
      {"/text_cfg/scale_fc", true},
      {"/logit_bias", -10},
      {"/pad_id", 1}};
  for (const auto& [pointer, value] : changes) {
    std::string key = std::string(pointer).substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    const std::string message = config_refusal(pointer, value);
    INFO(message);
    CHECK(message.starts_with("x.json: " + key + " is "));
    CHECK(message.ends_with(", which is not supported"));
  }
  CHECK(contains(config_refusal("/vision_cfg/layers", {3, 4, 6, 3}),
                 "vision_cfg.layers is a list, which means a ResNet"));
  CHECK(contains(config_refusal("/text_cfg/brand_new", 1), "text_cfg.brand_new is an unknown key"));
  CHECK(contains(config_refusal("/brand_new", 1), "x.json: brand_new is an unknown key"));
}

TEST_CASE("inconsistent parts are refused") {
  CHECK(config_refusal("/vision_cfg/patch_size", 15) ==
        "x.json: vision_cfg.patch_size is 15, which does not divide the image size 224");
  CHECK(config_refusal("/text_cfg/heads", 7) ==
        "x.json: text_cfg.width is 768, which 7 heads do not divide");
  CHECK(config_refusal("/multimodal_cfg/heads", 7) ==
        "x.json: multimodal_cfg.width is 768, which 7 heads do not divide");
  CHECK(config_refusal("/vision_cfg/head_width", 60) ==
        "x.json: vision_cfg.width is 1024, which 17 heads do not divide");
  CHECK(config_refusal("/vision_cfg/attn_pooler_heads", 7) ==
        "x.json: embed_dim is 768, which 7 heads of the attentional pooler do not divide");
  CHECK(contains(config_refusal("/vision_cfg/attn_pooler_queries", 1), "must be at least 2"));
  CHECK(contains(config_refusal("/text_cfg/width", 384),
                 "text_cfg.width is 384, but multimodal_cfg.width is "
                 "768; they must be equal"));
  CHECK(contains(config_refusal("/embed_dim", 512),
                 "embed_dim is 512, but with attentional pooling "
                 "multimodal_cfg.width is 768"));
  CHECK(
      contains(config_refusal("/vision_cfg/attentional_pool", false),
               "vision_cfg.width is 1024, but without attentional pooling multimodal_cfg.width is "
               "768"));
  CHECK(contains(config_refusal("/vision_cfg/attentional_pool", "mean"),
                 "must be true, false, \"parallel\" or \"cascade\""));
  CHECK(contains(config_refusal("/text_cfg/embed_cls", false), "text_cfg.embed_cls must be true"));
  CHECK(contains(config_refusal("/multimodal_cfg", nullptr),
                 "text_cfg.embed_cls is true, which needs"));
}

TEST_CASE("sizes are bounded and of the right type") {
  for (const Json& value : {Json(0), Json(-1), Json(1e9), Json(1LL << 40), Json("12"), Json(true),
                            Json::array({1, 2, 3})}) {
    CHECK(contains(config_refusal("/vision_cfg/width", value),
                   "vision_cfg.width must be an integer"));
    CHECK(
        contains(config_refusal("/text_cfg/layers", value), "text_cfg.layers must be an integer"));
    CHECK(contains(config_refusal("/embed_dim", value), "embed_dim must be an integer"));
  }
  CHECK(contains(config_refusal("/text_cfg/mlp_ratio", 0), "mlp_ratio leaves no width"));
  CHECK(contains(config_refusal("/text_cfg/mlp_ratio", -4), "text_cfg.mlp_ratio is out of range"));
  CHECK(contains(config_refusal("/vision_cfg/width", 32),
                 "vision_cfg.head_width is 64, more than the width"));
  CHECK(contains(config_refusal("/text_cfg/pad_id", 49408), "text_cfg.pad_id must be an integer"));
  CHECK(contains(config_refusal("/vision_cfg", 3), "vision_cfg is not a JSON object"));
  CHECK(contains(config_refusal("/text_cfg", nullptr), "text_cfg is missing"));
  CHECK(contains(message_of([] { parse(Json::parse("[]")); }),
                 "the configuration is not a JSON object"));
  CHECK(contains(message_of([] { parse(Json::parse(R"({"vision_cfg": {}})")); }),
                 "embed_dim is missing"));
  Json fractional = Json::parse(coca_vit_l_14);
  fractional["vision_cfg"]["mlp_ratio"] = 4.3637;
  CHECK(coca_of(parse(fractional)).vision.mlp_width == 4468);
}

namespace {

/// The configuration that is read from what is written of one.
template <class Config>
coca::AnyConfig round_trip(const Config& config) {
  return parse(Json::parse(coca::model_config_json(config).dump())).config;
}

}  // namespace

TEST_CASE("every option of a tower has a key, and comes back as it was written") {
  using coca::Activation;
  coca::ClipConfig clip;
  clip.embed_dim = clip.vision.width;
  const auto check = [](const auto& config) {
    CHECK(coca::missing_in_open_clip(config));
    CHECK(round_trip(config) == coca::AnyConfig(config));
  };
  const auto check_clip = [&](auto change) {
    coca::ClipConfig config = clip;
    change(config);
    check(config);
  };
  check_clip([](auto& c) { c.vision.patch_bias = true; });
  check_clip([](auto& c) { c.vision.class_token = false, c.pooling.kind = Pooling::mean; });
  check_clip([](auto& c) { c.pooling.kind = Pooling::map_head; });
  check_clip([](auto& c) { c.pooling.projection = false; });
  for (const auto& choice : coca::choices_of(Activation{})) {
    INFO(choice.name);
    check_clip([&](auto& c) { c.vision.activation = choice.value, c.text.activation = Activation::relu; });
  }
  check_clip([](auto& c) {  // SigLIP's
    c.vision.patch_bias = true;
    c.vision.class_token = false;
    c.vision.no_ln_pre = true;
    c.vision.norm_epsilon = 1e-6;
    c.vision.activation = c.text.activation = Activation::gelu_tanh;
    c.vision.mlp_width = 4304;
    c.pooling = {.kind = Pooling::map_head, .projection = false};
    c.text.context_length = 64;
    c.text.no_causal_mask = true;
    c.text.pool_type = coca::TextPooling::last;
    c.text.proj_bias = true;
  });

  const auto check_coca = [&](auto change) {
    coca::CoCaConfig config = coca::presets::coca_vit_b_32;
    change(config);
    check(config);
  };
  check_coca([](auto& c) { c.text.correct_cls_mask = true; });
  check_coca([](auto& c) { c.multimodal.design = coca::MultimodalDesign::paper; });
  check_coca([](auto& c) { c.multimodal.mlp_width = 1000; });
  check_coca([](auto& c) { c.multimodal.activation = Activation::quick_gelu; });
  check_coca([](auto& c) { c.vision.activation = Activation::silu; });
  CHECK(round_trip(coca::presets::paper_coca_base) ==
        coca::AnyConfig(coca::presets::paper_coca_base));
}

TEST_CASE("keys of this library are refused where they have no meaning") {
  const auto refusal = [](const char* text) {
    return message_of([&] { parse(Json::parse(text)); });
  };
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {"class_token": false}, "text_cfg": {}})") ==
        R"(x.json: vision_cfg.class_token is false, which needs pool_type "avg" or "map")");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {"proj_type": "none"}, "text_cfg": {}})") ==
        R"(x.json: vision_cfg.proj_type is "none", which needs a vision_cfg.width of 512, the )"
        "embed_dim, not 768");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {"proj_type": "mlp"}, "text_cfg": {}})") ==
        R"(x.json: vision_cfg.proj_type must be "linear" or "none")");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {}, "text_cfg": {"act_layer": "mish"}})") ==
        "x.json: text_cfg.act_layer must be one of \"none\", \"gelu\", \"quick_gelu\", "
        "\"gelu_tanh\", \"relu\", \"silu\", \"tanh\", \"sigmoid\"");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {}, "quick_gelu": true,
                    "text_cfg": {"act_layer": "relu"}})") ==
        "x.json: quick_gelu is true, which does not go together with act_layer");
  CHECK(refusal(R"({"embed_dim": 512, "vision_cfg": {}, "text_cfg": {"act_layer": "relu",
                    "act_kwargs": {"approximate": "tanh"}}})") ==
        "x.json: text_cfg.act_layer is given, which does not go together with act_kwargs");
  CHECK(contains(config_refusal("/vision_cfg/proj_type", "none"), "which is not supported"));
  CHECK(contains(config_refusal("/multimodal_cfg/design", "other"),
                 R"(must be one of "open_clip", "paper")"));
  CHECK(contains(config_refusal("/multimodal_cfg/mlp_width", 0), "must be an integer"));
  CHECK(config_refusal("/multimodal_cfg/act_layer", "quick_gelu") == "no error");
}

TEST_CASE("a text has room for its start and end token") {
  CHECK(config_refusal("/text_cfg/context_length", 1) ==
        "x.json: text_cfg.context_length must be an integer from 2 to 65536, not 1");
  CHECK(config_refusal("/text_cfg/context_length", 2) == "no error");
}
