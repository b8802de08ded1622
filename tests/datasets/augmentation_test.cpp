#include "coca/data/augmentation.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "catch.hpp"
#include "comparison.hpp"
#include "image/expected.hpp"
#include "io/temporary_folder.hpp"

using coca::Augmentation;
using coca::AugmentationOptions;
using coca::PreprocessConfig;
using coca::TransparentImage;
using coca::testing::first_difference;

namespace {

const AugmentationOptions nothing{.crop = {.scale = {1, 1}, .ratio = {1, 1}}};
const PreprocessConfig small{.height = 16, .width = 16};

AugmentationOptions everything() {
  return {.random_ground_probability = 0.5,
          .crop = {.scale = {0.5, 1.0}},
          .flip_probability = 0.5,
          .rand_augment = {2, 9},
          .affine = {.degrees = 15, .translate_x = 0.1, .translate_y = 0.1, .scale = {0.8, 1.2}},
          .color_jitter = {.brightness = 0.3, .contrast = 0.3, .saturation = 0.3, .hue = 0.1},
          .grayscale_probability = 0.1,
          .blur = {.probability = 0.3},
          .erasing = {.probability = 0.3}};
}

std::string refusal(const AugmentationOptions& options, const PreprocessConfig& config = small) {
  return coca_test::message_of([&] { Augmentation(options, config); });
}

}  // namespace

TEST_CASE("Without changes a square picture is the result of preprocess") {
  const TransparentImage picture{test_image(40, 40), {}};
  const coca::Pixels shown = Augmentation(nothing, small)(picture, {1, 2, 3});
  const coca::Pixels expected = coca::preprocess(picture.color, small);
  CHECK(shown.shape() == coca::Shape{3, 16, 16});
  CHECK(first_difference(shown.values, expected.values, 0.0) == "");
}

TEST_CASE("A view is its changes one after the other, each with its own draws") {
  AugmentationOptions options = everything();
  options.affine.fill = coca::AffineFill::edge;
  options.grayscale_probability = options.blur.probability = options.erasing.probability = 0.5;
  const TransparentImage picture{test_image(40, 30), {}};
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const coca::SampleKey key{3, epoch, 5};
    coca::Image part =
        coca::random_resized_crop(picture.color, options.crop, small, {key, "crop"}, {0, 0, 0});
    coca::rand_augment(part, options.rand_augment, {key, "rand_augment"});
    const bool flipped = coca::RandomDraws(key, "flip").chance(options.flip_probability);
    coca::Pixels expected = coca::detail::to_planes(part, flipped);
    coca::random_affine(expected, options.affine, {key, "affine"}, {0, 0, 0});
    coca::color_jitter(expected, options.color_jitter, {key, "color"});
    if (coca::RandomDraws(key, "gray").chance(0.5)) coca::to_grayscale(expected);
    coca::random_blur(expected, options.blur, {key, "blur"});
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      const std::size_t c = i / 256;
      expected.values[i] = (expected.values[i] - static_cast<float>(small.mean[c])) /
                           static_cast<float>(small.std[c]);
    }
    coca::random_erasing(expected, options.erasing, {key, "erasing"});
    const coca::Pixels view = Augmentation(options, small)(picture, key);
    CHECK(first_difference(view.values, expected.values, 0.0) == "");
  }
}

TEST_CASE("A view is a function of seed, epoch and index") {
  const Augmentation augmentation(everything(), small);
  TransparentImage picture{test_image(40, 30), std::vector<std::uint8_t>(1200, 128)};
  const auto view = [&](const coca::SampleKey& key) { return augmentation(picture, key).values; };
  CHECK(view({1, 2, 3}) == view({1, 2, 3}));
  CHECK(view({1, 2, 3}) != view({2, 2, 3}));
  CHECK(view({1, 2, 3}) != view({1, 3, 3}));
  CHECK(view({1, 2, 3}) != view({1, 2, 4}));
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    for (const float value : view({1, epoch, 0})) REQUIRE(std::isfinite(value));
  }
}

TEST_CASE("Flipped pictures are mirrored") {
  AugmentationOptions options = nothing;
  options.flip_probability = 1.0;
  const TransparentImage picture{test_image(16, 16), {}};
  const coca::Pixels plain = Augmentation(nothing, small)(picture, {});
  const coca::Pixels flipped = Augmentation(options, small)(picture, {});
  for (std::size_t row = 0; row < 3 * 16; ++row) {
    for (std::size_t x = 0; x < 16; ++x) {
      REQUIRE(flipped.values[row * 16 + x] == plain.values[row * 16 + 15 - x]);
    }
  }
  CHECK(Augmentation(options, small)(picture, {}, {.may_flip = false}).values == plain.values);
  options.flip_probability = 0.5;
  int flips = 0;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch) {
    flips += Augmentation(options, small)(picture, {1, epoch, 0}).values == flipped.values;
  }
  CHECK(std::abs(flips - 50) <= 25);
}

