#include "coca/models/multimodal_decoder.hpp"

#include <cstddef>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Near = Reference<float>;

MultimodalDecoder<Near> decoder_of(const CoCaConfig& config) {
  return MultimodalDecoder<Near>({config.multimodal, 20, 32});
}

MultimodalDecoder<Near> random_decoder(const CoCaConfig& config) {
  MultimodalDecoder<Near> decoder = decoder_of(config);
  for_each_parameter(decoder,
                     [](auto& parameter) { parameter.load(Near{}, initial_values(parameter, 2)); });
  return decoder;
}

Array<Near> wave(Context<Near>& context, const Shape& shape, std::size_t step) {
  std::vector<float> values(shape.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * step + i / 7) % 23) / 11 - 1;
  return context.to_device(values, shape);
}

void check_decoder(const CoCaConfig& config, std::size_t parameters) {
  const auto decoder = random_decoder(config);
  CHECK(count_parameters(decoder) == parameters);
  Context<Near> context;
  const auto text = wave(context, {2, 3, 32}, 5), image = wave(context, {2, 4, 32}, 9);
  const auto logits = decoder(context, text, image);
  REQUIRE(logits.shape() == Shape{2, 3, 20});
  // A picture matters.
  const auto blank = decoder(context, text, wave(context, {2, 4, 32}, 3));
  CHECK(first_difference(context.to_host(logits), context.to_host(blank), 1e-3) != "");
  // What follows a word does not.
  const auto shorter = decoder(context, wave(context, {1, 2, 32}, 5), image.slice(0, 1));
  const auto row = context.to_host(logits.reshaped({6, 20}).slice(0, 2));
  CHECK(first_difference(context.to_host(shorter), row, 1e-5) == "");
  // Each layer's attention over the picture sums to 1.
  const auto maps = decoder.attention_maps(context, text, image);
  REQUIRE(maps.size() == 2);
  for (const auto& map : maps) {
    REQUIRE(map.shape() == Shape{2, 4, 3, 4});
    const auto values = context.to_host(map);
    for (std::size_t i = 0; i < values.size(); i += 4) {
      const double sum = static_cast<double>(values[i] + values[i + 1] + values[i + 2]) +
                         static_cast<double>(values[i + 3]);
      CHECK(close(sum, 1, 1e-5));
    }
  }
}

}  // namespace

TEST_CASE("OpenCLIP's multimodal decoder", "[multimodal_decoder]") {
  check_decoder(plain, parameter_count(plain.multimodal, 20));
}

TEST_CASE("The paper's multimodal decoder", "[multimodal_decoder]") {
  check_decoder(paper_config, parameter_count(paper_config.multimodal, 20));
}

TEST_CASE("The two designs have different parameter names", "[multimodal_decoder]") {
  const auto has = [](const auto& decoder, const std::string& path) {
    bool found = false;
    for_each_parameter(decoder,
                       [&](const auto& parameter) { found = found || parameter.path() == path; });
    return found;
  };
  const auto open_clip = decoder_of(plain);
  const auto paper = decoder_of(paper_config);
  CHECK(has(open_clip, "text_decoder.cross_attn.1.ln_1_kv.weight"));
  CHECK(has(open_clip, "text_decoder.resblocks.1.mlp.c_fc.weight"));
  CHECK(has(paper, "text_decoder.resblocks.1.cross_attn.in_proj_weight"));
  CHECK_FALSE(has(paper, "text_decoder.cross_attn.1.ln_1_kv.weight"));
}
