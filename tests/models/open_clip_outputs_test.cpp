// What OpenCLIP computed, stage by stage, held against every backend: the trained model of
// examples/models/stamps_coca and the random variants of tests/data/variants.

#include <cmath>
#include <string>
#include <vector>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/io/json.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/load.hpp"

using namespace coca;

namespace {

const std::string data = COCA_TEST_DATA;

constexpr CoCaConfig stamps{
    .embed_dim = 64,
    .vision =
        {.image_size = 64, .patch_size = 8, .width = 96, .layers = 3, .heads = 3, .mlp_width = 384},
    .pooling = {.queries = 32, .heads = 4},
    .text = {.context_length = 23, .width = 64, .layers = 2, .heads = 2, .mlp_width = 256},
    .multimodal = {.width = 64, .layers = 2, .heads = 2, .mlp_width = 256}};

constexpr CoCaConfig plain{
    .embed_dim = 32,
    .vision =
        {.image_size = 32, .patch_size = 8, .width = 48, .layers = 2, .heads = 3, .mlp_width = 192},
    .pooling = {.queries = 9, .heads = 4},
    .text = {.context_length = 15,
             .vocab_size = 512,
             .width = 32,
             .layers = 2,
             .heads = 4,
             .mlp_width = 128},
    .multimodal = {.width = 32, .layers = 2, .heads = 4, .mlp_width = 128}};

constexpr CoCaConfig quick_gelu_variant() {
  CoCaConfig config = plain;
  config.vision.activation = config.text.activation = config.multimodal.activation =
      Activation::quick_gelu;
  return config;
}
constexpr CoCaConfig layer_scale_variant() {
  CoCaConfig config = plain;
  config.vision.layer_scale = config.text.layer_scale = config.multimodal.layer_scale = true;
  return config;
}
constexpr CoCaConfig same_width_variant(Pooling pooling) {
  CoCaConfig config = plain;
  config.vision.width = 32;
  config.vision.heads = 2;
  config.vision.mlp_width = 128;
  config.pooling.kind = pooling;
  return config;
}
constexpr ClipConfig clip_variant(Activation activation) {
  ClipConfig config{.embed_dim = 32, .vision = plain.vision, .text = plain.text};
  config.vision.activation = config.text.activation = activation;
  return config;
}

// NaN never passes.
bool within(const std::vector<float>& got, const std::vector<float>& expected, float tolerance) {
  if (got.size() > expected.size() || got.empty()) return false;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got[i] - expected[i]) <= tolerance)) return false;
  return true;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  return ab / std::sqrt(aa * bb);
}

// How close a backend must come: 1e-4 in f32, a cosine of 0.999 with bfloat16 weights.
template <class B>
void check_close(const char* what, const std::vector<float>& got, std::vector<float> expected) {
  CAPTURE(what);
  REQUIRE(got.size() <= expected.size());
  expected.resize(got.size());
  if constexpr (std::is_same_v<typename B::weight_type, bfloat16>)
    CHECK(cosine(got, expected) >= 0.999);
  else
    CHECK(within(got, expected, 1e-4f));
}

template <class B>
Array<B> pixels_of(Context<B>& context, const Checkpoint& file, const std::string& name,
                   std::size_t rows) {
  const Shape& shape = file.tensor(name).shape;
  std::vector<float> values = file.read_floats(name);
  values.resize(rows * shape[1] * shape[2] * shape[3]);
  return context.to_device(values, Shape{rows, shape[1], shape[2], shape[3]});
}

Tokens tokens_of(const Checkpoint& file, const std::string& name, std::size_t rows) {
  const std::size_t length = file.tensor(name).shape[1];
  const auto ids = file.read_int64(name);
  return {{ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(rows * length)}, rows, length};
}

// The trained model's first `rows` pictures and captions.
template <class B>
void check_stamps(const B& backend, std::size_t rows) {
  using Model = CoCa<stamps, B>;
  const auto model = load<Model>(
      std::string(COCA_SOURCE) + "/examples/models/stamps_coca/model.safetensors", backend);
  const Checkpoint file = open_checkpoint(data + "/stamps_coca/forward.safetensors");
  Context<B> context(backend);
  const auto image = model.encode_image(context, pixels_of(context, file, "pixels", rows));
  const Tokens tokens = tokens_of(file, "tokens", rows);
  const auto text = model.encode_text(context, tokens);
  const auto check = [&](const char* name, const Array<B>& got) {
    check_close<B>(name, context.to_host(got), file.read_floats(name));
  };
  check("image_pooled", image.pooled);
  check("image_features", image.embedding);
  check("image_tokens", image.tokens);
  check("text_latent", text.latent);
  check("text_features", text.embedding);
  check("text_tokens", text.tokens);

  auto logits_on_device = model.caption_logits(context, image.tokens, tokens);
  const std::vector<float> logits = context.to_host(logits_on_device);
  const std::size_t vocabulary = Model::vocab_size;
  check_close<B>("logits",
                 {logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(6 * vocabulary)},
                 file.read_floats("logits_row0_first6"));
  context.backend().log_softmax_inplace(logits_on_device);
  const std::vector<float> normalized = context.to_host(logits_on_device);
  std::vector<float> logsumexp, best;
  const auto best_indices = file.read_int64("logits_top10_indices");
  for (std::size_t row = 0; row < tokens.ids.size(); ++row) {
    logsumexp.push_back(logits[row * vocabulary] - normalized[row * vocabulary]);
    for (std::size_t k = 0; k < 10; ++k)
      best.push_back(
          logits[row * vocabulary + static_cast<std::size_t>(best_indices[row * 10 + k])]);
  }
  check_close<B>("logits_logsumexp", logsumexp, file.read_floats("logits_logsumexp"));
  check_close<B>("logits_top10_values", best, file.read_floats("logits_top10_values"));
}

