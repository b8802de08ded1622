#include "coca/models/presets.hpp"

#include "catch.hpp"
#include "coca/models/model_size.hpp"

using namespace coca;
using namespace coca::presets;

// The sizes of OpenCLIP's models with these names.
static_assert(parameter_count(coca_vit_b_32) == 253'560'065);
static_assert(parameter_count(coca_vit_l_14) == 638'450'177);
static_assert(parameter_count(clip_vit_b_32) == 151'277'313);
static_assert(parameter_count(clip_vit_b_16) == 149'620'737);
static_assert(parameter_count(clip_vit_l_14) == 427'616'513);

namespace {

// Within `share` of what the paper's table 1 says, in millions.
constexpr bool is_about(std::size_t count, double millions, double share) {
  const double ratio = static_cast<double>(count) / (millions * 1e6);
  return ratio >= 1 - share && ratio <= 1 + share;
}

constexpr std::size_t decoders(const CoCaConfig& config) {
  return parameter_count(config.text, config.embed_dim, true) +
         parameter_count(config.multimodal, config.text.vocab_size);
}

}  // namespace

TEST_CASE("The paper's configurations have the parameters of its table", "[presets]") {
  CHECK(is_about(parameter_count(paper_coca_base.vision), 86, 0.01));
  CHECK(is_about(decoders(paper_coca_base), 297, 0.01));
  CHECK(is_about(parameter_count(paper_coca_large.vision), 303, 0.01));
  CHECK(is_about(decoders(paper_coca_large), 484, 0.01));
  CHECK(is_about(parameter_count(paper_coca.vision), 1000, 0.08));
  CHECK(is_about(decoders(paper_coca), 1100, 0.08));
  CHECK_FALSE(is_about(decoders(paper_coca_base), 297 * 1.02, 0.01));
}

TEST_CASE("The paper's configurations are built as it says", "[presets]") {
  for (const CoCaConfig& config : {paper_coca_base, paper_coca_large, paper_coca}) {
    CHECK(config.pooling.kind == Pooling::cascade);
    CHECK(config.multimodal.design == MultimodalDesign::paper);
    CHECK(config.vision.tokens() == 257);
    CHECK(config.caption_tokens() == 256);
    CHECK(config.text.layers == config.multimodal.layers);
  }
}

TEST_CASE("coca_base has no attentional pooler", "[presets]") {
  CHECK(coca_base.pooling.kind == Pooling::class_token);
  CHECK(coca_base.caption_tokens() == 256);
  CHECK(coca_base.caption_width() == coca_base.multimodal.width);
}

TEST_CASE("quick_gelu changes every activation and nothing else", "[presets]") {
  CoCaConfig coca = quick_gelu(coca_vit_b_32);
  CHECK(coca.vision.activation == Activation::quick_gelu);
  CHECK(coca.text.activation == Activation::quick_gelu);
  CHECK(coca.multimodal.activation == Activation::quick_gelu);
  coca.vision.activation = coca.text.activation = coca.multimodal.activation = Activation::gelu;
  CHECK(coca == coca_vit_b_32);
  ClipConfig clip = quick_gelu(clip_vit_b_32);
  CHECK(clip != clip_vit_b_32);
  clip.vision.activation = clip.text.activation = Activation::gelu;
  CHECK(clip == clip_vit_b_32);
}
