#include "coca/image/exif.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "expected.hpp"

namespace {

std::vector<std::uint8_t> big_endian_block(std::uint8_t orientation) {
  return {'M', 'M', 0, 42, 0, 0, 0, 8,                        // header
          0,   2,                                             // two entries
          1,   0,   0, 3,  0, 0, 0, 1, 0, 64,          0, 0,  // width
          1,   18,  0, 3,  0, 0, 0, 1, 0, orientation, 0, 0,  // orientation
          0,   0,   0, 0};
}

std::vector<std::uint8_t> little_endian_block(std::uint8_t orientation) {
  return {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 18, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0};
}

// What the camera stored: letters a to f in two columns, three rows.
coca::Image letters(std::size_t width, std::size_t height, const std::string& text) {
  coca::Image image(width, height);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto value = static_cast<std::uint8_t>(text[i]);
    image.set(i % width, i / width, {value, 1, 2});
  }
  return image;
}

}  // namespace

TEST_CASE("Orientation is read in both byte orders, with and without the prefix of JPEG") {
  for (std::uint8_t orientation = 1; orientation <= 8; ++orientation) {
    CHECK(coca::exif_orientation(big_endian_block(orientation)) == orientation);
    CHECK(coca::exif_orientation(little_endian_block(orientation)) == orientation);
    std::vector<std::uint8_t> prefixed = {'E', 'x', 'i', 'f', 0, 0};
    const auto block = little_endian_block(orientation);
    prefixed.insert(prefixed.end(), block.begin(), block.end());
    CHECK(coca::exif_orientation(prefixed) == orientation);
  }
}

TEST_CASE("Absent, damaged or invalid orientations count as upright") {
  CHECK(coca::exif_orientation({}) == 1);
  CHECK(coca::exif_orientation(little_endian_block(0)) == 1);
  CHECK(coca::exif_orientation(little_endian_block(9)) == 1);
  auto far_directory = little_endian_block(6);
  far_directory[7] = 0xFF;
  CHECK(coca::exif_orientation(far_directory) == 1);
  auto no_signature = little_endian_block(6);
  no_signature[2] = 43;
  CHECK(coca::exif_orientation(no_signature) == 1);
  const auto block = big_endian_block(6);
  for (std::size_t size = 0; size < 32; ++size) {  // cut before the orientation's value
    CHECK(coca::exif_orientation(std::span(block).first(size)) == 1);
  }
}

TEST_CASE("Orientation is a number of any type, as in Pillow") {
  const auto block = [](std::uint8_t type, std::uint8_t count, std::vector<std::uint8_t> value) {
    std::vector<std::uint8_t> bytes = {'I', 'I', 42, 0, 8,    0, 0,     0,         // header
                                       1,   0,   18, 1, type, 0, count, 0, 0, 0};  // one entry
    const bool elsewhere = value.size() > 4;
    const std::vector<std::uint8_t> offset = {26, 0, 0, 0};
    bytes.insert(bytes.end(), elsewhere ? offset.begin() : value.begin(),
                 elsewhere ? offset.end() : value.end());
    bytes.resize(26);
    if (elsewhere) bytes.insert(bytes.end(), value.begin(), value.end());
    return bytes;
  };
  const auto orientation = [&](std::uint8_t type, std::uint8_t count,
                               std::vector<std::uint8_t> value) {
    return coca::exif_orientation(block(type, count, std::move(value)));
  };
  CHECK(orientation(3, 1, {6, 0, 3, 0}) == 6);               // SHORT
  CHECK(orientation(4, 1, {6, 0, 0, 0}) == 6);               // LONG
  CHECK(orientation(4, 1, {6, 0, 1, 0}) == 1);               // 65542
  CHECK(orientation(6, 1, {6, 0, 0, 0}) == 6);               // signed byte
  CHECK(orientation(8, 1, {6, 0, 0, 0}) == 6);               // signed SHORT
  CHECK(orientation(9, 1, {6, 0, 0, 0}) == 6);               // signed LONG
  CHECK(orientation(9, 1, {250, 255, 255, 255}) == 1);       // -6
  CHECK(orientation(13, 1, {6, 0, 0, 0}) == 6);              // offset of a directory
  CHECK(orientation(16, 1, {6, 0, 0, 0, 0, 0, 0, 0}) == 6);  // LONG8
  CHECK(orientation(5, 1, {6, 0, 0, 0, 1, 0, 0, 0}) == 6);   // fractions
  CHECK(orientation(5, 1, {12, 0, 0, 0, 2, 0, 0, 0}) == 6);
  CHECK(orientation(5, 1, {13, 0, 0, 0, 2, 0, 0, 0}) == 1);
  CHECK(orientation(5, 1, {6, 0, 0, 0, 0, 0, 0, 0}) == 1);
  CHECK(orientation(11, 1, {0, 0, 0xC0, 0x40}) == 6);                      // float
  CHECK(orientation(12, 1, {0, 0, 0, 0, 0, 0, 0x18, 0x40}) == 6);          // double
  CHECK(orientation(3, 4, {6, 0, 3, 0, 3, 0, 3, 0}) == 6);                 // the first of several
  const std::vector<std::uint8_t> others = {0, 1, 2, 7, 14, 15, 17, 255};  // bytes, text, no type
  for (const std::uint8_t type : others) {
    CAPTURE(int{type});
    CHECK(orientation(type, 1, {6, 0, 0, 0}) == 1);
  }
  CHECK(orientation(3, 0, {6, 0, 0, 0}) == 1);
  auto cut = block(16, 1, {6, 0, 0, 0, 0, 0, 0, 0});
  cut.pop_back();
  CHECK(coca::exif_orientation(cut) == 1);
}

