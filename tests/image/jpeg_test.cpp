#include "coca/image/jpeg.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "coca/image/read_image.hpp"
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

/// A row of pillow.tsv: a damaged file, and what Pillow makes of it.
struct DamagedFile {
  std::string file;
  std::string kind;  ///< of damage: xor, set, cut or end
  std::size_t at = 0;
  unsigned value = 0;
  std::string verdict;  ///< read or refused
  std::size_t width = 0;
  std::size_t height = 0;
  std::array<double, 12> means{};  ///< [2, 2, 3], of the quarters

  bool truncated() const { return kind == "cut" && value == 1; }

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> bytes = file_bytes(COCA_TEST_DATA "/damaged_image/" + file);
    if (kind == "xor") bytes.at(at) = static_cast<std::uint8_t>(bytes.at(at) ^ value);
    if (kind == "set") bytes.at(at) = static_cast<std::uint8_t>(value);
    if (kind == "cut" || kind == "end") bytes.resize(at);
    if (kind == "end") bytes.insert(bytes.end(), {0xFF, 0xD9});
    return bytes;
  }
};

std::vector<DamagedFile> damaged_files() {
  std::ifstream table(COCA_TEST_DATA "/damaged_image/pillow.tsv");
  std::vector<DamagedFile> files;
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    DamagedFile row;
    fields >> row.file >> row.kind >> row.at >> row.value >> row.verdict;
    if (row.verdict == "read") {
      fields >> row.width >> row.height;
      for (double& mean : row.means) fields >> mean;
    }
    if (!fields) throw std::runtime_error("pillow.tsv cannot be read: " + line);
    files.push_back(row);
  }
  return files;
}

/// Means of red, green and blue in the quarters of a picture, row by row.
std::array<double, 12> quarter_means(const coca::Image& image) {
  std::array<double, 12> sums{};
  std::array<double, 4> pixels{};
  for (std::size_t y = 0; y < image.height(); ++y) {
    for (std::size_t x = 0; x < image.width(); ++x) {
      const std::size_t quarter =
          (y < image.height() / 2 ? 0 : 2) + (x < image.width() / 2 ? 0 : 1);
      ++pixels[quarter];
      for (std::size_t c = 0; c < 3; ++c) sums[quarter * 3 + c] += image.at(x, y)[c];
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] /= pixels[i / 3];
  return sums;
}

/// A segment APP1 with this content.
std::vector<std::uint8_t> app1(const std::string& content) {
  const std::size_t length = content.size() + 2;
  std::vector<std::uint8_t> segment = {0xFF, 0xE1, static_cast<std::uint8_t>(length / 256),
                                       static_cast<std::uint8_t>(length % 256)};
  segment.insert(segment.end(), content.begin(), content.end());
  return segment;
}

/// Orientation of a picture with these segments before its own.
int orientation_with(const std::vector<std::string>& segments) {
  std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "gray.jpg");
  std::size_t at = 2;
  for (const std::string& content : segments) {
    const auto segment = app1(content);
    bytes.insert(bytes.begin() + at, segment.begin(), segment.end());
    at += segment.size();
  }
  return coca::decode_jpeg(bytes, "a.jpg").orientation;
}

}  // namespace

TEST_CASE("Damaged JPEG pictures are read or refused as by Pillow, with the same colours") {
  std::map<std::string, std::size_t> verdicts;
  for (const DamagedFile& row : damaged_files()) {
    CAPTURE(row.file, row.kind, row.at, row.value);
    ++verdicts[row.verdict];
    coca::DecodedImage picture;
    const std::string error = message_of<coca::FileError>([&] {
      picture = coca::decode_image(row.bytes(), "a.jpg", {.truncated = row.truncated()});
    });
    REQUIRE((error == "no error") == (row.verdict == "read"));
    if (row.verdict == "refused") continue;
    REQUIRE(picture.width == row.width);
    REQUIRE(picture.height == row.height);
    if (row.kind == "cut" || row.kind == "end" || row.kind == "set") CHECK(!picture.damage.empty());
    const auto means = quarter_means(to_rgb(picture));
    for (std::size_t i = 0; i < means.size(); ++i) {
      CAPTURE(i, means[i], row.means[i]);
      CHECK(std::abs(means[i] - row.means[i]) <= 1);
    }
  }
  CHECK(verdicts["read"] == 231);
  CHECK(verdicts["refused"] == 35);
}

