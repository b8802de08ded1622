#include "coca/image/png.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "coca/image/read_image.hpp"
#include "expected.hpp"

#if COCA_HAS_PNG

namespace {

coca::DecodedImage decode_png_file(const std::string& name,
                                   const coca::DecodeOptions& options = {}) {
  return coca::decode_png(file_bytes(picture_folder + name), name, options);
}

std::string png_error(const std::vector<std::uint8_t>& bytes) {
  return message_of<coca::FileError>([&] { coca::decode_png(bytes, "a.png"); });
}

/// The checksum of PNG chunks, ISO 3309.
std::uint32_t crc32(const std::uint8_t* bytes, std::size_t size) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0u);
  }
  return ~crc;
}

void store(std::vector<std::uint8_t>& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
  }
}

/// A picture whose header claims other extents than its data has.
std::vector<std::uint8_t> with_extents(std::uint32_t width, std::uint32_t height) {
  std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "rgb8_key.png");
  store(bytes, 16, width);
  store(bytes, 20, height);
  store(bytes, 29, crc32(&bytes[12], 17));
  return bytes;
}

const std::map<std::string, coca::ColorMode> modes_of_files = {
    {"gray1.png", coca::ColorMode::bilevel},
    {"gray2.png", coca::ColorMode::gray},
    {"gray4.png", coca::ColorMode::gray},
    {"gray4_interlaced.png", coca::ColorMode::gray},
    {"gray8_key.png", coca::ColorMode::gray_alpha},
    {"gray16.png", coca::ColorMode::gray16},
    {"gray_alpha8.png", coca::ColorMode::gray_alpha},
    {"gray_alpha16.png", coca::ColorMode::gray_alpha},
    {"palette1_interlaced.png", coca::ColorMode::palette},
    {"palette2.png", coca::ColorMode::palette},
    {"palette4.png", coca::ColorMode::palette},
    {"palette8_alpha.png", coca::ColorMode::palette},
    {"rgb8_key.png", coca::ColorMode::rgba},
    {"rgb16_interlaced.png", coca::ColorMode::rgb},
    {"rgba8_interlaced.png", coca::ColorMode::rgba},
    {"rgba16.png", coca::ColorMode::rgba}};

}  // namespace

TEST_CASE("PNG pictures of every kind equal Pillow's") {
  const ExpectedArrays expected(picture_folder + "expected.safetensors");
  for (const auto& [name, mode] : modes_of_files) {
    CAPTURE(name);
    const coca::DecodedImage picture = decode_png_file(name);
    CHECK(picture.mode == mode);
    CHECK(to_rgb(picture) == expected.image(name + ".read"));
  }
}

TEST_CASE("The transparent colour of a PNG becomes alpha only on request") {
  CHECK(decode_png_file("rgb8_key.png", {.color_key_to_alpha = false}).mode ==
        coca::ColorMode::rgb);
  CHECK(decode_png_file("gray8_key.png", {.color_key_to_alpha = false}).mode ==
        coca::ColorMode::gray);
}

TEST_CASE("Orientation is found before and after the pixels") {
  CHECK(decode_png_file("exif7_before.png").orientation == 7);
  CHECK(decode_png_file("exif8_after.png").orientation == 8);
  CHECK(decode_png_file("gray1.png").orientation == 1);
}

TEST_CASE("A PNG picture cut before all its pixels are there is an error") {
  // Where Pillow begins to read the file.
  const std::map<std::string, std::size_t> all_pixels = {
      {"rgb16_interlaced.png", 4018}, {"palette4.png", 427}, {"exif8_after.png", 2257}};
  for (const auto& [name, enough] : all_pixels) {
    const std::vector<std::uint8_t> whole = file_bytes(picture_folder + name);
    for (std::size_t size = 8; size < enough; size += 5) {
      CAPTURE(name, size);
      CHECK(png_error({whole.begin(), whole.begin() + size})
                .starts_with("a.png: the PNG picture cannot be decoded: "));
    }
    CHECK(png_error({whole.begin(), whole.begin() + enough - 1}) ==
          "a.png: the PNG picture cannot be decoded: the file ends too early");
  }
}

