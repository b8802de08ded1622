#include "coca/data/random_draws.hpp"

#include <cmath>
#include <set>
#include <vector>

#include "catch.hpp"

using coca::RandomDraws;
using coca::SampleKey;

TEST_CASE("Draws are a function of seed, purpose, epoch and index") {
  const auto first = [](const SampleKey& key, const char* purpose) {
    return RandomDraws(key, purpose).word();
  };
  const SampleKey key{.seed = 1, .epoch = 2, .index = 3};
  CHECK(first(key, "crop") == first(key, "crop"));
  const std::set<std::uint32_t> words = {first(key, "crop"), first(key, "flip"),
                                         first({2, 2, 3}, "crop"), first({1, 3, 3}, "crop"),
                                         first({1, 2, 4}, "crop")};
  CHECK(words.size() == 5);
}

TEST_CASE("Samples do not share the numbers of their neighbours") {
  std::set<std::uint32_t> words;
  constexpr std::size_t samples = 20;
  constexpr std::size_t draws = 50;
  for (std::size_t index = 0; index < samples; ++index) {
    RandomDraws random({.seed = 7, .epoch = 0, .index = index}, "test");
    for (std::size_t i = 0; i < draws; ++i) words.insert(random.word());
  }
  CHECK(words.size() == samples * draws);
}

TEST_CASE("Draws are uniform") {
  RandomDraws draws({.seed = 3}, "test");
  constexpr int count = 20000;
  double sum = 0.0;
  int heads = 0;
  std::vector<int> dice(6);
  for (int i = 0; i < count; ++i) {
    const double value = draws.uniform({-2.0, 4.0});
    REQUIRE(value >= -2.0);
    REQUIRE(value <= 4.0);
    sum += value;
    heads += draws.chance(0.25);
    ++dice.at(draws.below(6));
  }
  // Five deviations: 6 / sqrt(12 n) for the mean, sqrt(p (1 - p) n) for counts.
  CHECK(std::abs(sum / count - 1.0) <= 5 * 6 / std::sqrt(12.0 * count));
  CHECK(std::abs(heads - 0.25 * count) <= 5 * std::sqrt(0.1875 * count));
  for (const int side : dice)
    CHECK(std::abs(side - count / 6.0) <= 5 * std::sqrt(count * 5 / 36.0));
  CHECK_FALSE(draws.chance(0.0));
  CHECK(draws.chance(1.0));
  CHECK(draws.below(0) == 0);
  CHECK(draws.uniform({0.5, 0.5}) == 0.5);
}
