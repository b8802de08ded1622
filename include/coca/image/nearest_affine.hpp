#pragma once
/// @file
/// Affine transforms of 8-bit pictures by the nearest pixel, to the bit as Pillow's.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/image/image.hpp"

namespace coca {

/// Where the pixel at (x, y) comes from: (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]).
using PixelMatrix = std::array<double, 6>;

/// Each pixel is the one it comes from; black where that is outside the picture. Pixels are taken
/// at their centres, and positions in steps of 1 / 65536.
inline Image nearest_affine(const Image& image, const PixelMatrix& m) {
  const auto fixed = [](double value) {
    return static_cast<std::int64_t>(std::floor(value * 65536.0 + 0.5));
  };
  const std::int64_t x_of_x = fixed(m[0]), x_of_y = fixed(m[1]);
  const std::int64_t y_of_x = fixed(m[3]), y_of_y = fixed(m[4]);
  const std::int64_t x0 = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5);
  const std::int64_t y0 = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  Image out(image.width(), image.height());
  for (std::size_t y = 0; y < out.height(); ++y)
    for (std::size_t x = 0; x < out.width(); ++x) {
      const auto column = static_cast<std::int64_t>(x), line = static_cast<std::int64_t>(y);
      const auto from_x = static_cast<std::size_t>((x0 + column * x_of_x + line * x_of_y) >> 16);
      const auto from_y = static_cast<std::size_t>((y0 + column * y_of_x + line * y_of_y) >> 16);
      if (from_x >= image.width() || from_y >= image.height()) continue;  // negative ones are huge
      const std::uint8_t* from = image.row(from_y) + from_x * Image::channels;
      std::uint8_t* to = out.row(y) + x * Image::channels;
      for (std::size_t c = 0; c < Image::channels; ++c) to[c] = from[c];
    }
  return out;
}

/// The matrix of a rotation about the centre. @param degrees counterclockwise, as the picture is
/// seen
inline PixelMatrix rotation(const Image& image, double degrees) {
  constexpr double radians = 3.14159265358979323846 / 180.0;
  const double cosine = std::cos(degrees * radians), sine = std::sin(-degrees * radians);
  const double x = static_cast<double>(image.width()) / 2,
               y = static_cast<double>(image.height()) / 2;
  return {cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y};
}

}  // namespace coca
