#include "coca/image/webp.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "expected.hpp"

#if COCA_HAS_WEBP

namespace {

std::string webp_error(const std::vector<std::uint8_t>& bytes,
                       const coca::DecodeOptions& options = {}) {
  return message_of<coca::FileError>([&] { coca::decode_webp(bytes, "a.webp", options); });
}

}  // namespace

TEST_CASE("WebP pictures of every kind equal Pillow's") {
  const ExpectedArrays expected(picture_folder + "expected.safetensors");
  for (const std::string name : {"lossy.webp", "lossy_alpha.webp", "lossless_alpha.webp",
                                 "animation.webp", "animation_offset.webp"}) {
    CAPTURE(name);
    const coca::DecodedImage picture = coca::decode_webp(file_bytes(picture_folder + name), name);
    const auto difference = compare(to_rgb(picture), expected.image(name + ".read"));
    CHECK(difference.largest <= 1);
    CHECK(difference.equal_fraction >= 0.999);
  }
}

TEST_CASE("An opaque frame is placed on a transparent canvas") {
  const std::vector<std::uint8_t> still = file_bytes(picture_folder + "lossy.webp");
  const coca::Image frame = to_rgb(coca::decode_webp(still, "lossy.webp"));
  // The container of the animation up to its frame's data, then the still picture's only chunk.
  constexpr std::size_t frame_data = 12 + 18 + 14 + 8 + 16;
  std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "animation_offset.webp");
  bytes.resize(frame_data);
  bytes.insert(bytes.end(), still.begin() + 12, still.end());
  const auto store = [&](std::size_t at, std::size_t size) {
    bytes[at] = static_cast<std::uint8_t>(size % 256);
    bytes[at + 1] = static_cast<std::uint8_t>(size / 256);
  };
  store(4, bytes.size() - 8);
  store(12 + 18 + 14 + 4, bytes.size() - frame_data + 16);
  const coca::Image canvas = to_rgb(coca::decode_webp(bytes, "animation"));
  CHECK(canvas.width() == 50);
  CHECK(canvas.height() == 40);
  CHECK(canvas.at(3, 6) == coca::Rgb{255, 255, 255});
  CHECK(canvas.at(4, 6) == frame.at(0, 0));
  CHECK(canvas.at(40, 34) == frame.at(36, 28));
}

TEST_CASE("WebP modes and orientation are those of the file") {
  const auto decode = [](const std::string& name) {
    return coca::decode_webp(file_bytes(picture_folder + name), name);
  };
  CHECK(decode("lossy.webp").mode == coca::ColorMode::rgb);
  CHECK(decode("lossless_alpha.webp").mode == coca::ColorMode::rgba);
  CHECK(decode("exif6.webp").orientation == 6);
  CHECK(decode("lossy.webp").orientation == 1);
}

TEST_CASE("Orientation of a WebP picture is that of the EXIF or XMP that its header announces") {
  constexpr char exif = 0x08, xmp = 0x04;
  const std::string turned("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26);
  const std::string element = "<tiff:Orientation>8</tiff:Orientation> ";
  const std::string prefix("Exif\0\0Exif\0\0", 12);
  const auto chunk = [](const std::string& type, const std::string& data) {
    std::string bytes = type + static_cast<char>(data.size()) + std::string(3, '\0') + data;
    return data.size() % 2 == 0 ? bytes : bytes + '\0';
  };
  const auto orientation = [&](char flags, const std::string& chunks) {
    const std::vector<std::uint8_t> still = file_bytes(picture_folder + "lossy.webp");
    std::string bytes(still.begin(), still.begin() + 12);
    const std::string extents("\x24\0\0\x1C\0\0", 6);  // 37 x 29
    bytes += chunk("VP8X", flags + std::string(3, '\0') + extents);
    bytes.append(still.begin() + 12, still.end());
    bytes += chunks;
    bytes[4] = static_cast<char>((bytes.size() - 8) % 256);
    bytes[5] = static_cast<char>((bytes.size() - 8) / 256);
    return coca::decode_webp(std::vector<std::uint8_t>(bytes.begin(), bytes.end()), "a.webp")
        .orientation;
  };
  CHECK(orientation(exif, chunk("EXIF", turned)) == 6);
  CHECK(orientation(exif, chunk("EXIF", prefix + turned)) == 6);
  CHECK(orientation(0, chunk("EXIF", turned)) == 1);
  CHECK(orientation(xmp, chunk("XMP ", element)) == 8);
  CHECK(orientation(exif, chunk("XMP ", element)) == 1);
  CHECK(orientation(exif | xmp, chunk("EXIF", turned) + chunk("XMP ", element)) == 6);
  CHECK(orientation(exif | xmp, chunk("EXIF", "") + chunk("XMP ", element)) == 8);
}

TEST_CASE("A WebP picture cut anywhere is an error") {
  for (const std::string name : {"lossy.webp", "lossless_alpha.webp", "animation_offset.webp"}) {
    const std::vector<std::uint8_t> whole = file_bytes(picture_folder + name);
    for (std::size_t size = 12; size < whole.size(); size += 3) {
      CAPTURE(name, size);
      std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + size);
      CHECK(webp_error(cut) == "a.webp: the WebP picture is truncated: its header claims " +
                                   std::to_string(whole.size()) + " bytes, the file has " +
                                   std::to_string(size));
      // The same with a header that hides the cut.
      cut[4] = static_cast<std::uint8_t>((size - 8) % 256);
      cut[5] = static_cast<std::uint8_t>((size - 8) / 256);
      CHECK(webp_error(cut).starts_with("a.webp: the WebP "));
    }
  }
}

TEST_CASE("WebP limits hold for pictures, canvases and frames") {
  CHECK(webp_error(file_bytes(picture_folder + "lossy.webp"), {.max_pixels = 1000}) ==
        "a.webp: the picture claims 37 x 29 pixels, more than the limit of 1000 pixels");
  std::vector<std::uint8_t> animation = file_bytes(picture_folder + "animation_offset.webp");
  animation[24] = animation[25] = 0xFF;  // the canvas, of the chunk VP8X: 65536 columns
  animation[28] = 0x1F;                  // and 7976 rows
  CHECK(webp_error(animation) ==
        "a.webp: the picture claims 65536 x 7976 pixels, more than the limit of 178956970 pixels");
  animation = file_bytes(picture_folder + "animation_offset.webp");
  animation[24] = 36;  // a canvas as wide as the frame, which begins in column 4
  CHECK(webp_error(animation) ==
        "a.webp: the WebP animation cannot be decoded: its first frame of 37 x 29 pixels does "
        "not fit on its canvas");
}

TEST_CASE("Damaged WebP data neither crashes nor hangs") {
  for (const std::string name : {"lossy_alpha.webp", "animation_offset.webp"}) {
    const std::vector<std::uint8_t> whole = file_bytes(picture_folder + name);
    std::size_t refused = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      std::vector<std::uint8_t> damaged = whole;
      damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ 0x81);
      refused += webp_error(damaged) != "no error";
    }
    CHECK(refused >= 12);  // the container's own header at least
  }
}

TEST_CASE("Other files are not WebP pictures") {
  CHECK(webp_error({'R', 'I', 'F', 'F'}) == "a.webp: not a WebP picture");
}

#else

TEST_CASE("Without libwebp the message says so") {
  CHECK(message_of<coca::UnavailableError>([] { coca::decode_webp({}, "a.webp"); }) ==
        "a.webp: a WebP picture, but this build has no libwebp");
}

#endif
