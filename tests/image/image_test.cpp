#include "coca/image/image.hpp"

#include <cstdint>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "expected.hpp"

using coca::ArgumentError;
using coca::Image;
using coca::ImageView;
using coca::PixelFormat;
using coca::Rgb;

TEST_CASE("A picture knows its pixels by column and row") {
  Image image(3, 2, Rgb{1, 2, 3});
  image.set(2, 1, {7, 8, 9});
  CHECK(image.at(2, 1) == Rgb{7, 8, 9});
  CHECK(image.at(0, 0) == Rgb{1, 2, 3});
  CHECK(image.pixels().size() == 18);
  CHECK(image.row(1)[6] == 7);
  CHECK(Image().empty());
  CHECK_FALSE(image == Image(3, 2, Rgb{1, 2, 3}));
}

TEST_CASE("Construction and access check extents") {
  CHECK(message_of<ArgumentError>([] { Image(2, 2, std::vector<std::uint8_t>(11)); }) ==
        "an RGB picture of 2 x 2 pixels has 12 bytes, got 11");
  const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
  CHECK(message_of<ArgumentError>([&] { Image(huge, 3); }).find("is too large") !=
        std::string::npos);
  const Image image(2, 3);
  CHECK(message_of<ArgumentError>([&] { image.at(2, 0); }) ==
        "pixel (2, 0) lies outside a picture of 2 x 3");
  CHECK(message_of<ArgumentError>([&] { image.at(0, 3); }) ==
        "pixel (0, 3) lies outside a picture of 2 x 3");
}

TEST_CASE("Raw buffers of every format become RGB") {
  const std::uint8_t three[] = {10, 20, 30};
  const std::uint8_t four[] = {10, 20, 30, 255};
  const std::uint8_t clear[] = {10, 20, 30, 0};
  const auto only = [](const std::uint8_t* data, PixelFormat format) {
    return from_buffer(ImageView{data, 1, 1, 0, format}).at(0, 0);
  };
  CHECK(only(three, PixelFormat::rgb) == Rgb{10, 20, 30});
  CHECK(only(three, PixelFormat::bgr) == Rgb{30, 20, 10});
  CHECK(only(three, PixelFormat::gray) == Rgb{10, 10, 10});
  CHECK(only(four, PixelFormat::rgba) == Rgb{10, 20, 30});
  CHECK(only(four, PixelFormat::bgra) == Rgb{30, 20, 10});
  CHECK(only(clear, PixelFormat::rgba) == Rgb{255, 255, 255});
}

TEST_CASE("Half transparent pixels are blended over white") {
  const std::uint8_t half[] = {0, 100, 255, 128};  // 255 - 128 = 127 of white
  const Rgb color = from_buffer(ImageView{half, 1, 1, 0, PixelFormat::rgba}).at(0, 0);
  CHECK(color == Rgb{127, 177, 255});
}

TEST_CASE("Padding between the rows of a buffer is skipped") {
  const std::uint8_t gray[] = {1, 2, 99, 99, 3, 4};
  const Image image = from_buffer(ImageView{gray, 2, 2, 4, PixelFormat::gray});
  CHECK(image.at(1, 0) == Rgb{2, 2, 2});
  CHECK(image.at(0, 1) == Rgb{3, 3, 3});
}

TEST_CASE("Impossible buffers are refused") {
  const std::uint8_t byte = 0;
  CHECK(message_of<ArgumentError>([&] {
          from_buffer(ImageView{nullptr, 1, 1});
        }) == "the buffer of a picture is a null pointer");
  CHECK(message_of<ArgumentError>([&] {
          from_buffer(ImageView{&byte, 2, 1, 5});
        }) == "rows of 2 pixels need a stride of 6 bytes, got 5");
}
