#include "coca/image/jpeg.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "expected.hpp"

#if COCA_HAS_JPEG

namespace {

coca::DecodedImage decode_jpeg_file(const std::string& name) {
  return coca::decode_jpeg(file_bytes(picture_folder + name), name);
}

std::string jpeg_error(const std::vector<std::uint8_t>& bytes) {
  return message_of<coca::FileError>([&] { coca::decode_jpeg(bytes, "a.jpg"); });
}

/// Position of the height in the frame header, whose marker is 0xFFC0 or 0xFFC2.
std::size_t frame_header(const std::vector<std::uint8_t>& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == 0xFF && (bytes[i + 1] == 0xC0 || bytes[i + 1] == 0xC2)) return i + 5;
  }
  throw std::runtime_error("no frame header");
}

}  // namespace

TEST_CASE("JPEG pictures of every kind equal Pillow's") {
  const ExpectedArrays expected(picture_folder + "expected.safetensors");
  for (const std::string name : {"color420.jpg", "progressive444.jpg", "gray.jpg", "cmyk.jpg",
                                 "ycck.jpg", "arithmetic.jpg"}) {
    CAPTURE(name);
    const auto difference = compare(to_rgb(decode_jpeg_file(name)), expected.image(name + ".read"));
    CHECK(difference.largest <= 1);
    CHECK(difference.equal_fraction >= 0.999);
  }
}

TEST_CASE("JPEG modes are those of the file") {
  CHECK(decode_jpeg_file("gray.jpg").mode == coca::ColorMode::gray);
  CHECK(decode_jpeg_file("color420.jpg").mode == coca::ColorMode::rgb);
  CHECK(decode_jpeg_file("cmyk.jpg").mode == coca::ColorMode::cmyk);
  CHECK(decode_jpeg_file("ycck.jpg").mode == coca::ColorMode::cmyk);
  CHECK(decode_jpeg_file("exif5.jpg").orientation == 5);
  CHECK(decode_jpeg_file("gray.jpg").orientation == 1);
}

TEST_CASE("A JPEG picture truncated anywhere is an error") {
  for (const std::string name : {"color420.jpg", "progressive444.jpg", "gray.jpg", "ycck.jpg"}) {
    const std::vector<std::uint8_t> whole = file_bytes(picture_folder + name);
    for (std::size_t size = 3; size < whole.size(); size += 7) {
      CAPTURE(name, size);
      const std::string error = jpeg_error({whole.begin(), whole.begin() + size});
      CHECK(error.starts_with("a.jpg: the JPEG picture "));
    }
    CHECK(jpeg_error({whole.begin(), whole.end() - 40}) ==
          "a.jpg: the JPEG picture cannot be decoded: Premature end of JPEG file");
  }
}

TEST_CASE(
    "A JPEG picture without its end marker is read where all rows are there, as Pillow does") {
  const auto with_end = [](const std::string& name, std::vector<std::uint8_t> end) {
    std::vector<std::uint8_t> bytes = file_bytes(picture_folder + name);
    bytes.resize(bytes.size() - 2);
    bytes.insert(bytes.end(), end.begin(), end.end());
    return bytes;
  };
  const std::vector<std::uint8_t> zeros(4, 0);
  for (const std::string name : {"cmyk.jpg", "ycck.jpg"}) {
    CAPTURE(name);
    CHECK(coca::decode_jpeg(with_end(name, zeros), name).samples == decode_jpeg_file(name).samples);
  }
  for (const std::string name : {"color420.jpg", "gray.jpg", "cmyk.jpg", "progressive444.jpg"}) {
    CAPTURE(name);  // the decoder looks ahead, and these bytes end where the last row does
    CHECK(jpeg_error(with_end(name, {})) ==
          "a.jpg: the JPEG picture cannot be decoded: Premature end of JPEG file");
  }
  CHECK(jpeg_error(with_end("gray.jpg", zeros)).ends_with("Premature end of JPEG file"));
  CHECK(jpeg_error(with_end("progressive444.jpg", zeros)).ends_with("Premature end of JPEG file"));
  const std::vector<std::uint8_t> cut_marker{0, 0, 0, 0, 0xFF, 0xDA};
  CHECK(coca::decode_jpeg(with_end("gray.jpg", cut_marker), "").samples ==
        decode_jpeg_file("gray.jpg").samples);
}

TEST_CASE("JPEG headers that claim too much are refused before memory is allocated") {
  std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "color420.jpg");
  const std::size_t at = frame_header(bytes);
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = 0xFA;  // 64250 x 64250
  CHECK(jpeg_error(bytes) ==
        "a.jpg: the picture claims 64250 x 64250 pixels, more than the limit of 178956970 pixels");
  bytes[at] = bytes[at + 2] = 0x27;  // 10234 x 10234 fits the limit, but not these bytes
  CHECK(jpeg_error(bytes) ==
        "a.jpg: the JPEG picture is truncated: it claims 104734756 pixels in 1125 bytes");
  CHECK(message_of<coca::FileError>([] {
          coca::decode_jpeg(file_bytes(picture_folder + "gray.jpg"), "b.jpg", {.max_pixels = 1000});
        }) == "b.jpg: the picture claims 37 x 29 pixels, more than the limit of 1000 pixels");
}

TEST_CASE("Damaged JPEG data is an error, whatever bytes are hit") {
  const std::vector<std::uint8_t> whole = file_bytes(picture_folder + "progressive444.jpg");
  std::size_t refused = 0;
  for (std::size_t i = 2; i < whole.size(); ++i) {  // must neither crash nor hang
    std::vector<std::uint8_t> damaged = whole;
    damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ 0x5A);
    refused += jpeg_error(damaged) != "no error";
  }
  CHECK(refused > whole.size() / 4);
}

TEST_CASE("Two components are refused") {
  // A frame header of two components, 8 x 8 pixels, without tables.
  const std::vector<std::uint8_t> bytes = {
      0xFF, 0xD8, 0xFF, 0xC0, 0, 14, 8, 0, 8, 0, 8,  2, 1, 0x11, 0,   2, 0x11, 0,  // SOF0
      0xFF, 0xDA, 0,    10,   2, 1,  0, 2, 0, 0, 63, 0, 0, 0xFF, 0xD9};
  CHECK(jpeg_error(bytes) == "a.jpg: a JPEG picture has 1, 3 or 4 components, this one has 2");
}

#else

TEST_CASE("Without libjpeg the message says so") {
  CHECK(message_of<coca::UnavailableError>([] { coca::decode_jpeg({}, "a.jpg"); }) ==
        "a.jpg: a JPEG picture, but this build has no libjpeg");
}

#endif
