#include "coca/core/random.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <set>

#include "catch.hpp"
#include "comparison.hpp"

using coca::philox;
using coca::testing::close;

namespace {

using Words = std::array<std::uint32_t, 4>;
constexpr std::uint64_t all_ones = ~std::uint64_t{0};

// Mean, variance and third central moment of `draw(word index)` over many words.
struct Moments {
  double mean = 0, variance = 0, third = 0;
};
template <class Draw>
Moments moments(std::uint64_t count, Draw draw) {
  Moments result;
  for (std::uint64_t i = 0; i < count; ++i) result.mean += draw(i);
  result.mean /= static_cast<double>(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const double deviation = draw(i) - result.mean;
    result.variance += deviation * deviation;
    result.third += deviation * deviation * deviation;
  }
  result.variance /= static_cast<double>(count);
  result.third /= static_cast<double>(count);
  return result;
}

constexpr std::uint64_t samples = 400000;
std::uint32_t word_of(std::uint64_t index) { return philox(7, 3, index / 4)[index % 4]; }

}  // namespace

// The known-answer vectors of Random123 1.09, kat_vectors, philox4x32 with 10 rounds: counter words
// 0 and 1 are our counter, 2 and 3 our stream, the key is our seed, each with its low word first.
TEST_CASE("philox gives the published known answers", "[random]") {
  STATIC_REQUIRE(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  STATIC_REQUIRE(philox(all_ones, all_ones, all_ones) ==
                 Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  STATIC_REQUIRE(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
                 Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("seed, stream and counter each change the words", "[random]") {
  std::set<Words> seen;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32})
    for (const std::uint64_t stream : {0ull, 1ull, 1ull << 32})
      for (const std::uint64_t counter : {0ull, 1ull, 1ull << 32})
        seen.insert(philox(seed, stream, counter));
  CHECK(seen.size() == 27);
}

TEST_CASE("uniform numbers are never 0 or 1", "[random]") {
  STATIC_REQUIRE(coca::to_uniform(0) == 0x1p-24f);
  STATIC_REQUIRE(coca::to_uniform(0xffffffffu) == 1.0f - 0x1p-24f);
  STATIC_REQUIRE(coca::to_uniform(0x80000000u) == 0.5f + 0x1p-24f);
}

// The tolerances below are five standard errors of each moment over `samples` draws.
TEST_CASE("uniform numbers have the moments of their distribution", "[random]") {
  const Moments found =
      moments(samples, [](std::uint64_t i) { return coca::to_uniform(word_of(i)); });
  CHECK(close(found.mean, 0.5, 5 * std::sqrt(1.0 / 12 / samples)));
  CHECK(close(found.variance, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / samples)));
}

TEST_CASE("normal numbers have the moments of their distribution", "[random]") {
  const Moments found = moments(samples, [](std::uint64_t i) {
    return coca::to_normal(word_of(i / 2 * 2), word_of(i / 2 * 2 + 1))[i % 2];
  });
  CHECK(close(found.mean, 0, 5 * std::sqrt(1.0 / samples)));
  CHECK(close(found.variance, 1, 5 * std::sqrt(2.0 / samples)));
  CHECK(close(found.third, 0, 5 * std::sqrt(15.0 / samples)));
}

TEST_CASE("the two normal numbers of a pair are independent", "[random]") {
  const Moments found = moments(samples / 2, [](std::uint64_t i) {
    const auto [a, b] = coca::to_normal(word_of(2 * i), word_of(2 * i + 1));
    return double{a} * double{b};
  });
  CHECK(close(found.mean, 0, 5 * std::sqrt(2.0 / samples)));
  CHECK(close(found.variance, 1, 5 * std::sqrt(8.0 * 2 / samples)));
}

TEST_CASE("normal numbers follow Box and Muller", "[random]") {
  // u = 1/2, v = 1/4 (each to 24 bits): radius sqrt(2 ln 2), straight up.
  const auto [x, y] = coca::to_normal(0x80000000u, 0x40000000u);
  CHECK(close(x, 0, 1e-6));
  CHECK(close(y, 1.17741002, 1e-6));
}

TEST_CASE("normal and gumbel numbers are finite for every word", "[random]") {
  for (const std::uint32_t word : {0u, 1u, 511u, 512u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    CHECK(std::isfinite(coca::to_normal(word, word)[0]));
    CHECK(std::isfinite(coca::to_normal(word, word)[1]));
    CHECK(std::isfinite(coca::to_gumbel(word)));
  }
}

TEST_CASE("gumbel numbers have the moments of their distribution", "[random]") {
  const double pi = 3.14159265358979323846, euler = 0.57721566490153286;
  const Moments found =
      moments(samples, [](std::uint64_t i) { return coca::to_gumbel(word_of(i)); });
  CHECK(close(found.mean, euler, 5 * std::sqrt(pi * pi / 6 / samples)));
  // The excess kurtosis is 12/5, so that the variance of the squared deviation is 4.4 variance^2.
  CHECK(close(found.variance, pi * pi / 6, 5 * (pi * pi / 6) * std::sqrt(4.4 / samples)));
  CHECK(close(found.third, 2 * 1.2020569 * 1.0, 0.25));
}

TEST_CASE("gumbel noise samples by probability", "[random]") {
  const std::array<double, 3> probability{0.6, 0.3, 0.1};
  std::array<int, 3> drawn{};
  const int draws = 100000;
  for (std::uint64_t i = 0; i < draws; ++i) {
    const Words words = philox(11, 5, i);
    std::size_t best = 0;
    std::array<double, 3> rank{};
    for (std::size_t k = 0; k < 3; ++k) {
      rank[k] = std::log(probability[k]) + coca::to_gumbel(words[k]);
      if (rank[k] > rank[best]) best = k;
    }
    ++drawn[best];
  }
  for (std::size_t k = 0; k < 3; ++k)
    CHECK(close(drawn[k], draws * probability[k],
                5 * std::sqrt(draws * probability[k] * (1 - probability[k]))));
}

// FNV-1a with 64 bits: the offset basis, and the published hashes of "a" and "foobar".
TEST_CASE("a name's stream is its FNV-1a hash", "[random]") {
  STATIC_REQUIRE(coca::stream_of("") == 0xcbf29ce484222325);
  STATIC_REQUIRE(coca::stream_of("a") == 0xaf63dc4c8601ec8c);
  STATIC_REQUIRE(coca::stream_of("foobar") == 0x85944171f73967e8);
}
