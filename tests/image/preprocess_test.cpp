#include "coca/image/preprocess.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/image/read_image.hpp"
#include "expected.hpp"

using coca::Image;
using coca::PreprocessConfig;
using coca::ResizeMode;
using coca::Rgb;

namespace {

const std::string folder = COCA_TEST_DATA "/preprocess/";
const std::vector<std::string> pictures = {
    "alpha.png", "baseline.jpg", "cmyk.jpg",        "exif6.jpg", "gray.jpg",
    "gray.png",  "palette.png",  "progressive.jpg", "rgb.png",   "subsampled420.jpg",
    "tall.jpg",  "tiny_1x1.png", "wide.png"};

PreprocessConfig square(std::size_t size) { return {.height = size, .width = size}; }

}  // namespace

TEST_CASE("Resized and cropped pictures equal OpenCLIP's") {
  const ExpectedArrays expected(folder + "expected.safetensors");
  for (const std::string& name : pictures) {
    for (const std::size_t size : {224, 64}) {
      CAPTURE(name, size);
      const Image image = resize_and_crop(coca::read_image(folder + name), square(size));
      const auto difference =
          compare(image, expected.image(name + "." + std::to_string(size) + ".rgb8"));
      CHECK(difference.largest <= 1);
      CHECK(difference.equal_fraction >= 0.999);
    }
  }
}

TEST_CASE("Normalised floats equal OpenCLIP's") {
  // One level of a pixel is 1 / 255 / 0.2613 = 0.0150; rounding of the arithmetic is below 1e-6.
  constexpr float one_level = 0.0151f;
  const ExpectedArrays expected(folder + "expected.safetensors");
  for (const std::string& name : pictures) {
    CAPTURE(name);
    const coca::Pixels pixels = preprocess(coca::read_image(folder + name), square(64));
    CHECK(pixels.channels == 3);
    CHECK(pixels.height == 64);
    CHECK(pixels.width == 64);
    const std::vector<float> reference = expected.floats(name + ".64.tensor");
    REQUIRE(pixels.values.size() == reference.size());
    std::size_t equal = 0;
    for (std::size_t i = 0; i < reference.size(); ++i) {
      const float difference = std::abs(pixels.values[i] - reference[i]);
      REQUIRE(difference <= one_level);
      equal += difference <= 1e-6f;
    }
    CHECK(static_cast<double>(equal) >= 0.999 * static_cast<double>(reference.size()));
  }
}

TEST_CASE("The crop is centred with Python's rounding of halves") {
  // 8 x 3 pixels at size 3: (8 - 3) / 2 = 2.5 rounds to 2; at 10 x 3, 3.5 rounds to 4.
  for (const auto& [width, offset] : {std::pair{8, 2}, std::pair{10, 4}, std::pair{9, 3}}) {
    const Image image = test_image(width, 3);
    CHECK(resize_and_crop(image, square(3)).at(0, 0) == image.at(offset, 0));
  }
}

TEST_CASE("The longer side is rounded down") {
  const auto plan = coca::detail::plan_resize(333, 501, square(64));
  CHECK(plan.x.resized == 64);
  CHECK(plan.y.resized == 96);  // 96.288...
  CHECK(plan.y.skipped == 16);
}

TEST_CASE("Mode longest shows the whole picture on the fill colour") {
  PreprocessConfig config = square(8);
  config.resize_mode = ResizeMode::longest;
  config.fill_color = {1, 2, 3};
  const Image image = resize_and_crop(Image(4, 2, Rgb{200, 100, 50}), config);
  for (std::size_t y = 0; y < 8; ++y) {
    const bool shown = y >= 2 && y < 6;
    CHECK(image.at(5, y) == (shown ? Rgb{200, 100, 50} : Rgb{1, 2, 3}));
  }
}

TEST_CASE("Mode squash shows everything, mode shortest of an oblong fills it") {
  PreprocessConfig config{.height = 6, .width = 12};
  const Image image = test_image(40, 40);
  CHECK(resize_and_crop(image, config).at(0, 0) == coca::resize(image, 12, 12).at(0, 3));
  config.resize_mode = ResizeMode::squash;
  CHECK(resize_and_crop(image, config) == coca::resize(image, 12, 6));
  config.interpolation = coca::Interpolation::bilinear;
  CHECK(resize_and_crop(image, config) ==
        coca::resize(image, 12, 6, coca::Interpolation::bilinear));
}

TEST_CASE("Normalising uses mean and deviation of each channel") {
  PreprocessConfig config;
  config.mean = {0.0, 0.5, 1.0};
  config.std = {1.0, 0.5, 0.25};
  const coca::Pixels pixels = normalize(Image(1, 1, Rgb{255, 255, 0}), config);
  CHECK(pixels.values == std::vector<float>{1.0f, 1.0f, -4.0f});
  config.std[1] = 0;
  CHECK(message_of<coca::ArgumentError>([&] { normalize(Image(1, 1), config); }) ==
        "normalising needs a finite mean and a positive deviation, got mean 0.500000 and std "
        "0.000000");
}

TEST_CASE("Pictures of equal extents make a batch") {
  const coca::Pixels black = normalize(Image(2, 1));
  const coca::Pixels white = normalize(Image(2, 1, Rgb{255, 255, 255}));
  const std::vector<coca::Pixels> two = {black, white};
  const coca::PixelBatch batch = coca::stack(two);
  CHECK(batch.batch == 2);
  CHECK(batch.channels == 3);
  CHECK(batch.height == 1);
  CHECK(batch.width == 2);
  REQUIRE(batch.values.size() == 12);
  CHECK(batch.values[0] == black.values[0]);
  CHECK(batch.values[11] == white.values[5]);
}

TEST_CASE("One pixel is left of the shorter side of a line") {
  PreprocessConfig longest = square(8);
  longest.resize_mode = ResizeMode::longest;
  longest.fill_color = {0, 0, 0};
  const Image line = resize_and_crop(Image(1, 1000, Rgb{255, 255, 255}), longest);
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 8; ++x) CHECK(line.data()[(y * 8 + x) * 3] == (x == 3 ? 255 : 0));
  const Image wide = resize_and_crop(Image(3000, 2, Rgb{255, 255, 255}), longest);
  CHECK(wide.data()[3 * 8 * 3] == 255);
  CHECK(wide.data()[4 * 8 * 3] == 0);
}

TEST_CASE("What cannot be preprocessed is reported") {
  CHECK(message_of<coca::ArgumentError>([] { resize_and_crop(Image(), square(8)); }) ==
        "a picture of 0 x 0 pixels cannot be fitted into 8 x 8 (1 to 65536 per side)");
  CHECK(message_of<coca::ArgumentError>([] {
          resize_and_crop(Image(1, 1), square(0));
        }).starts_with("a picture of 1 x 1 pixels cannot be fitted into 0 x 0"));
  CHECK(message_of<coca::ShapeError>([] { coca::stack({}); }) ==
        "a batch needs at least one picture, got none");
  const std::vector<coca::Pixels> unequal = {normalize(Image(2, 1)), normalize(Image(1, 2))};
  CHECK(message_of<coca::ShapeError>([&] { coca::stack(unequal); }) ==
        "picture 1 of a batch is [3, 2, 1] with 6 values, the first one is [3, 1, 2]");
}
