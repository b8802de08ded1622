#pragma once
/// @file
/// EXIF orientation: reading it, and rotating a picture upright. The format is TIFF 6.0 as used by
/// EXIF 2.3; only the orientation of the first directory is read.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "coca/image/image.hpp"

namespace coca {

namespace detail {

/// Bounds-checked integers of a TIFF block in the byte order that it names.
class TiffReader {
 public:
  explicit TiffReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  /// False unless the block starts with one of TIFF's two signatures.
  bool read_header() {
    if (bytes_.size() < 8) return false;
    if (std::memcmp(bytes_.data(), "II*\0", 4) == 0) return true;
    big_endian_ = true;
    return std::memcmp(bytes_.data(), "MM\0*", 4) == 0;
  }

  std::optional<std::uint32_t> integer(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | bytes_[offset + (big_endian_ ? i : size - 1 - i)];
    }
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool big_endian_ = false;
};

}  // namespace detail

/// Orientation 1 to 8 of an EXIF block, which may begin with "Exif\0\0"; 1 (upright) if it is
/// absent, damaged or out of range, because the picture is still usable without it.
inline int exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::size_t prefix = 6;
  if (exif.size() >= prefix && std::memcmp(exif.data(), "Exif\0\0", prefix) == 0) {
    exif = exif.subspan(prefix);
  }
  detail::TiffReader tiff(exif);
  if (!tiff.read_header()) return 1;
  constexpr std::size_t entry_size = 12;
  constexpr std::uint32_t orientation_tag = 0x0112;
  constexpr std::uint32_t type_short = 3;
  const std::size_t directory = tiff.integer(4, 4).value_or(0);
  const std::size_t entries = tiff.integer(directory, 2).value_or(0);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * entry_size;
    const auto tag = tiff.integer(entry, 2);
    if (!tag) return 1;
    if (*tag != orientation_tag || tiff.integer(entry + 2, 2) != type_short) continue;
    const std::uint32_t value = tiff.integer(entry + 8, 2).value_or(1);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// Rotates a picture upright.
/// @param orientation EXIF's 1 to 8; any other value leaves the picture as it is.
inline Image apply_orientation(const Image& image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool transposed = orientation >= 5;
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const std::size_t width = transposed ? image.height() : image.width();
  const std::size_t height = transposed ? image.width() : image.height();
  Image upright(width, height);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      std::size_t source_x = transposed ? y : x;
      std::size_t source_y = transposed ? x : y;
      if (flip_x) source_x = image.width() - 1 - source_x;
      if (flip_y) source_y = image.height() - 1 - source_y;
      const std::uint8_t* pixel = image.row(source_y) + source_x * Image::channels;
      std::copy_n(pixel, Image::channels, upright.row(y) + x * Image::channels);
    }
  }
  return upright;
}

}  // namespace coca