TEST_CASE("A picture may limit colour changes") {
  AugmentationOptions options = nothing;
  options.color_jitter = {.brightness = 0.6, .contrast = 0.4, .saturation = 0.8, .hue = 0.2};
  AugmentationOptions half = nothing;
  half.color_jitter = {.brightness = 0.3, .contrast = 0.2, .saturation = 0.4, .hue = 0.1};
  const TransparentImage picture{test_image(16, 16), {}};
  const auto shown = [&](const AugmentationOptions& some, double strength) {
    return Augmentation(some, small)(picture, {1, 2, 3}, {.color_strength = strength}).values;
  };
  CHECK(shown(options, 0.5) == shown(half, 1));
  CHECK(shown(options, 0.5) != shown(options, 1));
  CHECK(shown(options, 0) == shown(nothing, 1));
  AugmentationOptions gray = nothing;
  gray.grayscale_probability = 1;
  const std::vector<float> plain = shown(nothing, 1);
  int grays = 0;
  for (std::uint64_t epoch = 0; epoch < 100; ++epoch)
    grays +=
        Augmentation(gray, small)(picture, {1, epoch, 0}, {.color_strength = 0.5}).values != plain;
  CHECK(std::abs(grays - 50) <= 25);
}

TEST_CASE("A color_strength outside 0 to 1 is refused") {
  const TransparentImage picture{test_image(16, 16), {}};
  for (const double strength : {-0.1, 1.1, std::nan("")}) {
    CHECK(coca_test::message_of(
              [&] { Augmentation(nothing, small)(picture, {}, {.color_strength = strength}); }) ==
          "augmentation: expected a color_strength from 0 to 1, got " + std::to_string(strength));
  }
}

TEST_CASE("Transparent pictures are blended over white, or a random colour") {
  AugmentationOptions options = nothing;
  const TransparentImage clear{coca::Image(16, 16), std::vector<std::uint8_t>(256, 0)};
  const auto ground = [&](std::uint64_t epoch) {
    return Augmentation(options, small)(clear, {1, epoch, 0}).values;
  };
  const coca::Image white(16, 16, coca::Rgb{255, 255, 255});
  CHECK(ground(0) == coca::preprocess(white, small).values);
  options.random_ground_probability = 1.0;
  CHECK(ground(0) != ground(1));
  const std::vector<float> color = ground(1);
  CHECK(color[0] == color[255]);  // one colour all over, also where the picture was moved away
  options.affine = {.degrees = 45, .scale = {0.5, 0.5}};
  const std::vector<float> moved = ground(1);
  CHECK(first_difference(moved, color, 1e-5) == "");
}

TEST_CASE("Options out of range are refused by name") {
  CHECK(refusal({.flip_probability = 1.5}) ==
        "augmentation: expected a flip_probability of 0 to 1, got 1.500000");
  CHECK(coca_test::contains(refusal({.grayscale_probability = std::nan("")}),
                            "grayscale_probability"));
  CHECK(
      refusal({.crop = {.scale = {0.0, 1.0}}}) ==
      "augmentation: expected a crop.scale whose ends are in order, above 0 and at most 1.000000, "
      "got 0.000000");
  CHECK(coca_test::contains(refusal({.crop = {.scale = {0.9, 0.8}}}), "crop.scale"));
  CHECK(coca_test::contains(refusal({.crop = {.scale = {0.9, 1.1}}}), "got 1.1"));
  CHECK(coca_test::contains(refusal({.crop = {.ratio = {0.5, std::nan("")}}}), "crop.ratio"));
  CHECK(refusal({.rand_augment = {2, 31}}) ==
        "augmentation: expected a rand_augment.magnitude of 0 to 30, got 31.000000");
  CHECK(coca_test::contains(refusal({.rand_augment = {101, 9}}), "rand_augment.operations"));
  CHECK(coca_test::contains(refusal({.affine = {.degrees = -1}}), "affine.degrees"));
  CHECK(coca_test::contains(refusal({.affine = {.scale = {0, 1}}}), "affine.scale"));
  CHECK(coca_test::contains(refusal({.affine = {.shear_x_degrees = 90}}), "shear_x_degrees"));
  CHECK(coca_test::contains(refusal({.color_jitter = {.hue = 0.6}}), "color_jitter.hue"));
  CHECK(coca_test::contains(refusal({.blur = {.kernel_size = 4}}), "odd blur.kernel_size"));
  CHECK(coca_test::contains(refusal({.blur = {.sigma = {0, 1}}}), "blur.sigma"));
  CHECK(coca_test::contains(refusal({.erasing = {.scale = {0.5, 0.4}}}), "erasing.scale"));
  CHECK(refusal(everything()) == "no error");
  PreprocessConfig config = small;
  config.std[1] = 0;
  CHECK(coca_test::contains(refusal({}, config), "positive deviation"));
  CHECK(coca_test::contains(refusal({}, {.height = 0, .width = 16}), "cannot be fitted"));
  CHECK(coca_test::message_of([] { Augmentation()(TransparentImage{}, {}); }) ==
        "augmentation: the picture has no pixels");
}
