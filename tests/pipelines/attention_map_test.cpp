#include "coca/pipelines/attention_map.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
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
constexpr CoCaConfig with_two_poolers = [] {
  CoCaConfig config = coca::testing::plain;
  config.pooling.kind = Pooling::cascade;
  return config;
}();

template <CoCaConfig config>
std::vector<AttentionMap> maps_of_random_model(const Pixels& picture) {
  using Model = CoCa<config, Reference<float>>;
  Context<Reference<float>> context;
  Model model;
  initialize(model, 5);
  return attention_maps(context, model, picture, {510, 3, 4, 5, 511});
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
  CHECK(maps[0].weights != maps[3].weights);
  // Words do not see those behind them.
  const auto shorter = attention_maps(context, model, picture, {49406, 320, 4038});
  REQUIRE(shorter.size() == 2);
  // A start token alone says nothing, and so does no token at all.
  CHECK(attention_maps(context, model, picture, {49406}).empty());
  CHECK(attention_maps(context, model, picture, {}).empty());
  for (std::size_t i = 0; i < 64; ++i)
    CHECK(std::abs(shorter[1].weights[i] - maps[1].weights[i]) <= 1e-6f);
}

TEST_CASE("attention maps: without a pooler all of the attention is on patches") {
  check_maps(maps_of_random_model<without_pooler>(noise(32)), 4, 4, 1 - 1e-5);
}

TEST_CASE("attention maps: of two poolers") {
  check_maps(maps_of_random_model<with_two_poolers>(noise(32)), 4, 4, 0.3);
}
