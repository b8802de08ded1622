#pragma once
/// @file
/// Rotation, translation, scale and shear of floats [3, height, width] about the centre, with
/// bilinear interpolation: torchvision's RandomAffine.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "coca/data/random_draws.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

/// What fills the area that a moved picture does not cover.
enum class AffineFill {
  ground,  ///< the background colour of transparent pictures, or of padding
  edge,    ///< the nearest pixel of the picture
};

/// Ranges of the transform.
struct AffineOptions {
  double probability = 1.0;      ///< of any transform at all
  double degrees = 0.0;          ///< rotation by -degrees to degrees
  double translate_x = 0.0;      ///< maximum share of the width, to either side
  double translate_y = 0.0;      ///< the same of the height
  Range scale{1.0, 1.0};         ///< factor of the size
  double shear_x_degrees = 0.0;  ///< maximum, to either side
  double shear_y_degrees = 0.0;
  AffineFill fill = AffineFill::ground;

  friend constexpr bool operator==(const AffineOptions&, const AffineOptions&) = default;
};

/// One transform.
struct AffineMotion {
  double angle = 0.0;        ///< degrees, clockwise as the picture is seen
  double translate_x = 0.0;  ///< pixels to the right
  double translate_y = 0.0;  ///< pixels down
  double scale = 1.0;
  double shear_x = 0.0;  ///< degrees
  double shear_y = 0.0;
};

namespace detail {

/// Rows of the matrix from output positions to input positions, both relative to the centre.
using AffineMatrix = std::array<double, 6>;

/// The inverse of translation * rotation * shear * scale (torchvision's
/// _get_inverse_affine_matrix).
inline AffineMatrix inverse_affine(const AffineMotion& motion) {
  constexpr double radians = 3.14159265358979323846 / 180.0;
  const double rotation = motion.angle * radians;
  const double sx = motion.shear_x * radians;
  const double sy = motion.shear_y * radians;
  const double a = std::cos(rotation - sy) / std::cos(sy);
  const double b = -std::cos(rotation - sy) * std::tan(sx) / std::cos(sy) - std::sin(rotation);
  const double c = std::sin(rotation - sy) / std::cos(sy);
  const double d = -std::sin(rotation - sy) * std::tan(sx) / std::cos(sy) + std::cos(rotation);
  const AffineMatrix m{d / motion.scale,  -b / motion.scale, 0,
                       -c / motion.scale, a / motion.scale,  0};
  return {m[0], m[1], -m[0] * motion.translate_x - m[1] * motion.translate_y,
          m[3], m[4], -m[3] * motion.translate_x - m[4] * motion.translate_y};
}

/// One coordinate between two pixels.
struct Between {
  std::ptrdiff_t first;
  float weight;  ///< of the second one
};

inline Between between(double position) noexcept {
  const double low = std::floor(position);
  return {static_cast<std::ptrdiff_t>(low), static_cast<float>(position - low)};
}

/// Interpolates planes between pixels.
struct BilinearReader {
  const Pixels& source;
  AffineFill fill;
  std::array<float, 3> ground;

  float sample(std::size_t channel, std::ptrdiff_t x, std::ptrdiff_t y) const noexcept {
    const auto width = static_cast<std::ptrdiff_t>(source.width);
    const auto height = static_cast<std::ptrdiff_t>(source.height);
    if (x < 0 || y < 0 || x >= width || y >= height) {
      if (fill == AffineFill::ground) return ground[channel];
      x = std::clamp<std::ptrdiff_t>(x, 0, width - 1);
      y = std::clamp<std::ptrdiff_t>(y, 0, height - 1);
    }
    return source.values[(channel * source.height + static_cast<std::size_t>(y)) * source.width +
                         static_cast<std::size_t>(x)];
  }

  float at(std::size_t channel, Between x, Between y) const noexcept {
    const float top = sample(channel, x.first, y.first) * (1.0f - x.weight) +
                      sample(channel, x.first + 1, y.first) * x.weight;
    const float bottom = sample(channel, x.first, y.first + 1) * (1.0f - x.weight) +
                         sample(channel, x.first + 1, y.first + 1) * x.weight;
    return top * (1.0f - y.weight) + bottom * y.weight;
  }
};

}  // namespace detail

/// Transforms a picture about its centre.
/// @param ground colour around the picture, if fill is ground
/// @return [3, height, width]
inline Pixels affine(const Pixels& pixels, const AffineMotion& motion, AffineFill fill,
                     std::array<float, 3> ground) {
  const detail::AffineMatrix m = detail::inverse_affine(motion);
  const detail::BilinearReader reader{pixels, fill, ground};
  Pixels out{pixels.channels, pixels.height, pixels.width, {}};
  const std::size_t area = pixels.height * pixels.width;
  out.values.resize(pixels.channels * area);
  const double middle_x = static_cast<double>(pixels.width) / 2 - 0.5;
  const double middle_y = static_cast<double>(pixels.height) / 2 - 0.5;
  for (std::size_t y = 0; y < pixels.height; ++y) {
    for (std::size_t x = 0; x < pixels.width; ++x) {
      const double dx = static_cast<double>(x) - middle_x;
      const double dy = static_cast<double>(y) - middle_y;
      const auto from_x = detail::between(m[0] * dx + m[1] * dy + m[2] + middle_x);
      const auto from_y = detail::between(m[3] * dx + m[4] * dy + m[5] + middle_y);
      for (std::size_t c = 0; c < pixels.channels; ++c) {
        out.values[c * area + y * pixels.width + x] = reader.at(c, from_x, from_y);
      }
    }
  }
  return out;
}

/// Draws a transform for a picture of width x height pixels; translations are whole pixels.
inline AffineMotion draw_motion(std::size_t width, std::size_t height, const AffineOptions& options,
                                RandomDraws& draws) {
  const auto symmetric = [&](double limit) { return draws.uniform({-limit, limit}); };
  AffineMotion motion;
  motion.angle = symmetric(options.degrees);
  motion.translate_x = std::nearbyint(symmetric(options.translate_x * static_cast<double>(width)));
  motion.translate_y = std::nearbyint(symmetric(options.translate_y * static_cast<double>(height)));
  motion.scale = draws.uniform(options.scale);
  motion.shear_x = symmetric(options.shear_x_degrees);
  motion.shear_y = symmetric(options.shear_y_degrees);
  return motion;
}

/// Transforms a picture at random. @param ground colour around the picture, in [0, 1]
inline void random_affine(Pixels& pixels, const AffineOptions& options, RandomDraws draws,
                          std::array<float, 3> ground) {
  if (!draws.chance(options.probability)) return;
  const AffineMotion motion = draw_motion(pixels.width, pixels.height, options, draws);
  pixels = affine(pixels, motion, options.fill, ground);
}

}  // namespace coca
