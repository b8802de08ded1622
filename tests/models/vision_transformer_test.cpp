#include "coca/models/vision_transformer.hpp"

#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Near = Reference<float>;

}  // namespace

TEST_CASE("The vision transformer encodes each picture independently", "[vision_transformer]") {
  const auto model = model_of<CoCa<plain, Near>>(variant_weights("coca_plain"));
  const auto& encoder = model.image_encoder();
  Context<Near> context;
  const auto pixels = device_rows(context, variant("coca_plain"), "x.image", 3);
  const auto together = encoder(context, pixels);
  CHECK(together.shape() == Shape{3, 17, 48});
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(first_difference(context.to_host(encoder(context, pixels.slice(i, 1))),
                           context.to_host(together.slice(i, 1)), 1e-6) == "");
}

TEST_CASE("The vision transformer knows its sizes and refuses others", "[vision_transformer]") {
  const VisionTransformer<Near> encoder(plain.vision);
  CHECK(encoder.image_size == 32);
  CHECK(encoder.tokens == 17);
  CHECK(encoder.width == 48);
  Context<Near> context;
  const auto wrong = context.to_device(std::vector<float>(3 * 16 * 32), Shape{1, 3, 16, 32});
  CHECK_THROWS_WITH(encoder(context, wrong), "pixels: got [1, 3, 16, 32], expected [1, 3, 32, 32]");
}

TEST_CASE("The vision transformer's parameters are called as OpenCLIP calls them",
          "[vision_transformer]") {
  const VisionTransformer<Near> encoder(plain.vision);
  std::vector<std::string> paths;
  for_each_parameter(encoder, [&](const auto& parameter) { paths.push_back(parameter.path()); });
  CHECK(paths.size() == 5 + 2 * 12);
  CHECK(paths[0] == "visual.conv1.weight");
  CHECK(paths[3] == "visual.ln_pre.weight");
  CHECK(paths.back() == "visual.transformer.resblocks.1.mlp.c_proj.bias");
  CHECK(count_parameters(encoder) == parameter_count(plain.vision));
}
