#include "coca/data/random_erasing.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {
constexpr std::size_t width = 30;
constexpr std::size_t height = 20;

coca::Pixels ones() { return {3, height, width, std::vector<float>(3 * height * width, 1.0f)}; }

std::size_t zeros(const coca::Pixels& pixels, std::size_t channel) {
  const auto begin = pixels.values.begin() + channel * height * width;
  return static_cast<std::size_t>(std::count(begin, begin + height * width, 0.0f));
}
}  // namespace

TEST_CASE("A window of all planes becomes zero") {
  coca::Pixels pixels = ones();
  coca::erase(pixels, {.left = 3, .top = 2, .width = 4, .height = 5});
  for (std::size_t c = 0; c < 3; ++c) CHECK(zeros(pixels, c) == 20);
  CHECK(pixels.values[2 * width + 3] == 0.0f);
  CHECK(pixels.values[2 * width + 2] == 1.0f);
  CHECK(pixels.values[6 * width + 6] == 0.0f);
  CHECK(pixels.values[7 * width + 6] == 1.0f);
}

TEST_CASE("Erased areas are drawn in their range") {
  const coca::ErasingOptions options{.probability = 1.0, .scale = {0.1, 0.2}};
  std::size_t least = 600;
  std::size_t most = 0;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
    coca::Pixels pixels = ones();
    coca::random_erasing(pixels, options, {{.seed = 1, .epoch = epoch}, "erasing"});
    least = std::min(least, zeros(pixels, 2));
    most = std::max(most, zeros(pixels, 2));
  }
  // Sides are rounded to whole pixels: by at most half a pixel of the longer side of 20 twice.
  CHECK((least >= 45 && least <= 75));
  CHECK((most <= 135 && most >= 105));
  coca::Pixels pixels = ones();
  coca::random_erasing(pixels, {.probability = 0.0}, {{.seed = 1}, "erasing"});
  CHECK(zeros(pixels, 0) == 0);
}

TEST_CASE("A rectangle that never fits erases nothing") {
  coca::Pixels pixels = ones();
  coca::random_erasing(pixels, {.probability = 1.0, .scale = {1.0, 1.0}, .ratio = {9.0, 9.0}},
                       {{.seed = 1}, "erasing"});
  CHECK(zeros(pixels, 0) == 0);
}
