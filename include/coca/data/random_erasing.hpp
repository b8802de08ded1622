#pragma once
/// @file
/// Overwrites a random rectangle of normalised floats [3, height, width] with zeros, the mean
/// colour: torchvision's RandomErasing.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "coca/data/random_draws.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/resize.hpp"

namespace coca {

/// What is erased.
struct ErasingOptions {
  double probability = 0.0;
  Range scale{0.02, 0.33};  ///< share of the area
  Range ratio{0.3, 3.3};    ///< height / width

  friend constexpr bool operator==(const ErasingOptions&, const ErasingOptions&) = default;
};

/// Sets a window of all planes to zero. The window must lie in the picture.
inline void erase(Pixels& pixels, const PixelWindow& window) {
  for (std::size_t c = 0; c < pixels.channels; ++c) {
    for (std::size_t y = window.top; y < window.top + window.height; ++y) {
      std::fill_n(&pixels.values[(c * pixels.height + y) * pixels.width + window.left],
                  window.width, 0.0f);
    }
  }
}

/// Erases a rectangle, or nothing; also nothing if ten rectangles did not fit.
inline void random_erasing(Pixels& pixels, const ErasingOptions& options, RandomDraws draws) {
  if (!draws.chance(options.probability)) return;
  const auto width = static_cast<double>(pixels.width);
  const auto height = static_cast<double>(pixels.height);
  const Range log_ratio{std::log(options.ratio.low), std::log(options.ratio.high)};
  constexpr int attempts = 10;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const double area = width * height * draws.uniform(options.scale);
    const double ratio = std::exp(draws.uniform(log_ratio));
    const double h = std::nearbyint(std::sqrt(area * ratio));
    const double w = std::nearbyint(std::sqrt(area / ratio));
    if (!(h < height && w < width)) continue;
    const std::size_t top = draws.below(static_cast<std::size_t>(height - h) + 1);
    const std::size_t left = draws.below(static_cast<std::size_t>(width - w) + 1);
    if (w < 1 || h < 1) return;
    return erase(pixels, {left, top, static_cast<std::size_t>(w), static_cast<std::size_t>(h)});
  }
}

}  // namespace coca