TEST_CASE("The prefix of an EXIF block may be doubled, its header's bytes may be swapped") {
  const std::vector<std::uint8_t> prefix = {'E', 'x', 'i', 'f', 0, 0};
  std::vector<std::uint8_t> block = little_endian_block(6);
  for (const int expected : {6, 6, 1}) {  // once, twice, three times
    block.insert(block.begin(), prefix.begin(), prefix.end());
    CHECK(coca::exif_orientation(block) == expected);
  }
  block = little_endian_block(6);
  std::swap(block[2], block[3]);
  CHECK(coca::exif_orientation(block) == 6);
  block = big_endian_block(6);
  std::swap(block[2], block[3]);
  CHECK(coca::exif_orientation(block) == 6);
  block = big_endian_block(6);
  block[3] = 43;  // BigTIFF
  CHECK(coca::exif_orientation(block) == 6);
  block = little_endian_block(6);
  block[2] = 43;
  CHECK(coca::exif_orientation(block) == 1);
}

TEST_CASE("The first readable one of several entries counts, up to one that lies outside") {
  const auto block = [](std::vector<std::uint8_t> first) {
    std::vector<std::uint8_t> bytes = {'I', 'I', 42, 0, 8, 0, 0, 0, 2, 0};
    bytes.insert(bytes.end(), first.begin(), first.end());
    bytes.insert(bytes.end(), {18, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0});
    return bytes;
  };
  CHECK(coca::exif_orientation(block({18, 1, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0})) == 3);
  CHECK(coca::exif_orientation(block({18, 1, 99, 0, 1, 0, 0, 0, 3, 0, 0, 0})) == 6);
  CHECK(coca::exif_orientation(block({18, 1, 3, 0, 0, 0, 0, 0, 3, 0, 0, 0})) == 6);
  // The maker's name: in the block, beyond its end, longer than the block.
  CHECK(coca::exif_orientation(block({15, 1, 2, 0, 10, 0, 0, 0, 8, 0, 0, 0})) == 6);
  CHECK(coca::exif_orientation(block({15, 1, 2, 0, 10, 0, 0, 0, 200, 0, 0, 0})) == 1);
  CHECK(coca::exif_orientation(block({15, 1, 2, 0, 10, 0, 0, 0, 255, 255, 255, 255})) == 1);
  CHECK(coca::exif_orientation(block({15, 1, 2, 0, 0, 1, 0, 0, 200, 0, 0, 0})) == 6);
}

TEST_CASE("XMP has the orientation if EXIF does not") {
  const auto xmp = [](const std::string& packet) { return coca::metadata_orientation({}, packet); };
  CHECK(xmp("<rdf:Description tiff:Orientation=\"6\"/>") == 6);
  CHECK(xmp("<tiff:Orientation>8</tiff:Orientation>") == 8);
  CHECK(xmp("tiff:Orientation=\"x\" tiff:Orientation=\"5\"") == 5);
  CHECK(xmp("tiff:Orientation=\"0\" tiff:Orientation=\"5\"") == 1);
  CHECK(xmp("tiff:Orientation=\"69\"") == 6);  // Pillow looks at one digit
  CHECK(xmp("tiff:Orientation='6'") == 1);
  CHECK(xmp("tiff:Orientation = \"6\"") == 1);
  CHECK(xmp("exif:Orientation=\"6\"") == 1);
  for (const std::string packet :
       {"", "tiff:Orientation", "tiff:Orientation=", "tiff:Orientation=\"", "tiff:Orientation>"}) {
    CHECK(xmp(packet) == 1);
  }
  const std::string eight = "tiff:Orientation=\"8\"";
  CHECK(coca::metadata_orientation(little_endian_block(6), eight) == 6);
  CHECK(coca::metadata_orientation(little_endian_block(1), eight) == 1);
  CHECK(coca::metadata_orientation(little_endian_block(9), eight) == 1);  // EXIF has one
  auto other_tag = little_endian_block(6);
  other_tag[10] = 17;
  CHECK(coca::metadata_orientation(other_tag, eight) == 8);
}

TEST_CASE("All eight orientations turn a picture upright") {
  const coca::Image stored = letters(2, 3, "abcdef");
  const std::map<int, coca::Image> upright = {
      {1, letters(2, 3, "abcdef")}, {2, letters(2, 3, "badcfe")}, {3, letters(2, 3, "fedcba")},
      {4, letters(2, 3, "efcdab")}, {5, letters(3, 2, "acebdf")}, {6, letters(3, 2, "ecafdb")},
      {7, letters(3, 2, "fdbeca")}, {8, letters(3, 2, "bdface")}};
  for (const auto& [orientation, expected] : upright) {
    CAPTURE(orientation);
    CHECK(coca::apply_orientation(stored, orientation) == expected);
  }
  CHECK(coca::apply_orientation(stored, 0) == stored);
  CHECK(coca::apply_orientation(stored, 9) == stored);
}