TEST_CASE("A PNG picture cut after its pixels is read as by Pillow") {
  const std::map<std::string, std::size_t> all_pixels = {
      {"rgb16_interlaced.png", 4018}, {"palette4.png", 427}, {"exif8_after.png", 2257}};
  constexpr std::size_t metadata = 2275, metadata_end = 2301;  // of exif8_after.png: not all there
  for (const auto& [name, enough] : all_pixels) {
    const std::vector<std::uint8_t> whole = file_bytes(picture_folder + name);
    const coca::DecodedImage expected = decode_png_file(name);
    CHECK(expected.damage.empty());
    for (std::size_t size = enough; size < whole.size(); ++size) {
      CAPTURE(name, size);
      const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + size);
      if (name == "exif8_after.png" && size >= metadata && size < metadata_end) {
        CHECK(png_error(cut) ==
              "a.png: the PNG picture cannot be decoded: the file ends too early");
        CHECK(coca::decode_png(cut, "a.png", {.truncated = true}).samples == expected.samples);
        continue;
      }
      const coca::DecodedImage picture = coca::decode_png(cut, "a.png");
      CHECK(picture.samples == expected.samples);
      CHECK(picture.damage == "the file ends too early");
    }
  }
  const std::string no_end = COCA_TEST_DATA "/damaged_image/no_end.png";
  const coca::DecodedImage picture = coca::decode_png(file_bytes(no_end), "a.png");
  CHECK(to_rgb(picture) == coca::read_image(COCA_TEST_DATA "/orientation/upright.png"));
}

TEST_CASE("Neither a damaged end of a PNG picture nor the checksum of its pixels matters") {
  const std::vector<std::uint8_t> whole = file_bytes(picture_folder + "gray_alpha8.png");
  const auto expected = coca::decode_png(whole, "a.png").samples;
  for (std::size_t back = 1; back <= 16; ++back) {  // the end chunk, and that checksum before it
    CAPTURE(back);
    std::vector<std::uint8_t> damaged = whole;
    damaged[whole.size() - back] ^= 0x20;
    if (back >= 9 && back <= 12) continue;  // the length of a chunk, see below
    const coca::DecodedImage picture = coca::decode_png(damaged, "a.png");
    CHECK(picture.samples == expected);
    CHECK(!picture.damage.empty());
  }
  std::vector<std::uint8_t> long_end = whole;
  store(long_end, whole.size() - 12, 5);
  CHECK(coca::decode_png(long_end, "a.png").samples == expected);
  std::vector<std::uint8_t> garbage = whole;
  garbage.resize(whole.size() - 12);
  garbage.insert(garbage.end(), 40, 0xAB);
  CHECK(coca::decode_png(garbage, "a.png").samples == expected);
}

TEST_CASE("A wrong checksum of what the pixels of a PNG picture need is an error") {
  std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "palette8_alpha.png");
  for (const std::string type : {"IHDR", "PLTE", "tRNS"}) {
    CAPTURE(type);
    std::vector<std::uint8_t> damaged = bytes;
    const auto found = std::search(bytes.begin(), bytes.end(), type.begin(), type.end());
    damaged[static_cast<std::size_t>(found - bytes.begin()) + 4] ^= 1;
    CHECK(png_error(damaged).starts_with("a.png: the PNG picture cannot be decoded: "));
  }
}

