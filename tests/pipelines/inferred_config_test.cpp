#include "coca/pipelines/inferred_config.hpp"

#include <string>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/hollow.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca::testing::hollow;
using coca_test::contains;

TEST_CASE("inferred configuration: shapes of the variants") {
  const Json all = coca::testing::read_test_json("variants/configs.json");
  for (const auto& [name, json] : all.items()) {
    INFO(name);
    const auto inferred = infer_config(coca::testing::variant_weights(name));
    REQUIRE(inferred.has_value());
    const AnyConfig expected = to_config(parse_model_description(json, name));
    CHECK(has_shapes_of(*inferred, expected));
    CHECK_FALSE(has_shapes_of(*inferred, presets::clip_vit_b_32));
    CHECK_FALSE(has_shapes_of(*inferred, presets::coca_vit_b_32));
  }
}

TEST_CASE("inferred configuration: of the small trained model") {
  const auto inferred =
      infer_config(open_checkpoint(coca::testing::stamps_folder + "/model.safetensors"));
  REQUIRE(inferred.has_value());
  CHECK(has_shapes_of(*inferred, coca::testing::stamps_coca));
  CHECK_FALSE(has_shapes_of(*inferred, coca::testing::plain));
}

TEST_CASE("inferred configuration: names the preset that fits") {
  const coca_test::TemporaryFolder folder;
  const auto clip = hollow<Clip<presets::clip_vit_b_32, Reference<float>>>(folder);
  CHECK(preset_with_shapes(infer_config(clip).value()) == "clip_vit_b_32");
  const auto coca_model = hollow<CoCa<presets::coca_vit_b_32, Reference<float>>>(folder);
  CHECK(preset_with_shapes(infer_config(coca_model).value()) == "coca_vit_b_32");
}

TEST_CASE("inferred configuration: marks what is guessed") {
  const auto inferred = infer_config(coca::testing::variant_weights("coca_plain"));
  REQUIRE(inferred.has_value());
  CHECK_FALSE(preset_with_shapes(*inferred).has_value());
  const std::string definition = guessed_config_definition(*inferred, "my_model");
  CHECK(contains(definition,
                 "inline constexpr coca::CoCaConfig my_model{\n"
                 "    .embed_dim = 32,\n"
                 "    .vision = {.image_size = 32, .patch_size = 8, .width = 48, "
                 ".layers = 2, .heads = /*guessed*/ 1, .mlp_width = 192, "
                 ".activation = /*guessed*/ coca::Activation::gelu, "));
  CHECK(contains(definition, ".queries = 9, .heads = /*guessed*/ "));
  CHECK(contains(definition, ".pad_id = /*guessed*/ 0, .correct_cls_mask = /*guessed*/ false"));
}

TEST_CASE("inferred configuration: names with a common prefix") {
  const Checkpoint plain = coca::testing::variant_weights("coca_plain");
  const Checkpoint wrapped = plain.renamed(
      [](const std::string& name) { return std::optional<std::string>("model." + name); });
  CHECK(infer_config(wrapped) == infer_config(plain));
}

TEST_CASE("inferred configuration: none of other tensors") {
  const Checkpoint other("other", {});
  CHECK_FALSE(infer_config(other).has_value());
}

TEST_CASE("inferred configuration: a projection that is lost is not one that never was") {
  const auto without = [](const char* name, const Checkpoint& checkpoint) {
    return checkpoint.renamed([name](const std::string& each) {
      return each == name ? std::nullopt : std::optional(each);
    });
  };
  const Checkpoint stamps =
      open_checkpoint(coca::testing::stamps_folder + "/model.safetensors");
  const auto inferred = infer_config(without("visual.proj", stamps));
  REQUIRE(inferred.has_value());
  CHECK(has_shapes_of(*inferred, coca::testing::stamps_coca));

  // Of a CLIP only the width of the texts' embeddings shows it.
  const Checkpoint clip = coca::testing::variant_weights("clip_vit");
  const auto lost = infer_config(without("visual.proj", clip));
  REQUIRE(lost.has_value());
  CHECK(*lost == infer_config(clip).value());
}
