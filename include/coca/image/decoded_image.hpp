#pragma once
/// @file
/// A picture as its file stores it, before it is converted to RGB. Modes and conversions are
/// Pillow's, because OpenCLIP resizes pictures in the mode that Pillow decoded them to.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/image/damaged_pictures.hpp"
#include "coca/image/image.hpp"

namespace coca {

/// What the samples of a decoded picture mean. In brackets: bytes of a pixel, Pillow's name.
enum class ColorMode {
  bilevel,     ///< [1, "1"] 0 or 255
  gray,        ///< [1, "L"]
  palette,     ///< [1, "P"] indices of DecodedImage::palette
  gray_alpha,  ///< [2, "LA"]
  gray16,      ///< [2, "I;16"] little endian
  rgb,         ///< [3, "RGB"]
  rgba,        ///< [4, "RGBA"]
  cmyk,        ///< [4, "CMYK"] 255 is full ink
};

/// Bytes of one pixel of that mode.
constexpr std::size_t bytes_per_pixel(ColorMode mode) noexcept {
  constexpr std::array<std::uint8_t, 8> bytes = {1, 1, 1, 2, 2, 3, 4, 4};
  return bytes[static_cast<std::size_t>(mode)];
}

/// A picture in its file's own mode, [height, width, bytes_per_pixel(mode)].
struct DecodedImage {
  ColorMode mode = ColorMode::rgb;
  std::size_t width = 0;
  std::size_t height = 0;
  std::vector<std::uint8_t> samples;
  /// Red, green, blue, opacity of each index; only for mode palette.
  std::array<std::array<std::uint8_t, 4>, 256> palette{};
  /// EXIF orientation, 1 to 8: how the samples must be transformed to make the picture upright.
  int orientation = 1;
  /// What is wrong with the file, although its pixels could be decoded; empty: nothing.
  std::string damage;
};

/// Options of decoders.
struct DecodeOptions {
  /// Pictures of more pixels are refused before memory is allocated. The number is that at which
  /// Pillow warns of a decompression bomb.
  std::size_t max_pixels = 178'956'970;
  /// Whether the one transparent colour that a PNG without alpha may name becomes an alpha channel.
  bool color_key_to_alpha = true;
  /// Whether a JPEG or PNG file that ends, or cannot be decoded any further, before all rows are
  /// there gives those it has, as with Pillow's LOAD_TRUNCATED_IMAGES; otherwise, and if it has
  /// none, it is refused. Missing rows are gray if a JPEG file ends early, otherwise zero.
  bool truncated = false;
  /// Where decode_image() and what calls it count damaged pictures; may be null.
  DamagedPictures* damaged = nullptr;
};

/// How transparent pixels are treated.
enum class AlphaMode {
  over_white,  ///< blended over white
  drop,        ///< opacity is ignored: the colours as stored
};

namespace detail {

/// Refuses too large extents before anything of their size is allocated.
/// @throws FileError for a picture without pixels or with too many.
inline void check_extents(const std::string& name, std::size_t width, std::size_t height,
                          const DecodeOptions& options) {
  const std::string extents = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width == 0 || height == 0) throw FileError(name, "the picture has " + extents);
  if (height > options.max_pixels / width) {
    throw FileError(name, "the picture claims " + extents + ", more than the limit of " +
                              counted(options.max_pixels, "pixel"));
  }
}

/// a * b / 255, rounded, as Pillow's MULDIV255.
constexpr std::uint8_t multiply_255(unsigned a, unsigned b) noexcept {
  const unsigned product = a * b + 128;
  return static_cast<std::uint8_t>(((product >> 8) + product) >> 8);
}

/// Pillow's conversion without colour profiles.
constexpr Rgb cmyk_to_rgb(const std::uint8_t* ink) noexcept {
  const unsigned light = 255u - ink[3];
  return {static_cast<std::uint8_t>(light - multiply_255(ink[0], light)),
          static_cast<std::uint8_t>(light - multiply_255(ink[1], light)),
          static_cast<std::uint8_t>(light - multiply_255(ink[2], light))};
}

/// 16-bit gray to 8 bits: the upper byte, as the other 16-bit modes of PNG are read.
constexpr std::uint8_t upper_byte(const std::uint8_t* sample) noexcept { return sample[1]; }

template <typename ToRgb>
Image map_pixels(const DecodedImage& picture, ToRgb to_rgb) {
  const std::size_t step = bytes_per_pixel(picture.mode);
  Image image(picture.width, picture.height);
  const std::uint8_t* source = picture.samples.data();
  std::uint8_t* target = image.data();
  for (std::size_t i = 0; i < picture.width * picture.height; ++i) {
    const Rgb color = to_rgb(source + i * step);
    std::copy(color.begin(), color.end(), target + i * Image::channels);
  }
  return image;
}

constexpr Rgb repeat(std::uint8_t value) noexcept { return {value, value, value}; }

/// Colour and opacity to a colour.
constexpr Rgb flatten(const std::uint8_t* rgb, std::uint8_t opacity, AlphaMode alpha) noexcept {
  if (alpha == AlphaMode::drop) return {rgb[0], rgb[1], rgb[2]};
  return {over_white(rgb[0], opacity), over_white(rgb[1], opacity), over_white(rgb[2], opacity)};
}

}  // namespace detail

/// Converts a picture to RGB, without rotating it upright. 16-bit gray keeps its upper byte.
inline Image to_rgb(const DecodedImage& picture, AlphaMode alpha = AlphaMode::over_white) {
  using Samples = const std::uint8_t*;
  switch (picture.mode) {
    case ColorMode::palette:
      return detail::map_pixels(picture, [&](Samples index) {
        const auto& entry = picture.palette[*index];
        return detail::flatten(entry.data(), entry[3], alpha);
      });
    case ColorMode::gray_alpha:
      return detail::map_pixels(picture, [&](Samples s) {
        return detail::flatten(detail::repeat(s[0]).data(), s[1], alpha);
      });
    case ColorMode::gray16:
      return detail::map_pixels(picture,
                                [](Samples s) { return detail::repeat(detail::upper_byte(s)); });
    case ColorMode::rgb:
      return Image(picture.width, picture.height, picture.samples);
    case ColorMode::rgba:
      return detail::map_pixels(picture,
                                [&](Samples s) { return detail::flatten(s, s[3], alpha); });
    case ColorMode::cmyk:
      return detail::map_pixels(picture, [](Samples s) { return detail::cmyk_to_rgb(s); });
    default:  // bilevel, gray
      return detail::map_pixels(picture, [](Samples s) { return detail::repeat(*s); });
  }
}

}  // namespace coca