TEST_CASE("The rows that are there of a truncated PNG picture are read on request") {
  const std::vector<std::uint8_t> whole = file_bytes(picture_folder + "gray2.png");
  const coca::DecodedImage expected = decode_png_file("gray2.png");
  const std::vector<std::uint8_t> cut(whole.begin(), whole.end() - 60);
  CHECK(png_error(cut) == "a.png: the PNG picture cannot be decoded: the file ends too early");
  const coca::DecodedImage part = coca::decode_png(cut, "a.png", {.truncated = true});
  CHECK(part.damage == "the file ends too early");
  REQUIRE(part.samples.size() == expected.samples.size());
  std::size_t same = 0;
  while (same < part.height &&
         std::equal(&part.samples[same * part.width], &part.samples[same * part.width] + part.width,
                    &expected.samples[same * part.width])) {
    ++same;
  }
  CHECK(same == 8);  // of 29, as with Pillow's LOAD_TRUNCATED_IMAGES
  for (std::size_t i = same * part.width; i < part.samples.size(); ++i) CHECK(part.samples[i] == 0);
  CHECK(message_of<coca::FileError>([&] {
          coca::decode_png(std::span(whole).first(45), "a.png", {.truncated = true});
        }) == "a.png: the PNG picture cannot be decoded: the file ends too early");
}

TEST_CASE("PNG headers that claim too much are refused before memory is allocated") {
  CHECK(png_error(with_extents(100'000, 100'000)) ==
        "a.png: the picture claims 100000 x 100000 pixels, more than the limit of 178956970 "
        "pixels");
  CHECK(png_error(with_extents(0x7FFFFFFF, 0x7FFFFFFF))
            .starts_with("a.png: the picture claims 2147483647 x 2147483647 pixels"));
  CHECK(png_error(with_extents(13'000, 13'000)) ==
        "a.png: the PNG picture is truncated: it claims 507000000 bytes of pixels in a file of "
        "2297");
  CHECK(png_error(with_extents(0, 5)).starts_with("a.png: the PNG picture cannot be decoded: "));
  CHECK(png_error(with_extents(37, 30)).starts_with("a.png: the PNG picture cannot be decoded: "));
  CHECK(message_of<coca::FileError>([] {
          coca::decode_png(file_bytes(picture_folder + "gray1.png"), "b.png", {.max_pixels = 1000});
        }) == "b.png: the picture claims 37 x 29 pixels, more than the limit of 1000 pixels");
}

TEST_CASE("A chunk that claims more than the file holds is an error") {
  // Once made libpng 1.6.39 allocate 1.9 GB; the fuzz target for PNG found it.
  std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "exif7_before.png");
  store(bytes, 33, 0x70000000);  // eXIf, the first chunk after the header
  CHECK(png_error(bytes) == "a.png: the PNG picture cannot be decoded: the file ends too early");
}

TEST_CASE("Damaged PNG data is noticed") {
  const std::vector<std::uint8_t> whole = file_bytes(picture_folder + "palette8_alpha.png");
  std::size_t refused = 0;
  for (std::size_t i = 8; i < whole.size(); ++i) {
    std::vector<std::uint8_t> damaged = whole;
    damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ 0x10);
    refused += png_error(damaged) != "no error";
  }
  // Damage to chunks that are not needed is tolerated; damage to pixels and palette never is.
  CHECK(refused > whole.size() / 2);
}

TEST_CASE("What is encoded is decoded back") {
  for (const auto& [width, height] : {std::pair{1, 1}, std::pair{37, 29}, std::pair{3, 500}}) {
    const coca::Image image = test_image(width, height);
    CHECK(to_rgb(coca::decode_png(coca::encode_png(image), "again")) == image);
  }
  CHECK(message_of<coca::ArgumentError>([] { coca::encode_png(coca::Image()); }) ==
        "a PNG picture has 1 to 2147483647 pixels per side, got 0 x 0");
}

#else

TEST_CASE("Without libpng the messages say so") {
  CHECK(message_of<coca::UnavailableError>([] { coca::decode_png({}, "a.png"); }) ==
        "a.png: a PNG picture, but this build has no libpng");
  CHECK(message_of<coca::UnavailableError>([] { coca::encode_png(coca::Image(1, 1)); }) ==
        "a picture cannot be encoded as PNG: this build has no libpng");
}

#endif
