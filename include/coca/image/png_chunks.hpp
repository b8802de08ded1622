#pragma once
/// @file
/// The chunks of a PNG file, read without libpng: what its metadata says about orientation, and
/// where the file ends too early. Source: PNG 3rd edition, sections 5 and 11.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/image/exif.hpp"

#if COCA_HAS_ZLIB
#include <zlib.h>
#endif

namespace coca::detail {

/// One chunk of a file.
struct PngChunk {
  std::string_view type;  ///< four letters
  std::string_view data;  ///< what the file holds of it
  std::size_t position;   ///< of its length, its first field
  bool whole;             ///< false if the file ends within the data
};

/// Calls `visit` for each chunk up to the end chunk, the end of the file, or what is no chunk.
template <typename Visit>
void for_each_png_chunk(std::span<const std::uint8_t> bytes, Visit visit) {
  constexpr std::size_t signature = 8;
  constexpr std::size_t head = 8;      // length and type
  constexpr std::size_t checksum = 4;  // after the data
  const std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::size_t position = signature;
  while (position <= file.size() && file.size() - position >= head) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | bytes[position + i];
    const std::string_view type = file.substr(position + 4, 4);
    if (!std::all_of(type.begin(), type.end(), is_letter)) return;
    const std::string_view data = file.substr(position + head, length);
    visit(PngChunk{type, data, position, data.size() == length});
    if (type == "IEND" || data.size() < length) return;
    position += head + length + checksum;
  }
}

/// A text of a PNG file, as it is stored.
struct PngText {
  std::string_view keyword;
  std::string_view value;
  bool compressed = false;
};

/// The text of a chunk tEXt, zTXt or iTXt; nothing for any other, or if it is damaged.
inline std::optional<PngText> png_text(const PngChunk& chunk) {
  const std::size_t end = chunk.data.find('\0');
  if (end == chunk.data.npos) return std::nullopt;
  PngText text{chunk.data.substr(0, end), chunk.data.substr(end + 1)};
  if (chunk.type == "tEXt") return text;
  if (chunk.type == "zTXt") {
    if (!text.value.starts_with('\0')) return std::nullopt;  // the only method: zlib
    text.value.remove_prefix(1);
    text.compressed = true;
    return text;
  }
  if (chunk.type != "iTXt" || text.value.size() < 2) return std::nullopt;
  text.compressed = text.value[0] != 0;
  if (text.compressed && text.value[1] != 0) return std::nullopt;
  text.value.remove_prefix(2);
  for (int i = 0; i < 2; ++i) {  // its language, and the keyword in that language
    const std::size_t separator = text.value.find('\0');
    if (separator == text.value.npos) return std::nullopt;
    text.value.remove_prefix(separator + 1);
  }
  return text;
}

/// A text compressed by zlib, as far as it is there; empty if it is damaged, larger than
/// Pillow allows, or if this build has no zlib.
inline std::string inflate_png_text([[maybe_unused]] std::string_view compressed) {
  std::string text;
#if COCA_HAS_ZLIB
  constexpr std::size_t largest = std::size_t{1} << 20;
  z_stream stream{};
  if (compressed.size() > largest || inflateInit(&stream) != Z_OK) return text;
  text.resize(largest);
  // zlib only reads from next_in
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  const bool readable = status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END;
  text.resize(readable && stream.avail_in == 0 ? largest - stream.avail_out : 0);
  inflateEnd(&stream);
#endif
  return text;
}

/// The bytes that "Raw profile type exif" holds as hexadecimal digits: ImageMagick's form, a line
/// with the name and one with the number of bytes before them. Empty if it is damaged.
inline std::vector<std::uint8_t> parse_raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::vector<std::uint8_t> bytes;
  int upper = -1;
  for (const char c : text) {
    if (c == '\n' || c == ' ' || c == '\r' || c == '\t') continue;
    const int value = digit(c);
    if (value < 0) return {};
    if (upper >= 0) bytes.push_back(static_cast<std::uint8_t>(upper << 4 | value));
    upper = upper < 0 ? value : -1;
  }
  return upper < 0 ? bytes : std::vector<std::uint8_t>{};
}

/// What the chunks of a file say in addition to its pixels.
struct PngMetadata {
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  int orientation = 1;
  std::size_t cut_pixels = none;  ///< position of the chunk of pixels that the file ends in
  bool cut_after_pixels = false;  ///< the file ends within the data of a later chunk
};

/// Orientation by Pillow's rules: of eXIf (or a text "exif"), or else of ImageMagick's raw profile,
/// or else of XMP; each in the last such chunk, before the pixels or after them.
class PngOrientation {
 public:
  void add(const PngChunk& chunk) {
    if (chunk.type == "eXIf") exif_ = chunk.data;
    const std::optional<PngText> text = png_text(chunk);
    if (!text) return;
    if (text->keyword == "exif" && chunk.type == "tEXt") exif_ = text->value;
    if (text->keyword == "Raw profile type exif") profile_ = text;
    if (text->keyword == "XML:com.adobe.xmp") xmp_ = text;
  }

  int value() const {
    const std::string xmp = content(xmp_);
    if (exif_) return metadata_orientation(bytes_of(*exif_), xmp);
    return metadata_orientation(parse_raw_profile(content(profile_)), xmp);
  }

 private:
  static std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  }

  static std::string content(const std::optional<PngText>& text) {
    if (!text) return "";
    return text->compressed ? inflate_png_text(text->value) : std::string(text->value);
  }

  std::optional<std::string_view> exif_;
  std::optional<PngText> profile_;
  std::optional<PngText> xmp_;
};

inline PngMetadata read_png_metadata(std::span<const std::uint8_t> bytes) {
  PngMetadata metadata;
  PngOrientation orientation;
  bool pixels_begun = false;
  for_each_png_chunk(bytes, [&](const PngChunk& chunk) {
    const bool pixels = chunk.type == "IDAT";
    pixels_begun = pixels_begun || pixels;
    if (chunk.whole) return orientation.add(chunk);
    if (pixels) metadata.cut_pixels = chunk.position;
    metadata.cut_after_pixels = pixels_begun && !pixels && chunk.type != "IEND";
  });
  metadata.orientation = orientation.value();
  return metadata;
}

}  // namespace coca::detail
