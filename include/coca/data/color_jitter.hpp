#pragma once
/// @file
/// Changes of colour on floats in [0, 1], [3, height, width]: torchvision's ColorJitter and
/// RandomGrayscale for float tensors.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "coca/data/random_draws.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

/// Strength of colour changes. A brightness of 0.4 means a factor of 0.6 to 1.4, as in torchvision.
struct ColorJitterOptions {
  double probability = 1.0;  ///< of any change at all (OpenCLIP's color_jitter_prob)
  double brightness = 0.0;
  double contrast = 0.0;
  double saturation = 0.0;
  double hue = 0.0;  ///< at most 0.5, half the colour circle

  friend constexpr bool operator==(const ColorJitterOptions&, const ColorJitterOptions&) = default;
};

namespace detail {

/// The three planes of a picture.
struct Planes {
  explicit Planes(Pixels& pixels)
      : area(pixels.height * pixels.width),
        red(pixels.values.data()),
        green(red + area),
        blue(green + area) {}

  std::size_t area;
  float* red;
  float* green;
  float* blue;

  float gray(std::size_t i) const noexcept {
    return 0.2989f * red[i] + 0.587f * green[i] + 0.114f * blue[i];
  }
};

inline float clamp_unit(float value) noexcept { return std::clamp(value, 0.0f, 1.0f); }

/// Hue, saturation and value of a colour, each in [0, 1].
inline std::array<float, 3> rgb_to_hsv(float r, float g, float b) noexcept {
  const float high = std::max({r, g, b});
  const float spread = high - std::min({r, g, b});
  if (spread == 0.0f) return {0.0f, 0.0f, high};
  const float rc = (high - r) / spread;
  const float gc = (high - g) / spread;
  const float bc = (high - b) / spread;
  const float sextant = high == r ? bc - gc : high == g ? 2.0f + rc - bc : 4.0f + gc - rc;
  const float hue = sextant / 6.0f;
  return {hue < 0.0f ? hue + 1.0f : hue, spread / high, high};
}

inline std::array<float, 3> hsv_to_rgb(float hue, float saturation, float value) noexcept {
  const float position = hue * 6.0f;
  const float sextant = std::floor(position);
  const float fraction = position - sextant;
  const float p = clamp_unit(value * (1.0f - saturation));
  const float q = clamp_unit(value * (1.0f - saturation * fraction));
  const float t = clamp_unit(value * (1.0f - saturation * (1.0f - fraction)));
  switch (static_cast<int>(sextant) % 6) {
    case 0:
      return {value, t, p};
    case 1:
      return {q, value, p};
    case 2:
      return {p, value, t};
    case 3:
      return {p, q, value};
    case 4:
      return {t, p, value};
    default:
      return {value, p, q};
  }
}

}  // namespace detail

/// Multiplies all samples. @param factor 0 is black, 1 changes nothing
inline void adjust_brightness(Pixels& pixels, float factor) {
  for (float& value : pixels.values) value = detail::clamp_unit(value * factor);
}

/// Mixes with the mean gray of the picture. @param factor 0 is uniform gray, 1 changes nothing
inline void adjust_contrast(Pixels& pixels, float factor) {
  const detail::Planes planes(pixels);
  double sum = 0.0;
  for (std::size_t i = 0; i < planes.area; ++i) sum += static_cast<double>(planes.gray(i));
  const auto mean = static_cast<float>(sum / static_cast<double>(planes.area));
  const float rest = (1.0f - factor) * mean;
  for (float& value : pixels.values) value = detail::clamp_unit(factor * value + rest);
}

/// Mixes each pixel with its gray. @param factor 0 is a gray picture, 1 changes nothing
inline void adjust_saturation(Pixels& pixels, float factor) {
  const detail::Planes planes(pixels);
  for (std::size_t i = 0; i < planes.area; ++i) {
    const float rest = (1.0f - factor) * planes.gray(i);
    for (float* plane : {planes.red, planes.green, planes.blue}) {
      plane[i] = detail::clamp_unit(factor * plane[i] + rest);
    }
  }
}

/// Shifts the hue. @param shift -0.5 to 0.5; 0 changes nothing
inline void adjust_hue(Pixels& pixels, float shift) {
  const detail::Planes planes(pixels);
  for (std::size_t i = 0; i < planes.area; ++i) {
    const auto [hue, saturation, value] =
        detail::rgb_to_hsv(planes.red[i], planes.green[i], planes.blue[i]);
    const float turned = hue + shift;
    const auto color = detail::hsv_to_rgb(turned - std::floor(turned), saturation, value);
    planes.red[i] = color[0];
    planes.green[i] = color[1];
    planes.blue[i] = color[2];
  }
}

/// Each pixel becomes its gray, in three equal planes.
inline void to_grayscale(Pixels& pixels) {
  const detail::Planes planes(pixels);
  for (std::size_t i = 0; i < planes.area; ++i) {
    const float gray = planes.gray(i);
    planes.red[i] = planes.green[i] = planes.blue[i] = gray;
  }
}

/// The four changes in random order, each by a random amount.
inline void color_jitter(Pixels& pixels, const ColorJitterOptions& options, RandomDraws draws) {
  if (!draws.chance(options.probability)) return;
  using Adjustment = void (*)(Pixels&, float);
  struct Change {
    Adjustment adjust;
    double amount;
    double neutral;
  };
  std::array<Change, 4> changes = {{{&adjust_brightness, options.brightness, 1.0},
                                    {&adjust_contrast, options.contrast, 1.0},
                                    {&adjust_saturation, options.saturation, 1.0},
                                    {&adjust_hue, options.hue, 0.0}}};
  for (std::size_t i = changes.size(); i > 1; --i) {
    std::swap(changes[i - 1], changes[draws.below(i)]);
  }
  for (const auto& [adjust, amount, neutral] : changes) {
    if (amount == 0.0) continue;
    const double low = neutral == 1.0 ? std::max(0.0, 1.0 - amount) : -amount;
    adjust(pixels, static_cast<float>(draws.uniform({low, neutral + amount})));
  }
}

}  // namespace coca
