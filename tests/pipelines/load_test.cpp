#include "coca/pipelines/load.hpp"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/io/zip_archive.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/plain.hpp"

using namespace coca;
using coca::testing::first_difference;
using coca::testing::plain;
using coca::testing::plain_clip;
using coca::testing::variant;
using coca::testing::variant_weights;
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

using Plain = CoCa<plain, Reference<float>>;
using PlainClip = Clip<plain_clip, Reference<float>>;

const std::string containers = std::string(COCA_TEST_DATA) + "/checkpoints/";

Tokens texts() {
  const auto ids = variant("coca_plain").read_int64("x.text");
  return {{ids.begin(), ids.end()}, 4, 15};
}

template <class Model>
std::vector<float> image_embeddings(const Model& model) {
  Context<Reference<float>> context;
  const auto pixels =
      context.to_device(variant("coca_plain").read_floats("x.image"), Shape{4, 3, 32, 32});
  return context.to_host(model.encode_image(context, pixels).embedding);
}

// Of the checkpoint's four pictures and texts.
std::vector<float> caption_logits(const Plain& model) {
  Context<Reference<float>> context;
  const auto pixels =
      context.to_device(variant("coca_plain").read_floats("x.image"), Shape{4, 3, 32, 32});
  const auto image = model.encode_image(context, pixels);
  return context.to_host(model.caption_logits(context, image.tokens, texts()));
}

template <class Model>
std::vector<float> text_embeddings(const Model& model) {
  Context<Reference<float>> context;
  return context.to_host(model.encode_text(context, texts()).embedding);
}

// A checkpoint whose tensor `name` has another shape, over the same bytes.
Checkpoint reshaped(const Checkpoint& checkpoint, const std::string& name, const Shape& shape) {
  Checkpoint::Tensors tensors;
  for (const std::string& each : checkpoint.names()) tensors.emplace(each, checkpoint.tensor(each));
  StoredTensor& tensor = tensors.at(name);
  tensor.shape = shape;
  tensor.strides = contiguous_strides(shape);
  return Checkpoint("reshaped", std::move(tensors));
}

// A checkpoint whose tensor `name` ends with `value`.
Checkpoint with_last(const Checkpoint& checkpoint, const std::string& name, float value) {
  Checkpoint::Tensors tensors;
  for (const std::string& each : checkpoint.names()) tensors.emplace(each, checkpoint.tensor(each));
  std::vector<float> values = checkpoint.read_floats(name);
  values.back() = value;
  std::vector<std::byte> memory(values.size() * sizeof(float));
  std::memcpy(memory.data(), values.data(), memory.size());
  StoredTensor& tensor = tensors.at(name);
  tensor = {DType::F32, tensor.shape, contiguous_strides(tensor.shape), 0,
            std::make_shared<const StoredBytes>(std::move(memory))};
  return Checkpoint("spoiled", std::move(tensors));
}

}  // namespace

TEST_CASE("load: every container gives OpenCLIP's model") {
  if (!ZipArchive::available) return;
  const Checkpoint expected = variant("coca_plain");
  const struct {
    const char* name;
    double tolerance;  // of embeddings; what the element type has lost
  } files[]{
      {"state_dict.pt", 2e-6},     {"strided_views.pt", 2e-6}, {"training_checkpoint.pt", 2e-6},
      {"legacy_not_zip.pt", 2e-6}, {"half.bin", 2e-3},         {"bfloat16.bin", 2e-2}};
  for (const auto& file : files) {
    INFO(file.name);
    const Plain model = load<Plain>(containers + file.name);
    CHECK(first_difference(image_embeddings(model), expected.read_floats("y.image_features"),
                           file.tolerance) == "");
    CHECK(first_difference(text_embeddings(model), expected.read_floats("y.text_features"),
                           file.tolerance) == "");
    CHECK(first_difference(caption_logits(model), expected.read_floats("y.logits"),
                           10 * file.tolerance) == "");
  }
}

TEST_CASE("load: a pickle that calls something is refused") {
  if (!ZipArchive::available) return;
  const std::string message = message_of([] { load<Plain>(containers + "malicious.pt"); });
  CHECK(contains(message, "malicious.pt: "));
  CHECK(contains(message, "posix.system"));
  CHECK_FALSE(std::filesystem::exists("/tmp/pickle_was_executed"));
}

