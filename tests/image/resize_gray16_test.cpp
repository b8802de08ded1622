#include "coca/image/resize_gray16.hpp"

#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "expected.hpp"

using coca::Interpolation;

namespace {

std::vector<std::uint8_t> little_endian(const std::vector<unsigned>& values) {
  std::vector<std::uint8_t> bytes;
  for (const unsigned value : values) {
    bytes.push_back(static_cast<std::uint8_t>(value % 256));
    bytes.push_back(static_cast<std::uint8_t>(value / 256));
  }
  return bytes;
}

}  // namespace

TEST_CASE("16-bit gray is resized with all of its bits") {
  // Bilinear halving as in resize_test.cpp: 3 3 1 of 7, 1 3 3 1 of 8, 1 3 3 of 7.
  const auto row = little_endian({0, 7000, 14000, 21000, 0, 0});
  const auto expected = little_endian({5000, 14000, 3000});
  CHECK(coca::resize_gray16_window({row, 6, 1, 2}, 3, 1, Interpolation::bilinear, {0, 0, 3, 1}) ==
        expected);
  CHECK(coca::resize_gray16_window({row, 1, 6, 2}, 1, 3, Interpolation::bilinear, {0, 0, 1, 3}) ==
        expected);
  CHECK(coca::resize_gray16_window({row, 6, 1, 2}, 3, 1, Interpolation::nearest, {0, 0, 3, 1}) ==
        little_endian({7000, 21000, 0}));
}

TEST_CASE("A window of 16-bit gray equals a crop of the whole") {
  std::vector<unsigned> values;
  for (unsigned i = 0; i < 13 * 11; ++i) values.push_back(i * i * 3);
  const auto samples = little_endian(values);
  const coca::Raster raster{samples, 13, 11, 2};
  const auto whole =
      coca::resize_gray16_window(raster, 20, 7, Interpolation::bicubic, {0, 0, 20, 7});
  const auto window =
      coca::resize_gray16_window(raster, 20, 7, Interpolation::bicubic, {5, 2, 4, 3});
  CHECK(window ==
        coca::resize_window({whole, 20, 7, 2}, 20, 7, Interpolation::nearest, {5, 2, 4, 3}));
}

TEST_CASE("Overshoot is clipped at both ends") {
  const auto row = little_endian({0, 0, 0, 65000, 65000, 65000});
  const auto doubled =
      coca::resize_gray16_window({row, 6, 1, 2}, 12, 1, Interpolation::bicubic, {0, 0, 12, 1});
  CHECK(doubled[8] == 0);  // 65000 * -9 / 128
  CHECK(doubled[9] == 0);
  CHECK(doubled[14] == 0xFF);  // 65000 * 137 / 128
  CHECK(doubled[15] == 0xFF);
}

TEST_CASE("Windows outside the picture are refused") {
  const auto row = little_endian({1, 2});
  CHECK(message_of<coca::ArgumentError>([&] {
          coca::resize_gray16_window({row, 2, 1, 2}, 4, 1, Interpolation::bicubic, {1, 0, 4, 1});
        }) == "a window of 4 x 1 pixels at (1, 0) lies outside a picture of 4 x 1");
}