template <auto config, class B>
void check_variant(const B& backend, const std::string& name) {
  CAPTURE(name);
  constexpr bool coca = std::is_same_v<std::remove_cvref_t<decltype(config)>, CoCaConfig>;
  // The configuration is what the file says.
  const Json configs = read_json_file(data + "/variants/configs.json");
  CHECK(to_config(parse_model_description(configs[name], name)) == AnyConfig(config));

  const Checkpoint file = open_checkpoint(data + "/variants/" + name + ".safetensors");
  const Checkpoint weights = file.renamed([](const std::string& key) -> std::optional<std::string> {
    if (!key.starts_with("w.")) return std::nullopt;
    return key.substr(2);
  });
  Context<B> context(backend);
  const auto check = [&](auto& model) {
    load_weights(model, weights);
    CHECK(count_parameters(model) == parameter_count(config));
    const auto image = model.encode_image(context, pixels_of(context, file, "x.image", 4));
    const Tokens tokens = tokens_of(file, "x.text", 4);
    const auto text = model.encode_text(context, tokens);
    const auto compare = [&](const char* stage, const Array<B>& got) {
      check_close<B>(stage, context.to_host(got), file.read_floats(stage));
    };
    const bool normalized = coca || !file.contains("y.image_features_unnormalized");
    compare("y.image_features", normalized ? image.embedding : image.pooled);
    compare("y.text_features", text.embedding);
    if constexpr (coca) {
      compare("y.image_tokens", image.tokens);
      compare("y.text_tokens", text.tokens);
      compare("y.logits", model.caption_logits(context, image.tokens, tokens));
    }
  };
  if constexpr (coca) {
    CoCa<config, B> model(backend);
    check(model);
  } else {
    Clip<config, B> model(backend);
    check(model);
  }
}

template <class B>
void check_all_variants(const B& backend) {
  check_variant<plain>(backend, "coca_plain");
  check_variant<quick_gelu_variant()>(backend, "coca_quick_gelu");
  check_variant<layer_scale_variant()>(backend, "coca_layer_scale");
  check_variant<same_width_variant(Pooling::single)>(backend, "coca_same_width");
  check_variant<same_width_variant(Pooling::parallel)>(backend, "coca_parallel");
  check_variant<same_width_variant(Pooling::cascade)>(backend, "coca_cascade");
  if constexpr (!std::is_same_v<typename B::weight_type, bfloat16>) {
    check_variant<clip_variant(Activation::gelu)>(backend, "clip_vit");
    check_variant<clip_variant(Activation::quick_gelu)>(backend, "clip_vit_quick_gelu");
  }
}

// Whether this build and processor have that kind of product.
bool available(GemmKind kind) {
  try {
    const Cpu<> backend(CpuOptions{.gemm = kind});
    const WeightSource one{{1, 1}, [](std::size_t, std::size_t, float* out) { *out = 1; }};
    static_cast<void>(backend.pack(one, {.rows = 1}));
    return true;
  } catch (const UnavailableError&) {
    return false;
  }
}

}  // namespace

TEST_CASE("stamps_coca on the reference backend") { check_stamps(Reference<float>(), 2); }
TEST_CASE("stamps_coca on the remote backend") { check_stamps(coca::testing::Remote(), 2); }
TEST_CASE("stamps_coca on the CPU") {
  for (const GemmKind kind :
       {GemmKind::packed, GemmKind::eigen, GemmKind::onednn, GemmKind::automatic})
    if (available(kind)) check_stamps(Cpu<>(CpuOptions{.gemm = kind}), 16);
}
TEST_CASE("stamps_coca with AVX2 and plain vectors") {
  for (const InstructionSet set : {InstructionSet::baseline, InstructionSet::avx2}) try {
      check_stamps(Cpu<>(CpuOptions{.gemm = GemmKind::packed, .instruction_set = set}), 16);
    } catch (const ArgumentError& error) {
      WARN(error.what());  // not on this processor
    }
}
TEST_CASE("stamps_coca with bfloat16 weights") { check_stamps(Cpu<bfloat16>(), 16); }

TEST_CASE("variants on the reference backend") { check_all_variants(Reference<float>()); }
TEST_CASE("variants on the remote backend") { check_all_variants(coca::testing::Remote()); }
TEST_CASE("variants on the CPU") {
  for (const GemmKind kind : {GemmKind::packed, GemmKind::eigen, GemmKind::onednn})
    if (available(kind)) check_all_variants(Cpu<>(CpuOptions{.gemm = kind}));
}
TEST_CASE("CoCa variants with bfloat16 weights") { check_all_variants(Cpu<bfloat16>()); }