TEST_CASE("load: what was saved, in three element types") {
  const TemporaryFolder folder;
  Plain model;
  load_weights(model, variant_weights("coca_plain"));
  const std::vector<float> before = image_embeddings(model);
  for (const DType dtype : {DType::F32, DType::F16, DType::BF16}) {
    const std::string path = folder.path("saved.safetensors");
    save_weights(model, path, dtype);
    const Plain again = load<Plain>(path);
    const double tolerance = dtype == DType::F32 ? 0 : dtype == DType::F16 ? 2e-3 : 2e-2;
    CHECK(first_difference(image_embeddings(again), before, tolerance) == "");
    CHECK(count_parameters(again) == parameter_count(plain));
  }
  CHECK(folder.count() == 1);
  CHECK(contains(message_of([&] { save_weights(model, folder.path("none/x.safetensors")); }),
                 "none/x.safetensors"));
}

TEST_CASE("load: missing, unexpected and misshapen tensors are all named, and the file") {
  Checkpoint checkpoint = variant_weights("coca_plain")
                              .renamed([](const std::string& name) -> std::optional<std::string> {
                                if (name == "text.cls_emb") return std::nullopt;
                                if (name == "text.ln_final.bias") return "text.surprise";
                                return name;
                              });
  checkpoint = reshaped(checkpoint, "text.ln_final.weight", Shape{16, 2});
  Plain model;
  CHECK(message_of([&] { load_weights(model, checkpoint); }) ==
        "reshaped: the weights do not fit this model; missing tensors: 2 (text.cls_emb, "
        "text.ln_final.bias), unexpected: 1 (text.surprise), of another shape: 1 "
        "(text.ln_final.weight)\n"
        "All others fit.\n"
        "  missing: text.cls_emb [32]\n"
        "  missing: text.ln_final.bias [32]\n"
        "  unexpected: text.surprise [32]\n"
        "  of another shape: text.ln_final.weight is [16, 2], expected [32]");
  CHECK_THROWS_AS(load_weights(model, checkpoint), FileError);
}

TEST_CASE("load: another model's checkpoint is refused with the configuration that fits") {
  PlainClip model;
  const std::string message =
      message_of([&] { load_weights(model, variant_weights("coca_plain")); });
  CHECK(contains(message,
                 "\nTheir sizes are those of no preset; a configuration for them is at the "
                 "end.\n  unexpected: "));
  CHECK(contains(message, "inline constexpr coca::CoCaConfig my_model{"));
}

TEST_CASE("load: numbers that are not finite are refused with file and tensor") {
  const Checkpoint stored = variant_weights("coca_plain");
  // One number of each way in which parameters are stored, the last so that all is looked at.
  for (const std::string name :
       {"logit_scale", "visual.proj", "text.token_embedding.weight", "visual.ln_pre.bias",
        "visual.conv1.weight", "text.transformer.resblocks.1.attn.in_proj_weight"}) {
    for (const float value :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
          std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
      INFO(name << " " << value);
      Plain model;
      CHECK(message_of([&] { load_weights(model, with_last(stored, name, value)); }) ==
            "spoiled: tensor \"" + name + "\" holds NaN or infinity");
    }
    Plain model;
    const float largest = std::numeric_limits<float>::max();
    CHECK(message_of([&] { load_weights(model, with_last(stored, name, -largest)); }) ==
          "no error");
  }
  Plain model;
  CHECK_THROWS_AS(load_weights(model, with_last(stored, "logit_scale", std::nanf(""))), FileError);
}

TEST_CASE("load: a common prefix of all names is removed") {
  const Checkpoint stored = variant_weights("coca_plain");
  Plain expected;
  load_weights(expected, stored);
  for (const std::string prefix : {"model.", "module.", "lightning._orig_mod.model."}) {
    INFO(prefix);
    const auto wrap = [&](const std::string& name) { return std::optional(prefix + name); };
    Plain model;
    load_weights(model, stored.renamed(wrap));
    CHECK(first_difference(image_embeddings(model), image_embeddings(expected), 0) == "");
    // What then does not fit has the names that models know.
    const auto without_one = [&](const std::string& name) {
      return name == "visual.proj" ? std::nullopt : wrap(name);
    };
    CHECK(contains(message_of([&] { load_weights(model, stored.renamed(without_one)); }),
                   "the weights do not fit this model; missing tensors: 1 (visual.proj)\n"));
  }
  const auto tower = [](const std::string& name) {
    return name.starts_with("visual.") ? std::optional(name) : std::nullopt;
  };
  Plain model;  // "visual." is not a wrapper
  CHECK_FALSE(
      contains(message_of([&] { load_weights(model, stored.renamed(tower)); }), "unexpected"));
}

TEST_CASE("load: a temperature stored as one number of one axis") {
  const Checkpoint stored = variant_weights("coca_plain");
  REQUIRE(stored.tensor("logit_scale").shape == Shape{});
  Plain model;
  load_weights(model, reshaped(stored, "logit_scale", Shape{1}));
  Context<Reference<float>> context;
  CHECK(context.to_host(model.logit_scale()) == stored.read_floats("logit_scale"));
}

