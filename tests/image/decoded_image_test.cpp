#include "coca/image/decoded_image.hpp"

#include "catch.hpp"
#include "expected.hpp"

using coca::AlphaMode;
using coca::ColorMode;
using coca::DecodedImage;
using coca::Rgb;

namespace {

Rgb only_pixel(ColorMode mode, std::vector<std::uint8_t> samples,
               AlphaMode alpha = AlphaMode::over_white) {
  DecodedImage picture;
  picture.mode = mode;
  picture.width = 1;
  picture.height = 1;
  picture.samples = std::move(samples);
  picture.palette[3] = {40, 50, 60, 0};
  return to_rgb(picture, alpha).at(0, 0);
}

}  // namespace

TEST_CASE("Every mode is converted to RGB") {
  CHECK(only_pixel(ColorMode::bilevel, {255}) == Rgb{255, 255, 255});
  CHECK(only_pixel(ColorMode::gray, {9}) == Rgb{9, 9, 9});
  CHECK(only_pixel(ColorMode::gray16, {0x34, 0x12}) == Rgb{0x12, 0x12, 0x12});
  CHECK(only_pixel(ColorMode::rgb, {1, 2, 3}) == Rgb{1, 2, 3});
  CHECK(only_pixel(ColorMode::cmyk, {0, 0, 0, 0}) == Rgb{255, 255, 255});
  CHECK(only_pixel(ColorMode::cmyk, {255, 0, 128, 0}) == Rgb{0, 255, 127});
  CHECK(only_pixel(ColorMode::cmyk, {10, 20, 30, 255}) == Rgb{0, 0, 0});
}

TEST_CASE("Transparent pixels become white, or keep the colour that they hide") {
  const Rgb white = {255, 255, 255};
  CHECK(only_pixel(ColorMode::gray_alpha, {9, 0}) == white);
  CHECK(only_pixel(ColorMode::rgba, {1, 2, 3, 0}) == white);
  CHECK(only_pixel(ColorMode::palette, {3}) == white);
  CHECK(only_pixel(ColorMode::gray_alpha, {9, 0}, AlphaMode::drop) == Rgb{9, 9, 9});
  CHECK(only_pixel(ColorMode::rgba, {1, 2, 3, 0}, AlphaMode::drop) == Rgb{1, 2, 3});
  CHECK(only_pixel(ColorMode::palette, {3}, AlphaMode::drop) == Rgb{40, 50, 60});
}

TEST_CASE("Extents are limited before anything is allocated") {
  const coca::DecodeOptions options{.max_pixels = 100};
  coca::detail::check_extents("a.png", 10, 10, options);
  const auto error = [&](std::size_t width, std::size_t height) {
    return message_of<coca::FileError>(
        [&] { coca::detail::check_extents("a.png", width, height, options); });
  };
  CHECK(error(10, 11) ==
        "a.png: the picture claims 10 x 11 pixels, more than the limit of 100 pixels");
  CHECK(error(0, 5) == "a.png: the picture has 0 x 5 pixels");
}
