#include "coca/data/color_jitter.hpp"

#include <string>

#include "catch.hpp"
#include "planes.hpp"

using coca_test::difference;
using coca_test::torchvision;

namespace {

template <class Change>
coca::Pixels changed(Change change, float amount) {
  coca::Pixels pixels = torchvision.input();
  change(pixels, amount);
  return pixels;
}
}  // namespace

TEST_CASE("Colours change as in torchvision") {
  CHECK(difference(changed(coca::adjust_brightness, 0.6f), torchvision, "brightness.0.6") == "");
  CHECK(difference(changed(coca::adjust_brightness, 1.4f), torchvision, "brightness.1.4") == "");
  CHECK(difference(changed(coca::adjust_contrast, 0.6f), torchvision, "contrast.0.6") == "");
  CHECK(difference(changed(coca::adjust_contrast, 1.4f), torchvision, "contrast.1.4") == "");
  CHECK(difference(changed(coca::adjust_saturation, 0.6f), torchvision, "saturation.0.6") == "");
  CHECK(difference(changed(coca::adjust_saturation, 1.4f), torchvision, "saturation.1.4") == "");
  coca::Pixels gray = torchvision.input();
  coca::to_grayscale(gray);
  CHECK(difference(gray, torchvision, "grayscale") == "");
}

TEST_CASE("Hues shift as in torchvision") {
  // Six times the error of a hue, times the steepness of the conversion.
  constexpr double tolerance = 1e-5;
  CHECK(difference(changed(coca::adjust_hue, -0.4f), torchvision, "hue.-0.4", tolerance) == "");
  CHECK(difference(changed(coca::adjust_hue, 0.1f), torchvision, "hue.0.1", tolerance) == "");
  CHECK(difference(changed(coca::adjust_hue, 0.5f), torchvision, "hue.0.5", tolerance) == "");
}

TEST_CASE("Jitter is drawn: nothing, something, and the same again") {
  const coca::Pixels input = torchvision.input();
  const auto jittered = [&](const coca::ColorJitterOptions& options, std::uint64_t epoch) {
    coca::Pixels pixels = input;
    coca::color_jitter(pixels, options, {{.seed = 1, .epoch = epoch}, "color"});
    return pixels.values;
  };
  const coca::ColorJitterOptions all{
      .brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1};
  CHECK(jittered({}, 0) == input.values);
  CHECK(jittered({.probability = 0.0, .brightness = 0.4}, 0) == input.values);
  CHECK(jittered(all, 0) != input.values);
  CHECK(jittered(all, 0) == jittered(all, 0));
  CHECK(jittered(all, 0) != jittered(all, 1));
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    for (const float value : jittered(all, epoch)) REQUIRE((value >= 0.0f && value <= 1.0f));
  }
}

TEST_CASE("Amounts are factors around one") {
  // A single change: the picture is a multiple of the input, by 0.5 to 1.5.
  float least = 2.0f;
  float most = 0.0f;
  for (std::uint64_t epoch = 0; epoch < 200; ++epoch) {
    coca::Pixels pixels{3, 1, 1, {0.5f, 0.5f, 0.5f}};
    coca::color_jitter(pixels, {.brightness = 0.5}, {{.seed = 1, .epoch = epoch}, "color"});
    least = std::min(least, pixels.values[0] / 0.5f);
    most = std::max(most, pixels.values[0] / 0.5f);
  }
  CHECK((least >= 0.5f && least < 0.52f));
  CHECK((most <= 1.5f && most > 1.48f));
}
