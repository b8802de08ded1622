#include "coca/models/clip.hpp"

#include "models/variants.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

template <ClipConfig config>
void check_clip(const std::string& name) {
  CHECK(described_config(name) == AnyConfig(config));
  check_outputs<Clip<config, Reference<float>>>(name);
  check_outputs<Clip<config, Remote>>(name);
  for (const GemmKind kind : gemm_kinds()) {
    INFO(to_string(kind));
    check_outputs<Clip<config, Cpu<float>>>(name, Cpu<float>(CpuOptions{.gemm = kind}));
  }
}

}  // namespace

TEST_CASE("CLIP computes what OpenCLIP computes", "[clip]") { check_clip<plain_clip>("clip_vit"); }

TEST_CASE("CLIP with QuickGELU computes what OpenCLIP computes", "[clip]") {
  check_clip<quick_gelu_clip_variant>("clip_vit_quick_gelu");
}

TEST_CASE("CLIP gives no caption tokens", "[clip]") {
  using Model = Clip<plain_clip, Reference<float>>;
  const auto model = model_of<Model>(variant_weights("clip_vit"));
  Context<Reference<float>> context;
  const Checkpoint file = variant("clip_vit");
  const auto image = model.encode_image(context, device_rows(context, file, "x.image", 2));
  CHECK_FALSE(image.tokens);
  CHECK(image.pooled.shape() == Shape{2, 32});
  CHECK_FALSE(model.encode_text(context, tokens_of(file, "x.text", 2)).tokens);
  CHECK(Model::image_size == 32);
  CHECK(Model::embed_dim == 32);
  CHECK(Model::context_length == 15);
  CHECK(Model::vocab_size == 512);
}
