#pragma once
/// @file
/// Orientation of a picture: finding it in EXIF and XMP, and turning the picture upright. EXIF is
/// TIFF 6.0, of which only the first directory is read. As in Pillow's
/// `ImageOps.exif_transpose` (13.0), the first entry of any numeric type counts, EXIF before XMP.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "coca/image/image.hpp"

namespace coca {

namespace detail {

/// Bounds-checked numbers of a TIFF block in the byte order that it names.
class TiffReader {
 public:
  explicit TiffReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  /// False unless the block starts with a signature of TIFF, those with swapped bytes included, or
  /// with that of a big-endian BigTIFF, which Pillow reads as TIFF.
  bool read_header() {
    if (bytes_.size() < 8) return false;
    const std::string_view signature(reinterpret_cast<const char*>(bytes_.data()), 4);
    using namespace std::string_view_literals;
    big_endian_ = signature == "MM\0*"sv || signature == "MM*\0"sv || signature == "MM\0+"sv;
    return big_endian_ || signature == "II*\0"sv || signature == "II\0*"sv;
  }

  std::optional<std::uint64_t> integer(std::size_t offset, std::size_t size) const {
    if (!holds(offset, size)) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | bytes_[offset + (big_endian_ ? i : size - 1 - i)];
    }
    return value;
  }

  bool holds(std::size_t offset, std::size_t size) const noexcept {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }

  std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::span<const std::uint8_t> bytes_;
  bool big_endian_ = false;
};

/// One entry of a TIFF directory.
struct TiffEntry {
  std::uint64_t tag = 0;
  std::uint64_t type = 0;
  std::uint64_t bytes = 0;  ///< of all its values; 0 for a type that TIFF lacks
  std::size_t at = 0;       ///< position of the first of them
};

/// Nothing if the block ends before the entry does.
inline std::optional<TiffEntry> tiff_entry(const TiffReader& tiff, std::size_t position) {
  constexpr std::size_t entry_size = 12;
  constexpr std::array<std::uint8_t, 17> sizes = {0, 1, 1, 2, 4, 8, 1, 1, 2,
                                                  4, 8, 4, 8, 4, 0, 0, 8};
  if (!tiff.holds(position, entry_size)) return std::nullopt;
  TiffEntry entry{*tiff.integer(position, 2), *tiff.integer(position + 2, 2), 0, position + 8};
  if (entry.type < sizes.size()) entry.bytes = sizes[entry.type] * *tiff.integer(position + 4, 4);
  if (entry.bytes > 4) entry.at = static_cast<std::size_t>(*tiff.integer(position + 8, 4));
  return entry;
}

/// The first value of an entry that lies in the block; NaN for bytes and text.
inline double tiff_number(const TiffReader& tiff, const TiffEntry& entry) {
  const auto read = [&](std::size_t offset, std::size_t size) {
    return tiff.integer(entry.at + offset, size).value_or(0);
  };
  switch (entry.type) {
    case 6:  // one byte; signs do not matter, as no negative number is an orientation
      return static_cast<double>(read(0, 1));
    case 3:
    case 8:
      return static_cast<double>(read(0, 2));
    case 4:
    case 9:
    case 13:
      return static_cast<double>(read(0, 4));
    case 16:
      return static_cast<double>(read(0, 8));
    case 5:
    case 10:  // a fraction
      return static_cast<double>(read(0, 4)) / static_cast<double>(read(4, 4));
    case 11:
      return double{std::bit_cast<float>(static_cast<std::uint32_t>(read(0, 4)))};
    case 12:
      return std::bit_cast<double>(read(0, 8));
    default:
      return std::numeric_limits<double>::quiet_NaN();
  }
}

/// Orientation by its number, 1 (upright) for any but 1 to 8.
constexpr int valid_orientation(double value) noexcept {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    if (value == orientation) return orientation;
  }
  return 1;
}

/// Without "Exif\0\0", which precedes the block in JPEG and often elsewhere, sometimes twice.
inline std::span<const std::uint8_t> without_exif_prefix(std::span<const std::uint8_t> exif) {
  constexpr std::size_t prefix = 6;
  for (int i = 0; i < 2; ++i) {
    if (exif.size() < prefix || std::memcmp(exif.data(), "Exif\0\0", prefix) != 0) break;
    exif = exif.subspan(prefix);
  }
  return exif;
}

/// Orientation that an EXIF block names, if it names any. An entry whose values lie outside of the
/// block ends the directory; one that is too large to lie in it is skipped.
inline std::optional<int> find_exif_orientation(std::span<const std::uint8_t> exif) {
  constexpr std::size_t entry_size = 12;
  constexpr std::uint64_t orientation_tag = 0x0112;
  TiffReader tiff(without_exif_prefix(exif));
  if (!tiff.read_header()) return std::nullopt;
  const auto directory = static_cast<std::size_t>(*tiff.integer(4, 4));
  const std::uint64_t entries = tiff.integer(directory, 2).value_or(0);
  std::uint64_t elsewhere = 0;  // bytes that entries so far have outside of the directory
  for (std::size_t i = 0; i < entries; ++i) {
    const auto entry = tiff_entry(tiff, directory + 2 + i * entry_size);
    if (!entry) break;
    if (entry->bytes > 4) {
      elsewhere += entry->bytes;
      if (elsewhere > tiff.size()) continue;
      if (!tiff.holds(entry->at, static_cast<std::size_t>(entry->bytes))) break;
    }
    if (entry->tag == orientation_tag && entry->bytes > 0) {
      return valid_orientation(tiff_number(tiff, *entry));
    }
  }
  return std::nullopt;
}

/// Orientation that an XMP packet names, as attribute or as element, if it names any.
inline std::optional<int> find_xmp_orientation(std::string_view xmp) {
  constexpr std::string_view name = "tiff:Orientation";
  for (std::size_t at = xmp.find(name); at != xmp.npos; at = xmp.find(name, at)) {
    at += name.size();
    std::string_view rest = xmp.substr(at);
    const std::size_t before = rest.starts_with("=\"") ? 2 : rest.starts_with('>') ? 1 : 0;
    if (before == 0 || rest.size() == before) continue;
    const char digit = rest[before];
    if (digit >= '0' && digit <= '9') return valid_orientation(digit - '0');
  }
  return std::nullopt;
}

}  // namespace detail

/// Orientation 1 to 8 of an EXIF block, which may begin with "Exif\0\0"; 1 (upright) if it is
/// absent, damaged or out of range, because the picture is still usable without it.
inline int exif_orientation(std::span<const std::uint8_t> exif) {
  return detail::find_exif_orientation(exif).value_or(1);
}

/// Orientation 1 to 8 of a picture's metadata: that of EXIF, and where EXIF has none that of XMP.
/// @param exif an EXIF block as above; empty: the picture has none
/// @param xmp  an XMP packet, bytes of any encoding that extends ASCII; empty: the picture has none
inline int metadata_orientation(std::span<const std::uint8_t> exif, std::string_view xmp) {
  if (const auto orientation = detail::find_exif_orientation(exif)) return *orientation;
  return detail::find_xmp_orientation(xmp).value_or(1);
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
