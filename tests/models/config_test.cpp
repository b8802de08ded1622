#include "coca/models/config.hpp"

#include "catch.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

// What is constexpr about a configuration is what the model made of it has.
template <CoCaConfig config>
void check_count() {
  const CoCa<config, Reference<float>> model;
  CHECK(count_parameters(model) == parameter_count(config));
  CHECK(model.pooler().tokens == coca::detail::size(config.caption_tokens()));
  CHECK(model.pooler().width == coca::detail::size(config.caption_width()));
  CHECK(model.image_encoder().tokens == coca::detail::size(config.vision.tokens()));
}

}  // namespace

TEST_CASE("parameter_count counts what a model has", "[config]") {
  check_count<plain>();
  check_count<layer_scale_variant>();
  check_count<parallel_variant>();
  check_count<cascade_variant>();
  check_count<class_token_config>();
  check_count<paper_config>();
  check_count<paper_layer_scale_config>();
  CHECK(count_parameters(Clip<plain_clip, Reference<float>>()) == parameter_count(plain_clip));
}

TEST_CASE("A parallel pooler over a wider encoder is counted with the encoder's width",
          "[config]") {
  constexpr CoCaConfig wide = [] {
    CoCaConfig config = plain;
    config.pooling.kind = Pooling::parallel;
    return config;
  }();
  check_count<wide>();
}

TEST_CASE("Caption tokens follow from the pooling", "[config]") {
  CHECK(plain.caption_tokens() == 8);
  CHECK(plain.caption_width() == 32);
  CHECK(parallel_variant.caption_tokens() == 9);
  CHECK(cascade_variant.caption_tokens() == 9);
  CHECK(class_token_config.caption_tokens() == 16);
  CoCaConfig wide = plain;
  wide.pooling.kind = Pooling::class_token;
  CHECK(wide.caption_width() == 48);
  CHECK(plain.vision.tokens() == 17);
}

TEST_CASE("Configurations are equal if all of their values are", "[config]") {
  CHECK(plain == plain);
  CHECK(plain != quick_gelu_variant);
  CHECK(plain != layer_scale_variant);
  CHECK(plain != correct_cls_mask_config);
  CHECK(cascade_variant != paper_config);
}

TEST_CASE("Cache bytes and operations follow from the sizes", "[config]") {
  // Two layers of 32 keys and 32 values in each decoder.
  CHECK(kv_cache_bytes(plain, 1) == 2 * (2 * 32 + 2 * 32) * 4);
  CHECK(kv_cache_bytes(plain, 10, 2) == 10 * 2 * (2 * 32 + 2 * 32) * 2);
  VisionConfig one{
      .image_size = 8, .patch_size = 8, .width = 4, .layers = 1, .heads = 1, .mlp_width = 16};
  // One patch: 2 * 4 * 192; two tokens: 2 * 2 * (4 * 16 + 2 * 4 * 16) and 4 * 2 * 2 * 4.
  CHECK(encode_image_flops(one) == 1536 + 768 + 64);
}
