#include "coca/pipelines/attention_map.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;

namespace {

void check_maps(const std::vector<AttentionMap>& maps, std::size_t words, std::size_t side,
                double least) {
  REQUIRE(maps.size() == words);
  for (const AttentionMap& map : maps) {
    CHECK(map.side == side);
    REQUIRE(map.weights.size() == side * side);
    double sum = 0;
    for (const float weight : map.weights) {
      CHECK(std::isfinite(weight));
      CHECK(weight >= 0);
      sum += double{weight};
    }
    CHECK(sum <= 1 + 1e-5);
    CHECK(sum >= least);
  }
}

// Square pictures of noise.
Pixels noise(std::size_t size) {
  Pixels picture{3, size, size, {}};
  for (std::size_t i = 0; i < 3 * size * size; ++i)
    picture.values.push_back(static_cast<float>((i * 7919) % 1000) / 500 - 1);
  return picture;
}

constexpr CoCaConfig without_pooler = [] {
  CoCaConfig config = coca::testing::plain;
  config.pooling.kind = Pooling::class_token;
  config.vision.width = 32;  // patches are as wide as the decoder
  config.vision.heads = 2;
  return config;
}();
constexpr CoCaConfig without_class_token = [] {
  CoCaConfig config = without_pooler;
  config.pooling.kind = Pooling::map_head;
  config.vision.class_token = false;
  return config;
}();
constexpr CoCaConfig with_two_poolers = [] {
  CoCaConfig config = coca::testing::plain;
  config.pooling.kind = Pooling::cascade;
  return config;
}();

// Mean over heads of [1, heads, queries, keys].
std::vector<double> mean_of_heads(Context<Reference<float>>& context, const Tensor<float>& map) {
  const std::size_t heads = map.shape()[1], size = map.shape()[2] * map.shape()[3];
  const auto values = context.to_host(map);
  std::vector<double> mean(size, 0);
  for (std::size_t i = 0; i < values.size(); ++i)
    mean[i % size] += double{values[i]} / static_cast<double>(heads);
  return mean;
}

// The maps of a model from the attention of its parts. Row `first_query` of the pooler's attention
// is the first caption token's; without a pooler each caption token is a patch.
template <class Model>
std::vector<AttentionMap> maps_from_parts(const Model& model, const Pixels& picture,
                                          const std::vector<std::int32_t>& ids, std::size_t side,
                                          std::size_t first_query) {
  Context<Reference<float>> context;
  const auto encoded =
      model.image_encoder()(context, to_device(context, std::span<const Pixels>(&picture, 1)));
  const auto tokens = model.pooler()(context, encoded).tokens;
  const std::size_t captions = tokens.shape()[1], words = ids.size() - 1, patches = side * side;
  const std::size_t class_tokens = model.image_encoder().class_tokens;
  const Tokens read{{ids.begin(), ids.end() - 1}, 1, words};
  std::vector<double> pooled;  // [queries, class token and patches]
  if constexpr (requires { model.pooler().attention_map(context, encoded); })
    pooled = mean_of_heads(context, model.pooler().attention_map(context, encoded));
  std::vector<AttentionMap> maps(words, {side, std::vector<float>(patches)});
  const auto layers = model.multimodal_decoder().attention_maps(
      context, model.encode_text(context, read).tokens, tokens);
  for (const auto& layer : layers) {
    const auto looked = mean_of_heads(context, layer);  // [words, caption tokens]
    for (std::size_t w = 0; w < words; ++w)
      for (std::size_t c = 0; c < captions; ++c)
        for (std::size_t p = 0; p < patches; ++p) {
          const double spread =
              pooled.empty()
                  ? (c == p ? 1.0 : 0.0)
                  : pooled[(first_query + c) * (patches + class_tokens) + class_tokens + p];
          maps[w].weights[p] += static_cast<float>(looked[w * captions + c] * spread /
                                                   static_cast<double>(layers.size()));
        }
  }
  return maps;
}

void check_equal(const std::vector<AttentionMap>& maps, const std::vector<AttentionMap>& expected) {
  REQUIRE(maps.size() == expected.size());
  for (std::size_t i = 0; i < maps.size(); ++i) {
    INFO("word " << i);
    CHECK(coca::testing::first_difference(maps[i].weights, expected[i].weights, 1e-6) == "");
  }
}

// The maps of a model with random weights, compared with its parts.
template <CoCaConfig config>
void check_random_model(double least) {
  CoCa<config, Reference<float>> model;
  initialize(model, 5);
  Context<Reference<float>> context;
  const std::vector<std::int32_t> ids{510, 3, 4, 5, 511};
  const auto maps = attention_maps(context, model, noise(32), ids);
  check_maps(maps, 4, 4, least);
  check_equal(maps, maps_from_parts(model, noise(32), ids, 4, 0));
}

}  // namespace

TEST_CASE("attention maps: of the small trained model, a map for each word") {
  Context<Reference<float>> context;
  const auto& model = coca::testing::stamps_model<Reference<float>>();
  const Pixels picture = coca::testing::stamps_pixels(4, 1).at(0);
  const std::vector<std::int32_t> ids{49406, 320, 4038, 539, 29172, 45719, 269, 49407};
  const auto maps = attention_maps(context, model, picture, ids);
  // The class token may take the rest.
  check_maps(maps, 7, 8, 0.3);
  // The pooler's query 0 is the embedding's.
  check_equal(maps, maps_from_parts(model, picture, ids, 8, 1));
  CHECK(maps[0].weights != maps[3].weights);
  // Words do not see later ones.
  const auto shorter = attention_maps(context, model, picture, {49406, 320, 4038});
  REQUIRE(shorter.size() == 2);
  // A start token alone says nothing, and so does no token at all.
  CHECK(attention_maps(context, model, picture, {49406}).empty());
  CHECK(attention_maps(context, model, picture, {}).empty());
  for (std::size_t i = 0; i < 64; ++i)
    CHECK(std::abs(shorter[1].weights[i] - maps[1].weights[i]) <= 1e-6f);
}

TEST_CASE("attention maps: without a pooler all of the attention is on patches") {
  check_random_model<without_pooler>(1 - 1e-5);
}

TEST_CASE("attention maps: without a class token all tokens are patches") {
  check_random_model<without_class_token>(1 - 1e-5);
}

TEST_CASE("attention maps: of two poolers") { check_random_model<with_two_poolers>(0.3); }