TEST_CASE("load: CLIP's text tower with and without the prefix of OpenCLIP's custom_text") {
  for (const char* prefix : {"", "text."}) {
    INFO("prefix \"" << prefix << '"');
    PlainClip model;
    load_weights(model, variant_weights("clip_vit", prefix));
    const Checkpoint expected = variant("clip_vit");
    Context<Reference<float>> context;
    const auto ids = expected.read_int64("x.text");
    const Tokens tokens{{ids.begin(), ids.end()}, 4, 15};
    CHECK(first_difference(context.to_host(model.encode_text(context, tokens).embedding),
                           expected.read_floats("y.text_features"), 2e-6) == "");
  }
}

TEST_CASE("load: buffers in addition to the weights do not matter") {
  const Checkpoint stored = variant_weights("clip_vit");
  Checkpoint::Tensors tensors;
  for (const std::string& name : stored.names()) tensors.emplace(name, stored.tensor(name));
  for (const char* name : {"attn_mask", "text.attn_mask", "input_resolution", "context_length",
                           "vocab_size", "text.embeddings.position_ids"})
    tensors.emplace(name, stored.tensor("logit_scale"));
  PlainClip model;
  CHECK(message_of([&] { load_weights(model, Checkpoint("buffers", tensors)); }) == "no error");
}

TEST_CASE("load: a Hugging Face folder") {
  const TemporaryFolder folder;
  Plain model;
  load_weights(model, variant_weights("coca_plain"));
  save_weights(model, folder.path("open_clip_model.safetensors"));
  const Json configs = read_json_file(std::string(COCA_TEST_DATA) + "/variants/configs.json");
  folder.write("open_clip_config.json", Json{{"model_cfg", configs.at("coca_plain")}}.dump());
  CHECK(first_difference(image_embeddings(load<Plain>(folder.path())), image_embeddings(model),
                         0) == "");
  CHECK(contains(message_of([&] { load<Plain>(folder.path("nothing.safetensors")); }),
                 "nothing.safetensors: "));
}

TEST_CASE("load: a path that the system refuses is an error like any other") {
  const std::string message = message_of([] { load<Plain>(std::string(5000, 'x')); });
  CHECK(contains(message, "xxx"));
  CHECK(contains(message, ": cannot be opened: "));
}

TEST_CASE("load: positions for pictures of another size, only on request") {
  constexpr auto larger = [] {
    CoCaConfig config = plain;
    config.vision.image_size = 48;
    return config;
  }();
  CoCa<larger, Reference<float>> model;
  const Checkpoint checkpoint = variant_weights("coca_plain");
  CHECK(
      contains(message_of([&] { load_weights(model, checkpoint); }),
               "\n  of another shape: visual.positional_embedding is [17, 48], expected [37, 48]"));
  CHECK(contains(message_of([&] { load_weights(model, checkpoint); }), "--interpolate-positions"));
  load_weights(model, checkpoint, {.interpolate_positions = true});
  const TemporaryFolder folder;
  save_weights(model, folder.path("larger.safetensors"));
  const Checkpoint saved = open_checkpoint(folder.path("larger.safetensors"));
  const WeightSource expected =
      interpolated_positions(checkpoint.source("visual.positional_embedding"), Shape{37, 48});
  std::vector<float> values(expected.shape.size());
  expected.read(0, 37, values.data());
  CHECK(saved.read_floats("visual.positional_embedding") == values);
  CHECK(saved.read_floats("visual.proj") == checkpoint.read_floats("visual.proj"));
}

TEST_CASE("a checkpoint trained with SigLIP's loss includes its bias") {
  const TemporaryFolder folder;
  Plain model;
  model.add_logit_bias();
  initialize(model, 3);
  save_weights(model, folder.path("siglip.safetensors"));
  const Checkpoint checkpoint = open_checkpoint(folder.path("siglip.safetensors"));
  CHECK(checkpoint.read_floats("logit_bias") == std::vector<float>{-10});
  const auto loaded = load<Plain>(folder.path("siglip.safetensors"));
  CHECK(loaded.has_logit_bias());
  save_weights(loaded, folder.path("again.safetensors"));
  CHECK(coca_test::read_all(folder.path("again.safetensors")) ==
        coca_test::read_all(folder.path("siglip.safetensors")));
  Plain without;
  load_weights(without, variant_weights("coca_plain"));
  CHECK_FALSE(without.has_logit_bias());

  PlainClip clip;
  clip.add_logit_bias();
  initialize(clip, 3);
  save_weights(clip, folder.path("clip.safetensors"));
  CHECK(load<PlainClip>(folder.path("clip.safetensors")).has_logit_bias());
}
