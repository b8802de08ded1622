#include "coca/pipelines/inferred_config.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/load.hpp"
#include "io/safetensors_bytes.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca_test::contains;

namespace {

// A checkpoint with a model's names and shapes: a file that is a header and a hole.
template <class Model>
Checkpoint hollow(const coca_test::TemporaryFolder& folder) {
  const Model model;
  Json header = Json::object();
  std::uint64_t end = 0;
  for_each_parameter(model, [&](const auto& parameter) {
    Json shape = Json::array();
    for (std::size_t axis = 0; axis < parameter.shape().rank(); ++axis)
      shape.push_back(parameter.shape()[axis]);
    const std::uint64_t begin = end;
    end += 4 * parameter.shape().size();
    header[parameter.path()] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, end}}};
  });
  const std::string bytes = coca_test::safetensors_bytes(header.dump(), "");
  const std::string path = folder.write("hollow.safetensors", bytes);
  std::filesystem::resize_file(path, bytes.size() + end);
  return read_safetensors(path);
}

}  // namespace

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
  CHECK(fitting_config_sentence(clip) == "They fit the preset clip_vit_b_32.");
  const auto coca_model = hollow<CoCa<presets::coca_vit_b_32, Reference<float>>>(folder);
  CHECK(fitting_config_sentence(coca_model) == "They fit the preset coca_vit_b_32.");
}

TEST_CASE("inferred configuration: a model that does not fit names the preset that does") {
  const coca_test::TemporaryFolder folder;
  const auto weights = hollow<Clip<presets::clip_vit_b_32, Reference<float>>>(folder);
  Clip<coca::testing::plain_clip, Reference<float>> model;
  const std::string message = coca_test::message_of([&] { load_weights(model, weights); });
  CHECK(contains(message, folder.path("hollow.safetensors") +
                              ": the weights do not fit this model. They fit the preset "
                              "clip_vit_b_32.\n"));
  CHECK(contains(message,
                 "\n  wrong shape: visual.conv1.weight is [768, 3, 32, 32], expected "
                 "[48, 3, 8, 8]"));
  CHECK(contains(message, "\n  unexpected: visual.transformer.resblocks.11.ln_1.weight [768]"));
}

TEST_CASE("inferred configuration: says which configuration would fit where no preset does") {
  const std::string sentence =
      fitting_config_sentence(coca::testing::variant_weights("coca_plain"));
  CHECK(contains(sentence,
                 "They fit no preset; this configuration would (numbers of heads are a "
                 "guess):\ninline constexpr coca::CoCaConfig my_model{\n"
                 "    .embed_dim = 32,\n"
                 "    .vision = {.image_size = 32, .patch_size = 8, .width = 48, "
                 ".layers = 2, "));
  CHECK(contains(sentence, ".queries = 9, "));
}

TEST_CASE("inferred configuration: none of other tensors") {
  const Checkpoint other("other", {});
  CHECK_FALSE(infer_config(other).has_value());
  CHECK(fitting_config_sentence(other) ==
        "They are not those of a CoCa or CLIP with a vision transformer.");
}
