#pragma once
/// @file
/// RandAugment (Cubuk et al. 2020, arXiv 1909.13719), as torchvision's: some operations drawn from
/// fourteen, all of one magnitude, on 8-bit pictures with the nearest pixel and black around.

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "coca/data/random_draws.hpp"
#include "coca/image/color_operations.hpp"
#include "coca/image/nearest_affine.hpp"

namespace coca {

/// How many operations, and how strong they are.
struct RandAugmentOptions {
  std::size_t operations = 0;  ///< per picture; 0: none
  std::size_t magnitude = 9;   ///< 0 to 30

  friend constexpr bool operator==(const RandAugmentOptions&, const RandAugmentOptions&) = default;
};

/// What may be drawn, in torchvision's order.
enum class PictureOperation : std::uint8_t {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  auto_contrast,
  equalize,
};

inline constexpr std::size_t picture_operations = 14;
inline constexpr std::size_t largest_magnitude = 30;

/// Whether the magnitude has a random sign.
constexpr bool is_signed(PictureOperation operation) noexcept {
  return operation >= PictureOperation::shear_x && operation <= PictureOperation::sharpness;
}

/// Whether an operation changes colours, not places.
constexpr bool changes_colors(PictureOperation operation) noexcept {
  return operation >= PictureOperation::brightness;
}

namespace detail {

/// Number `magnitude` of 31 evenly spaced ones from 0 to `end`, rounded as torch.linspace does.
inline double spaced(double end, std::size_t magnitude) {
  const auto last = static_cast<float>(end);
  const double step = double{last / static_cast<float>(largest_magnitude)};
  const auto below = static_cast<double>(magnitude);
  const double number =
      magnitude < largest_magnitude / 2
          ? step * below
          : double{last} - step * (static_cast<double>(largest_magnitude) - below);
  return double{static_cast<float>(number)};
}

}  // namespace detail

/// What a magnitude of 0 to 30 means: a shear, pixels, degrees, a change of a factor of 1, bits, or
/// a threshold; 0 for operations without magnitude.
inline double magnitude_of(PictureOperation operation, std::size_t magnitude, const Image& image) {
  switch (operation) {
    case PictureOperation::shear_x:
    case PictureOperation::shear_y:
      return detail::spaced(0.3, magnitude);
    case PictureOperation::translate_x:
      return detail::spaced(150.0 / 331.0 * static_cast<double>(image.width()), magnitude);
    case PictureOperation::translate_y:
      return detail::spaced(150.0 / 331.0 * static_cast<double>(image.height()), magnitude);
    case PictureOperation::rotate:
      return detail::spaced(30, magnitude);
    case PictureOperation::brightness:
    case PictureOperation::color:
    case PictureOperation::contrast:
    case PictureOperation::sharpness:
      return detail::spaced(0.9, magnitude);
    case PictureOperation::posterize:
      return 8 - std::round(static_cast<double>(magnitude) / 7.5);
    case PictureOperation::solarize:
      return 255 - detail::spaced(255, magnitude);
    default:
      return 0;
  }
}

/// Applies an operation. @param magnitude of magnitude_of(), with its sign
inline void apply_operation(Image& image, PictureOperation operation, double magnitude) {
  const auto factor = static_cast<float>(1 + magnitude);
  const double pixels = std::trunc(magnitude);
  switch (operation) {
    case PictureOperation::identity:
      return;
    case PictureOperation::shear_x:
      image = nearest_affine(image, {1, magnitude, 0, 0, 1, 0});
      return;
    case PictureOperation::shear_y:
      image = nearest_affine(image, {1, 0, 0, magnitude, 1, 0});
      return;
    case PictureOperation::translate_x:
      image = nearest_affine(image, {1, 0, -pixels, 0, 1, 0});
      return;
    case PictureOperation::translate_y:
      image = nearest_affine(image, {1, 0, 0, 0, 1, -pixels});
      return;
    case PictureOperation::rotate:
      image = nearest_affine(image, rotation(image, magnitude));
      return;
    case PictureOperation::brightness:
      return enhance_brightness(image, factor);
    case PictureOperation::color:
      return enhance_color(image, factor);
    case PictureOperation::contrast:
      return enhance_contrast(image, factor);
    case PictureOperation::sharpness:
      return enhance_sharpness(image, factor);
    case PictureOperation::posterize:
      return posterize(image, static_cast<int>(magnitude));
    case PictureOperation::solarize:
      return solarize(image, magnitude);
    case PictureOperation::auto_contrast:
      return auto_contrast(image);
    case PictureOperation::equalize:
      return equalize(image);
  }
}

/// Draws and applies operations, with replacement.
/// @param color_strength probability that an operation on colours that was drawn is applied, see
/// PictureLimits
inline void rand_augment(Image& image, const RandAugmentOptions& options, RandomDraws draws,
                         double color_strength = 1) {
  for (std::size_t i = 0; i < options.operations; ++i) {
    const auto operation = static_cast<PictureOperation>(draws.below(picture_operations));
    const bool negative = draws.chance(0.5), applies = draws.chance(color_strength);
    if (changes_colors(operation) && !applies) continue;
    const double magnitude = magnitude_of(operation, options.magnitude, image);
    apply_operation(image, operation, is_signed(operation) && negative ? -magnitude : magnitude);
  }
}

}  // namespace coca