TEST_CASE("Damage of a JPEG picture that could be read is reported") {
  const std::string folder = COCA_TEST_DATA "/damaged_image/";
  const auto decode = [](const std::vector<std::uint8_t>& bytes, bool truncated = false) {
    return coca::decode_jpeg(bytes, "a.jpg", {.truncated = truncated});
  };
  std::vector<std::uint8_t> bytes = file_bytes(folder + "restart.jpg");
  CHECK(decode(bytes).damage.empty());
  CHECK(decode(bytes, true).damage.empty());
  std::size_t at = 0;
  while (bytes[at] != 0xFF || bytes[at + 1] != 0xD2) ++at;
  std::vector<std::uint8_t> wrong_number = bytes;
  wrong_number[at + 1] = 0xD5;
  CHECK(decode(wrong_number).damage == "Corrupt JPEG data: found marker 0xd5 instead of RST2");
  bytes.resize(at);
  CHECK(jpeg_error(bytes) ==
        "a.jpg: the JPEG picture cannot be decoded: Premature end of JPEG file");
  CHECK(decode(bytes, true).damage == "Premature end of JPEG file");
}

TEST_CASE("The rows that are there of a truncated JPEG picture equal those of the whole one") {
  std::vector<std::uint8_t> bytes = file_bytes(COCA_TEST_DATA "/damaged_image/restart.jpg");
  const coca::Image whole = to_rgb(coca::decode_jpeg(bytes, "a.jpg"));
  std::size_t second_row = 0;  // of blocks: two intervals of three later
  while (bytes[second_row] != 0xFF || bytes[second_row + 1] != 0xD2) ++second_row;
  bytes.resize(second_row);
  const coca::Image part = to_rgb(coca::decode_jpeg(bytes, "a.jpg", {.truncated = true}));
  REQUIRE(part.height() == whole.height());
  for (std::size_t y = 0; y < 15; ++y) {  // the last is interpolated with the next block's
    CHECK(std::equal(part.row(y), part.row(y) + part.width() * 3, whole.row(y)));
  }
  CHECK(part.at(90, 60) != whole.at(90, 60));
}

TEST_CASE("A JPEG picture without any row is refused in any case") {
  const std::vector<std::uint8_t> whole = file_bytes(picture_folder + "color420.jpg");
  for (const std::size_t size : {3, 100, 300}) {
    CHECK(message_of<coca::FileError>([&] {
            coca::decode_jpeg(std::span(whole).first(size), "a.jpg", {.truncated = true});
          }).starts_with("a.jpg: the JPEG picture cannot be decoded: "));
  }
}

TEST_CASE("Orientation of a JPEG picture is found wherever Pillow finds it") {
  const std::string exif("Exif\0\0", 6);
  const std::string turned("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26);
  const std::string xmp("http://ns.adobe.com/xap/1.0/\0", 29);
  const std::string element = "<tiff:Orientation>8</tiff:Orientation>";
  CHECK(orientation_with({exif + turned}) == 6);
  CHECK(orientation_with({exif + exif + turned}) == 6);
  CHECK(orientation_with({xmp + element}) == 8);
  CHECK(orientation_with({xmp + "<x tiff:Orientation=\"3\"/>"}) == 3);
  CHECK(orientation_with({xmp + element, xmp + "<x/>"}) == 1);  // the last packet counts
  CHECK(orientation_with({xmp + element, exif + turned}) == 6);
  CHECK(orientation_with({"http://ns.adobe.com/xmp/extension/" + std::string(1, '\0') + element}) ==
        1);
  // A block in two segments, as one that is longer than 64 KiB.
  CHECK(orientation_with({exif + turned.substr(0, 12), exif + turned.substr(12)}) == 6);
  CHECK(orientation_with({turned}) == 1);
}

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
