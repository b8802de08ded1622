#include "coca/image/png_chunks.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string big_endian(std::size_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
  return bytes;
}

/// A chunk whose checksum is not looked at.
std::string chunk(const std::string& type, const std::string& data = "") {
  return big_endian(data.size()) + type + data + "CRC!";
}

Bytes png_of(const std::string& chunks) {
  const std::string bytes = "\x89PNG\r\n\x1A\n" + chunks;
  return Bytes(bytes.begin(), bytes.end());
}

const std::string pixels = chunk("IDAT", "pixels");
const std::string end_chunk = chunk("IEND");

int orientation_of(const std::string& before, const std::string& after = "") {
  return coca::detail::read_png_metadata(png_of(before + pixels + after + end_chunk)).orientation;
}

/// A little-endian EXIF block.
std::string exif(char orientation) {
  std::string block("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0?\0\0\0\0\0\0\0", 26);
  block[18] = orientation;
  return block;
}

/// As ImageMagick writes it.
std::string raw_profile(const std::string& block) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "\nexif\n" + std::string(6, ' ') + std::to_string(block.size()) + "\n";
  for (std::size_t i = 0; i < block.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(block[i]);
    text += std::string{digits[byte / 16], digits[byte % 16]} + (i % 36 == 35 ? "\n" : "");
  }
  return text + "\n";
}

std::string keyed(const std::string& keyword, const std::string& rest) {
  return keyword + '\0' + rest;
}

const std::string raw_key = "Raw profile type exif";
const std::string xmp_key = "XML:com.adobe.xmp";
const std::string packet = "<x tiff:Orientation=\"8\"/>";

}  // namespace

TEST_CASE("Orientation of a PNG picture is found wherever Pillow finds it") {
  CHECK(orientation_of("") == 1);
  CHECK(orientation_of(chunk("eXIf", exif(6))) == 6);
  CHECK(orientation_of("", chunk("eXIf", exif(6))) == 6);
  CHECK(orientation_of(chunk("eXIf", std::string("Exif\0\0", 6) + exif(6))) == 6);
  CHECK(orientation_of(chunk("tEXt", keyed(raw_key, raw_profile(exif(5))))) == 5);
  CHECK(orientation_of("", chunk("tEXt", keyed(raw_key, raw_profile(exif(5))))) == 5);
  CHECK(orientation_of(chunk(
            "tEXt", keyed(raw_key, raw_profile(std::string("Exif\0\0Exif\0\0", 12) + exif(5))))) ==
        5);
  CHECK(orientation_of(chunk("iTXt", keyed(xmp_key, std::string(4, '\0') + packet))) == 8);
  CHECK(orientation_of(chunk("iTXt", keyed(xmp_key, std::string("\0\0en\0key\0", 9) + packet))) ==
        8);
  CHECK(orientation_of(chunk("tEXt", keyed(xmp_key, packet))) == 8);
  CHECK(orientation_of(chunk("tEXt", keyed("exif", exif(3)))) == 3);
}

TEST_CASE("One of several orientations of a PNG picture counts, as in Pillow") {
  const std::string raw = chunk("tEXt", keyed(raw_key, raw_profile(exif(5))));
  const std::string xmp = chunk("tEXt", keyed(xmp_key, packet));
  CHECK(orientation_of(chunk("eXIf", exif(6)) + chunk("eXIf", exif(3))) == 3);
  CHECK(orientation_of(chunk("eXIf", exif(3)), chunk("eXIf", exif(6))) == 6);
  CHECK(orientation_of(raw + xmp, chunk("eXIf", exif(6))) == 6);
  CHECK(orientation_of(xmp + raw) == 5);
  std::string without = exif(6);
  without[10] = 17;                                          // another tag
  CHECK(orientation_of(raw + chunk("eXIf", without)) == 1);  // the profile is not used
  CHECK(orientation_of(raw + xmp + chunk("eXIf", without)) == 8);
  CHECK(orientation_of(xmp + chunk("eXIf", exif(0))) == 1);
}

#if COCA_HAS_ZLIB

