#include "coca/pipelines/misfits.hpp"

#include <filesystem>
#include <string>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/pipelines/load.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/hollow.hpp"
#include "pipelines/plain.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::message_of;

TEST_CASE("misfits: none of a model's own checkpoint") {
  const CoCa<coca::testing::plain, Reference<float>> model;
  const Checkpoint checkpoint = coca::testing::variant_weights("coca_plain");
  CHECK(find_misfits(model, checkpoint).empty());
  CHECK(tensor_shapes(model) == tensor_shapes(checkpoint));
}

TEST_CASE("misfits: the cause first, then the preset that fits, then every tensor") {
  const coca_test::TemporaryFolder folder;
  using ClipB32 = Clip<presets::clip_vit_b_32, Reference<float>>;
  const Checkpoint weights = coca::testing::hollow<ClipB32>(folder);
  Clip<coca::testing::plain_clip, Reference<float>> model;
  const Misfits misfits = find_misfits(model, weights);
  CHECK(misfits.missing.empty());
  CHECK(misfits.unexpected.size() == 240);
  CHECK(misfits.misshapen.size() == 61);

  const std::string message = message_of([&] { load_weights(model, weights); });
  CHECK(message.starts_with(
      folder.path("hollow.safetensors") +
      ": the weights do not fit this model; unexpected tensors: 240 "
      "(transformer.resblocks.10.attn.in_proj_bias, "
      "transformer.resblocks.10.attn.in_proj_weight, "
      "transformer.resblocks.10.attn.out_proj.bias and 237 more), of another shape: 61 "
      "(visual.conv1.weight, visual.class_embedding, visual.positional_embedding and 58 more)\n"
      "Their sizes are those of the preset clip_vit_b_32.\n  unexpected: "));
  for (const Misfits::Tensor& tensor : misfits.unexpected)
    CHECK(contains(message, "\n  unexpected: " + tensor.name + " ["));
  CHECK(contains(message, "\n  unexpected: visual.transformer.resblocks.11.ln_1.weight [768]\n"));
  CHECK(contains(message,
                 "\n  of another shape: visual.conv1.weight is [768, 3, 32, 32], expected "
                 "[48, 3, 8, 8]\n"));
}

TEST_CASE("misfits: if no preset has the sizes, a configuration with its guesses comes last") {
  Clip<coca::testing::plain_clip, Reference<float>> model;
  const std::string message =
      message_of([&] { load_weights(model, coca::testing::variant_weights("coca_plain")); });
  const std::size_t end = message.find("\nHeads, activations");
  REQUIRE(end != std::string::npos);
  CHECK(message.substr(end).starts_with(
      "\nHeads, activations and what else is marked leave no trace in a checkpoint and are "
      "guessed:\ninline constexpr coca::CoCaConfig my_model{\n"));
  CHECK(message.rfind("\n  unexpected: ") < end);
  CHECK(contains(message.substr(end), ".heads = /*guessed*/ 1, "));
  CHECK(message.ends_with("};\n"));
}

TEST_CASE("misfits: if one tensor is odd, no other model is named") {
  const Checkpoint checkpoint =
      coca::testing::variant_weights("coca_plain")
          .renamed([](const std::string& name) -> std::optional<std::string> {
            if (name == "text_decoder.ln_final.bias") return std::nullopt;
            return name;
          });
  CoCa<coca::testing::plain, Reference<float>> model;
  const std::string message = message_of([&] { load_weights(model, checkpoint); });
  CHECK(
      message.ends_with(": the weights do not fit this model; missing tensors: 1 "
                        "(text_decoder.ln_final.bias)\nAll others fit.\n"
                        "  missing: text_decoder.ln_final.bias [32]"));
}

TEST_CASE("misfits: missing tensors do not imply another model") {
  const auto without = [](const std::string& beginning) {
    return coca::testing::variant_weights("coca_plain")
        .renamed([&](const std::string& name) -> std::optional<std::string> {
          if (name.starts_with(beginning)) return std::nullopt;
          return name;
        });
  };
  CoCa<coca::testing::plain, Reference<float>> model;
  for (const char* gone : {"visual.conv1", "text_decoder.", "text.transformer.resblocks.1."}) {
    const std::string message = message_of([&] { load_weights(model, without(gone)); });
    CHECK(contains(message, "\nAll others fit.\n  missing: "));
    CHECK(!contains(message, "my_model"));
  }
}

TEST_CASE("misfits: a file of something else") {
  CoCa<coca::testing::plain, Reference<float>> model;
  const std::string message = message_of([&] { load_weights(model, Checkpoint("other", {})); });
  CHECK(message.starts_with("other: the weights do not fit this model; missing tensors: "));
  CHECK(contains(message, "\nThey are not those of a CoCa or CLIP with a vision transformer.\n"));
}
