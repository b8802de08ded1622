#include "coca/image/exif.hpp"

#include <cstdint>
#include <map>
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

TEST_CASE("All eight orientations rotate a picture upright") {
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
