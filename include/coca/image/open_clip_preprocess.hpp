#pragma once
/// @file
/// Preprocessing exactly as in OpenCLIP: the picture is not rotated upright, it is resized and
/// cropped in the mode that Pillow decodes it to, and converted to RGB last. Palettes and
/// black-and-white pictures are therefore resized by nearest neighbour, CMYK as ink, and
/// transparency is dropped at the end. For all other pictures `preprocess(read_image(path))` gives
/// the same.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/image/resize.hpp"
#include "coca/image/resize_gray16.hpp"

namespace coca {

namespace detail {

/// Pillow multiplies colours by their opacity before it resizes (modes La and RGBa).
inline void premultiply(std::vector<std::uint8_t>& samples, std::size_t channels) {
  for (std::size_t i = 0; i < samples.size(); i += channels) {
    const std::uint8_t alpha = samples[i + channels - 1];
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      samples[i + c] = multiply_255(samples[i + c], alpha);
    }
  }
}

/// And divides afterwards, rounding down.
inline void unpremultiply(std::vector<std::uint8_t>& samples, std::size_t channels) {
  for (std::size_t i = 0; i < samples.size(); i += channels) {
    const unsigned alpha = samples[i + channels - 1];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = 0; c + 1 < channels; ++c) {
      samples[i + c] = static_cast<std::uint8_t>(std::min(255u * samples[i + c] / alpha, 255u));
    }
  }
}

/// Fill of one pixel in the picture's mode. @throws ArgumentError if torchvision refuses it.
inline std::array<std::uint8_t, 4> open_clip_fill(ColorMode mode, Rgb color) {
  if (color[0] == color[1] && color[1] == color[2]) {
    const std::uint8_t all = mode == ColorMode::bilevel && color[0] != 0 ? 255 : color[0];
    if (mode == ColorMode::gray16) return {all, 0, 0, 0};
    return {all, all, all, all};
  }
  if (mode != ColorMode::rgb) {
    throw ArgumentError("a fill_color of three different samples needs an RGB picture");
  }
  return {color[0], color[1], color[2], 0};
}

/// 16-bit gray to 8 bits as Pillow's convert("RGB"): whatever is above 255 is white.
inline void clip_gray16(DecodedImage& picture) {
  std::vector<std::uint8_t> clipped(picture.samples.size() / 2);
  for (std::size_t i = 0; i < clipped.size(); ++i) {
    clipped[i] = picture.samples[2 * i + 1] == 0 ? picture.samples[2 * i] : std::uint8_t{255};
  }
  picture.mode = ColorMode::gray;
  picture.samples = std::move(clipped);
}

/// Pillow's Image.resize in the picture's own mode, of which the window is returned.
inline std::vector<std::uint8_t> resize_like_pillow(DecodedImage& picture, const ResizePlan& plan,
                                                    Interpolation interpolation) {
  const std::size_t channels = bytes_per_pixel(picture.mode);
  const PixelWindow window = shown_window(plan);
  const std::size_t width = plan.x.resized;
  const std::size_t height = plan.y.resized;
  const bool resized = width != picture.width || height != picture.height;
  const bool has_alpha = picture.mode == ColorMode::gray_alpha || picture.mode == ColorMode::rgba;
  if (has_alpha && resized) premultiply(picture.samples, channels);
  const Raster raster{picture.samples, picture.width, picture.height, channels};
  if (picture.mode == ColorMode::gray16) {
    return resize_gray16_window(raster, width, height, interpolation, window);
  }
  if (picture.mode == ColorMode::palette || picture.mode == ColorMode::bilevel) {
    interpolation = Interpolation::nearest;
  }
  std::vector<std::uint8_t> samples = resize_window(raster, width, height, interpolation, window);
  if (has_alpha && resized) unpremultiply(samples, channels);
  return samples;
}

}  // namespace detail

/// Resizes and crops as OpenCLIP does, with Pillow's conversions, and converts the result to RGB.
/// @throws ArgumentError like resize_and_crop, and for a fill colour that the mode cannot hold.
inline Image resize_and_crop_like_open_clip(DecodedImage picture,
                                            const PreprocessConfig& config = {}) {
  const detail::ResizePlan plan = detail::plan_resize(picture.width, picture.height, config);
  const auto fill = detail::open_clip_fill(picture.mode, detail::padding_color(config));
  const std::size_t channels = bytes_per_pixel(picture.mode);
  picture.samples =
      detail::pad_by_plan(detail::resize_like_pillow(picture, plan, config.interpolation), plan,
                          std::span(fill).first(channels));
  picture.width = config.width;
  picture.height = config.height;
  if (picture.mode == ColorMode::gray16) detail::clip_gray16(picture);
  return to_rgb(picture, AlphaMode::drop);
}

/// A picture file in memory to an image encoder's floats, exactly as OpenCLIP.
/// @param options which files are read; their `color_key_to_alpha` does not matter
/// @return [3, height, width] @throws as read_image and resize_and_crop_like_open_clip.
inline Pixels preprocess_like_open_clip(std::span<const std::uint8_t> bytes,
                                        const std::string& name, const PreprocessConfig& config,
                                        DecodeOptions options) {
  // The one transparent colour of a PNG is no channel to Pillow: ignored, as all opacity in the
  // end.
  options.color_key_to_alpha = false;
  DecodedImage picture = decode_image(bytes, name, options);
  return normalize(resize_and_crop_like_open_clip(std::move(picture), config), config);
}

/// The same of a file.
inline Pixels preprocess_like_open_clip(const std::string& path, const PreprocessConfig& config,
                                        const DecodeOptions& options) {
  return preprocess_like_open_clip(detail::read_image_bytes(path), path, config, options);
}

/// The same with only a limit.
inline Pixels preprocess_like_open_clip(std::span<const std::uint8_t> bytes,
                                        const std::string& name,
                                        const PreprocessConfig& config = {},
                                        std::size_t max_pixels = DecodeOptions{}.max_pixels) {
  return preprocess_like_open_clip(bytes, name, config, DecodeOptions{.max_pixels = max_pixels});
}

/// The same for a file with only a limit.
inline Pixels preprocess_like_open_clip(const std::string& path,
                                        const PreprocessConfig& config = {},
                                        std::size_t max_pixels = DecodeOptions{}.max_pixels) {
  return preprocess_like_open_clip(path, config, DecodeOptions{.max_pixels = max_pixels});
}

}  // namespace coca
