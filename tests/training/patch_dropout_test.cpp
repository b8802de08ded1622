#include "coca/training/patch_dropout.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "catch.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

static_assert(DropsPatches<CoCa<plain, Reference<float>>>);

TEST_CASE("the class token and as many patches of each picture stay", "[training]") {
  CHECK(kept_patches(64, 0) == 64);
  CHECK(kept_patches(64, 0.5) == 32);
  CHECK(kept_patches(49, 0.5) == 24);
  CHECK(kept_patches(4, 0.99) == 1);
  constexpr std::size_t tokens = 17, pictures = 6;
  const auto rows = draw_kept_tokens({.seed = 2, .step = 5, .count = pictures}, tokens, 0.5);
  REQUIRE(rows.size() == pictures * 9);
  for (std::size_t picture = 0; picture < pictures; ++picture) {
    const std::vector<std::int32_t> own(
        rows.begin() + static_cast<std::ptrdiff_t>(picture * 9),
        rows.begin() + static_cast<std::ptrdiff_t>(picture * 9 + 9));
    CHECK(own.front() == static_cast<std::int32_t>(picture * tokens));
    CHECK(own.back() < static_cast<std::int32_t>((picture + 1) * tokens));
    CHECK(std::is_sorted(own.begin(), own.end()));
    CHECK(std::set<std::int32_t>(own.begin(), own.end()).size() == own.size());
  }
}

TEST_CASE("all class tokens stay", "[training]") {
  const auto rows = draw_kept_tokens({.seed = 2, .step = 5, .count = 3}, 10, 0.75, 2);
  REQUIRE(rows.size() == 3 * 4);
  for (std::int32_t picture = 0; picture < 3; ++picture) {
    const auto* own = rows.data() + picture * 4;
    CHECK(own[0] == picture * 10);
    CHECK(own[1] == picture * 10 + 1);
    CHECK(own[2] > own[1]);
    CHECK(own[3] > own[2]);
  }
}

TEST_CASE("without a class token only patches stay", "[training]") {
  constexpr std::size_t tokens = 16;
  const StepSamples samples{.seed = 2, .step = 5, .count = 3};
  const auto rows = draw_kept_tokens(samples, tokens, 0.5, 0);
  const auto with = draw_kept_tokens(samples, tokens + 1, 0.5);
  REQUIRE(rows.size() == 3 * 8);
  for (std::size_t picture = 0; picture < 3; ++picture)
    for (std::size_t i = 0; i < 8; ++i)  // the same patches as after a class token
      CHECK(rows[picture * 8 + i] ==
            with[picture * 9 + 1 + i] - 1 - static_cast<std::int32_t>(picture));
}

TEST_CASE("what stays is a function of seed, step and picture, each patch equally likely",
          "[training]") {
  constexpr std::size_t tokens = 9;
  const auto draw = [](StepSamples samples) { return draw_kept_tokens(samples, tokens, 0.5); };
  const auto all = draw({.seed = 1, .step = 2, .count = 4});
  const auto later = draw({.seed = 1, .step = 2, .first = 2, .count = 2});
  for (std::size_t i = 0; i < later.size(); ++i)
    CHECK(later[i] + 2 * static_cast<std::int32_t>(tokens) == all[all.size() / 2 + i]);
  CHECK(draw({.seed = 1, .step = 3, .count = 4}) != all);
  CHECK(draw({.seed = 2, .step = 2, .count = 4}) != all);
  std::vector<int> counts(tokens);
  for (const std::int32_t row : draw({.count = 4000}))
    ++counts[static_cast<std::size_t>(row) % tokens];
  CHECK(counts[0] == 4000);
  for (std::size_t patch = 1; patch < tokens; ++patch) CHECK(std::abs(counts[patch] - 2000) < 160);
}

TEMPLATE_TEST_CASE("only the kept tokens are encoded", "[training]", Reference<float>, Remote,
                   Cpu<float>) {
  SmallTraining<TestType> training;
  auto& context = training.context;
  const auto pixels = training.pixels();
  constexpr auto tokens = static_cast<std::int32_t>(decltype(training)::Model::encoder_tokens);
  std::vector<std::int32_t> all(4 * tokens);
  for (std::int32_t i = 0; i < 4 * tokens; ++i) all[static_cast<std::size_t>(i)] = i;
  const auto encode = [&](const std::vector<std::int32_t>& rows, const auto& of) {
    const std::size_t batch = of.shape()[0];
    return context.to_host(
        training.model
            .encode_image(context, of, context.to_device(rows, Shape{batch, rows.size() / batch}))
            .embedding);
  };
  CHECK(encode(all, pixels) ==
        context.to_host(training.model.encode_image(context, pixels).embedding));

  // Patches that went can hold anything.
  const std::vector<std::int32_t> first_patch{0, 1};
  auto values = context.to_host(pixels.slice(0, 1));
  const auto before = encode(first_patch, pixels.slice(0, 1));
  for (std::size_t i = values.size() / 3 / 2; i < values.size() / 3; ++i) values[i] = 9;
  CHECK(encode(first_patch, context.to_device(values, Shape{1, 3, 32, 32})) == before);
  CHECK_THROWS_AS(encode({0, 1}, pixels), ShapeError);
}