TEST_CASE("Compressed texts of a PNG picture are read, as far as they are there") {
  // zlib.compress of `packet`.
  const std::string small(
      "\x78\x9c\xb3\xa9\x50\x28\xc9\x4c\x4b\xb3\xf2\x2f\xca\x4c\xcd\x2b\x49\x2c\xc9\xcc\xcf\xb3\x55"
      "\xb2\x50\xd2\xb7\x03\x00\x74\x32\x08\x6a",
      33);
  CHECK(coca::detail::inflate_png_text(small) == packet);
  CHECK(coca::detail::inflate_png_text(small.substr(0, small.size() - 4)) == packet);
  CHECK(coca::detail::inflate_png_text("").empty());
  CHECK(coca::detail::inflate_png_text("not compressed").empty());
  CHECK(orientation_of(chunk("zTXt", keyed(xmp_key, '\0' + small))) == 8);
  CHECK(orientation_of(chunk("zTXt", keyed(xmp_key, '\1' + small))) == 1);  // another method
  CHECK(orientation_of(chunk("iTXt", keyed(xmp_key, std::string("\1\0\0\0", 4) + small))) == 8);
  CHECK(orientation_of(chunk("iTXt", keyed(xmp_key, std::string("\1\1\0\0", 4) + small))) == 1);
}

TEST_CASE("A text that expands to more than Pillow allows is not read") {
  const auto compressed = [](std::size_t size) {
    const std::string text(size, ' ');
    std::string bytes(compressBound(size), '\0');
    uLongf length = bytes.size();
    REQUIRE(compress(reinterpret_cast<Bytef*>(bytes.data()), &length,
                     reinterpret_cast<const Bytef*>(text.data()), size) == Z_OK);
    bytes.resize(length);
    return bytes;
  };
  CHECK(coca::detail::inflate_png_text(compressed(1 << 20)).size() == 1 << 20);
  CHECK(coca::detail::inflate_png_text(compressed((1 << 20) + 1)).empty());
  CHECK(coca::detail::inflate_png_text(compressed(100 << 20)).empty());
}

#endif

TEST_CASE("Damaged texts of a PNG picture are ignored") {
  const std::string profile = raw_profile(exif(6));
  const auto orientation = [](const std::string& text) {
    return orientation_of(chunk("tEXt", keyed(raw_key, text)));
  };
  CHECK(orientation(profile) == 6);
  CHECK(orientation(profile + "zz") == 1);
  CHECK(orientation(profile + "1") == 1);
  CHECK(orientation("\nexif\n") == 1);
  CHECK(orientation("") == 1);
  CHECK(orientation_of(chunk("tEXt", raw_key)) == 1);
  CHECK(orientation_of(chunk("iTXt", keyed(xmp_key, ""))) == 1);
  CHECK(orientation_of(chunk("iTXt", keyed(xmp_key, std::string("\0\0\0", 3)))) == 1);
  CHECK(orientation_of(chunk("zTXt", keyed(xmp_key, ""))) == 1);
}

TEST_CASE("The end of a PNG file is found") {
  using coca::detail::PngMetadata;
  using coca::detail::read_png_metadata;
  const std::string header = chunk("IHDR", std::string(13, '\0'));
  const Bytes whole = png_of(header + pixels + chunk("tEXt", "a text") + end_chunk);
  const std::size_t pixels_at = 8 + header.size();
  const std::size_t text_at = pixels_at + pixels.size();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    CAPTURE(size);
    const PngMetadata metadata = read_png_metadata(std::span(whole).first(size));
    const bool in_pixels = size >= pixels_at + 8 && size < pixels_at + 8 + 6;
    CHECK(metadata.cut_pixels == (in_pixels ? pixels_at : PngMetadata::none));
    CHECK(metadata.cut_after_pixels == (size >= text_at + 8 && size < text_at + 8 + 6));
  }
  // A length beyond the file, in the end chunk and in what is no chunk.
  const std::string endless = big_endian(0x7FFFFFFF);
  CHECK(read_png_metadata(png_of(pixels + endless + "tEXt")).cut_after_pixels);
  CHECK_FALSE(read_png_metadata(png_of(pixels + endless + "IEND")).cut_after_pixels);
  CHECK_FALSE(read_png_metadata(png_of(pixels + endless + "t\x7F:t")).cut_after_pixels);
}
