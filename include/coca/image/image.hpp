#pragma once
/// @file
/// An 8-bit RGB picture, and views of the raw buffers of cameras and other libraries.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// One colour: red, green, blue.
using Rgb = std::array<std::uint8_t, 3>;

/// An 8-bit RGB picture, [height, width, 3], rows from the top, without padding.
class Image {
 public:
  static constexpr std::size_t channels = 3;

  /// No pixels at all.
  Image() = default;

  /// A picture of one colour. @throws ArgumentError if the number of bytes does not fit in memory.
  Image(std::size_t width, std::size_t height, Rgb color = {0, 0, 0})
      : width_(width), height_(height), pixels_(byte_count(width, height)) {
    for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = color[i % channels];
  }

  /// Takes over pixels of shape [height, width, 3]. @throws ArgumentError if their number differs.
  Image(std::size_t width, std::size_t height, std::vector<std::uint8_t> pixels)
      : width_(width), height_(height), pixels_(std::move(pixels)) {
    if (pixels_.size() != byte_count(width, height)) {
      throw ArgumentError("an RGB picture of " + std::to_string(width) + " x " +
                          std::to_string(height) + " pixels has " +
                          counted(byte_count(width, height), "byte") + ", got " +
                          std::to_string(pixels_.size()));
    }
  }

  std::size_t width() const noexcept { return width_; }
  std::size_t height() const noexcept { return height_; }
  bool empty() const noexcept { return pixels_.empty(); }

  /// All samples, [height, width, 3].
  const std::vector<std::uint8_t>& pixels() const noexcept { return pixels_; }
  std::uint8_t* data() noexcept { return pixels_.data(); }
  const std::uint8_t* data() const noexcept { return pixels_.data(); }

  /// Row `y`, [width, 3]; not checked.
  std::uint8_t* row(std::size_t y) noexcept { return data() + y * width_ * channels; }
  const std::uint8_t* row(std::size_t y) const noexcept { return data() + y * width_ * channels; }

  /// The colour at column `x` of row `y`. @throws ArgumentError outside the picture.
  Rgb at(std::size_t x, std::size_t y) const {
    const std::uint8_t* pixel = data() + offset_of(x, y);
    return {pixel[0], pixel[1], pixel[2]};
  }

  /// Sets the colour of one pixel. @throws ArgumentError outside the picture.
  void set(std::size_t x, std::size_t y, Rgb color) {
    std::uint8_t* pixel = data() + offset_of(x, y);
    for (std::size_t c = 0; c < channels; ++c) pixel[c] = color[c];
  }

  friend bool operator==(const Image& a, const Image& b) noexcept {
    return a.width_ == b.width_ && a.height_ == b.height_ && a.pixels_ == b.pixels_;
  }

 private:
  static std::size_t byte_count(std::size_t width, std::size_t height) {
    if (width != 0 && height > std::numeric_limits<std::size_t>::max() / 4 / channels / width) {
      throw ArgumentError("a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                          " pixels is too large");
    }
    return width * height * channels;
  }

  std::size_t offset_of(std::size_t x, std::size_t y) const {
    if (x >= width_ || y >= height_) {
      throw ArgumentError("pixel (" + std::to_string(x) + ", " + std::to_string(y) +
                          ") lies outside a picture of " + std::to_string(width_) + " x " +
                          std::to_string(height_));
    }
    return (y * width_ + x) * channels;
  }

  std::size_t width_ = 0;
  std::size_t height_ = 0;
  std::vector<std::uint8_t> pixels_;
};

/// Order of the 8-bit samples of one pixel in memory.
enum class PixelFormat { rgb, bgr, rgba, bgra, gray };

/// Samples per pixel in that format.
constexpr std::size_t samples_per_pixel(PixelFormat format) noexcept {
  switch (format) {
    case PixelFormat::gray:
      return 1;
    case PixelFormat::rgb:
    case PixelFormat::bgr:
      return 3;
    default:
      return 4;
  }
}

/// A non-owning view of external pixels, such as an OpenCV matrix (bgr) or a camera frame.
struct ImageView {
  const std::uint8_t* data = nullptr;     ///< first sample of the top row
  std::size_t width = 0;                  ///< pixels
  std::size_t height = 0;                 ///< pixels
  std::size_t stride_bytes = 0;           ///< from one row to the next; 0: rows without padding
  PixelFormat format = PixelFormat::rgb;  ///< order of the samples
};

namespace detail {

/// `value` with opacity `alpha` over white, rounded as in Pillow's alpha_composite.
constexpr std::uint8_t over_white(std::uint8_t value, std::uint8_t alpha) noexcept {
  constexpr unsigned precision = 7;  // fractional bits that Pillow carries
  const unsigned blend = value * unsigned{alpha} + 255u * (255u - alpha);
  const unsigned sum = (blend + 0x80u) << precision;
  return static_cast<std::uint8_t>(((sum >> 8) + sum) >> (8 + precision));
}

inline Rgb pixel_to_rgb(const std::uint8_t* pixel, PixelFormat format) noexcept {
  switch (format) {
    case PixelFormat::gray:
      return {pixel[0], pixel[0], pixel[0]};
    case PixelFormat::rgb:
      return {pixel[0], pixel[1], pixel[2]};
    case PixelFormat::bgr:
      return {pixel[2], pixel[1], pixel[0]};
    case PixelFormat::rgba:
      return {over_white(pixel[0], pixel[3]), over_white(pixel[1], pixel[3]),
              over_white(pixel[2], pixel[3])};
    default:
      return {over_white(pixel[2], pixel[3]), over_white(pixel[1], pixel[3]),
              over_white(pixel[0], pixel[3])};
  }
}

}  // namespace detail

/// Copies a raw buffer into a picture; transparent pixels are blended over white.
/// @throws ArgumentError for a null pointer or a stride shorter than a row.
inline Image from_buffer(const ImageView& view) {
  const std::size_t samples = samples_per_pixel(view.format);
  Image image(view.width, view.height);  // also refuses extents whose product overflows
  const std::size_t stride = view.stride_bytes == 0 ? view.width * samples : view.stride_bytes;
  if (image.empty()) return image;
  if (view.data == nullptr) throw ArgumentError("the buffer of a picture is a null pointer");
  if (stride < view.width * samples) {
    throw ArgumentError("rows of " + counted(view.width, "pixel") + " need a stride of " +
                        counted(view.width * samples, "byte") + ", got " + std::to_string(stride));
  }
  for (std::size_t y = 0; y < view.height; ++y) {
    const std::uint8_t* source = view.data + y * stride;
    std::uint8_t* target = image.row(y);
    for (std::size_t x = 0; x < view.width; ++x) {
      const Rgb color = detail::pixel_to_rgb(source + x * samples, view.format);
      for (std::size_t c = 0; c < Image::channels; ++c) target[x * Image::channels + c] = color[c];
    }
  }
  return image;
}

}  // namespace coca
