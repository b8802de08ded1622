#pragma once
/// @file
/// An upright picture that keeps its opacity, so that it can be blended over another colour each
/// time it is shown.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/exif.hpp"
#include "coca/image/image.hpp"
#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/image/resize.hpp"

namespace coca {

/// Colours as stored, and how opaque each pixel is.
struct TransparentImage {
  Image color;
  std::vector<std::uint8_t> opacity;  ///< [height, width]; empty if all of it is opaque

  /// Memory that it takes, in bytes.
  std::size_t bytes() const noexcept { return color.pixels().size() + opacity.size(); }
};

namespace detail {

/// Opacity of each pixel, [height, width]; empty if all pixels are opaque.
inline std::vector<std::uint8_t> opacity_of(const DecodedImage& picture) {
  const std::size_t step = bytes_per_pixel(picture.mode);
  std::vector<std::uint8_t> opacity(picture.width * picture.height);
  switch (picture.mode) {
    case ColorMode::palette:
      for (std::size_t i = 0; i < opacity.size(); ++i) {
        opacity[i] = picture.palette[picture.samples[i]][3];
      }
      break;
    case ColorMode::gray_alpha:
    case ColorMode::rgba:
      for (std::size_t i = 0; i < opacity.size(); ++i) {
        opacity[i] = picture.samples[i * step + step - 1];
      }
      break;
    default:
      return {};
  }
  const bool opaque = std::all_of(opacity.begin(), opacity.end(), [](auto o) { return o == 255; });
  return opaque ? std::vector<std::uint8_t>() : opacity;
}

/// Rotates a plane as apply_orientation() rotates a picture.
inline std::vector<std::uint8_t> orient_plane(const std::vector<std::uint8_t>& plane,
                                              std::size_t width, std::size_t height,
                                              int orientation) {
  Image gray(width, height);
  for (std::size_t i = 0; i < plane.size(); ++i) gray.data()[i * Image::channels] = plane[i];
  const Image upright = apply_orientation(gray, orientation);
  std::vector<std::uint8_t> turned(plane.size());
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = upright.data()[i * Image::channels];
  return turned;
}

/// `value` with opacity `alpha` over `ground`, rounded like over_white().
constexpr std::uint8_t over_ground(std::uint8_t value, std::uint8_t alpha,
                                   std::uint8_t ground) noexcept {
  constexpr unsigned precision = 7;
  const unsigned blend = value * unsigned{alpha} + ground * (255u - alpha);
  const unsigned sum = (blend + 0x80u) << precision;
  return static_cast<std::uint8_t>(((sum >> 8) + sum) >> (8 + precision));
}

}  // namespace detail

/// A picture over one colour. Over white it equals the result of read_image().
inline Image lay_over(const TransparentImage& picture, Rgb ground = {255, 255, 255}) {
  Image image = picture.color;
  for (std::size_t i = 0; i < picture.opacity.size(); ++i) {
    std::uint8_t* pixel = image.data() + i * Image::channels;
    for (std::size_t c = 0; c < Image::channels; ++c) {
      pixel[c] = detail::over_ground(pixel[c], picture.opacity[i], ground[c]);
    }
  }
  return image;
}

/// A smaller picture with the same aspect ratio, filtered like resize(); colours are weighted by
/// opacity.
/// @param side the new shorter side; pictures whose shorter side is not longer are unchanged
inline TransparentImage shrink(TransparentImage picture, std::size_t side) {
  const std::size_t width = picture.color.width();
  const std::size_t height = picture.color.height();
  const std::size_t shorter = std::min(width, height);
  if (side == 0 || shorter <= side) return picture;
  const std::size_t small_width = (width * side + shorter / 2) / shorter;
  const std::size_t small_height = (height * side + shorter / 2) / shorter;
  if (picture.opacity.empty()) {
    picture.color = resize(picture.color, small_width, small_height);
    return picture;
  }
  constexpr std::size_t channels = Image::channels + 1;
  std::vector<std::uint8_t> samples(width * height * channels);
  for (std::size_t i = 0; i < picture.opacity.size(); ++i) {
    std::copy_n(picture.color.data() + i * Image::channels, Image::channels,
                &samples[i * channels]);
    samples[i * channels + Image::channels] = picture.opacity[i];
  }
  detail::premultiply(samples, channels);
  samples = resize_window({samples, width, height, channels}, small_width, small_height,
                          Interpolation::bicubic, {0, 0, small_width, small_height});
  detail::unpremultiply(samples, channels);
  TransparentImage small{Image(small_width, small_height),
                         std::vector<std::uint8_t>(small_width * small_height)};
  for (std::size_t i = 0; i < small.opacity.size(); ++i) {
    std::copy_n(&samples[i * channels], Image::channels, small.color.data() + i * Image::channels);
    small.opacity[i] = samples[i * channels + Image::channels];
  }
  return small;
}

/// Reads a picture file in memory, upright, with its opacity.
/// @param name the data's name in error messages
/// @throws as decode_image.
inline TransparentImage read_transparent_image(std::span<const std::uint8_t> bytes,
                                               const std::string& name,
                                               const DecodeOptions& options = {}) {
  const DecodedImage decoded = decode_image(bytes, name, options);
  TransparentImage picture{to_rgb(decoded, AlphaMode::drop), detail::opacity_of(decoded)};
  if (decoded.orientation == 1) return picture;
  if (!picture.opacity.empty()) {
    picture.opacity =
        detail::orient_plane(picture.opacity, decoded.width, decoded.height, decoded.orientation);
  }
  picture.color = apply_orientation(picture.color, decoded.orientation);
  return picture;
}

}  // namespace coca
