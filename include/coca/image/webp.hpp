#pragma once
/// @file
/// WebP decoding by libwebp: lossy, lossless, with or without alpha, and the first frame of an
/// animation. The RIFF container is read here, so that libwebpdemux is not needed.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/exif.hpp"

#if COCA_HAS_WEBP
#include <webp/decode.h>
#endif

namespace coca {

/// Whether the bytes begin as a WebP file does.
inline bool is_webp(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 12 && std::memcmp(bytes.data(), "RIFF", 4) == 0 &&
         std::memcmp(bytes.data() + 8, "WEBP", 4) == 0;
}

namespace detail {

/// Little-endian integer of `size` bytes.
inline std::uint32_t webp_integer(const std::uint8_t* bytes, std::size_t size) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

/// Data of the first chunk of that type; the RIFF header has been checked.
inline std::optional<std::span<const std::uint8_t>> webp_chunk(std::span<const std::uint8_t> bytes,
                                                               const char* type) {
  constexpr std::size_t head = 8;  // type and length
  std::size_t position = 12;       // after "RIFF", the size of the file, "WEBP"
  while (position <= bytes.size() && head <= bytes.size() - position) {
    const std::size_t length = webp_integer(&bytes[position + 4], 4);
    const bool found = std::memcmp(&bytes[position], type, 4) == 0;
    position += head;
    if (length > bytes.size() - position) return std::nullopt;
    if (found) return bytes.subspan(position, length);
    position += length + length % 2;
  }
  return std::nullopt;
}

/// Data of the first chunk of that type, of a picture whose extended header says that it has one.
/// libwebp, and Pillow with it, does not look for others.
inline std::span<const std::uint8_t> webp_metadata(std::span<const std::uint8_t> bytes,
                                                   const char* type, std::uint8_t flag) {
  constexpr std::size_t first_chunk = 12;
  if (std::memcmp(&bytes[first_chunk], "VP8X", 4) != 0) return {};
  const auto header = webp_chunk(bytes, "VP8X");
  if (!header || header->empty() || ((*header)[0] & flag) == 0) return {};
  return webp_chunk(bytes, type).value_or(std::span<const std::uint8_t>());
}

inline int webp_orientation(std::span<const std::uint8_t> bytes) {
  constexpr std::uint8_t has_exif = 0x08;
  constexpr std::uint8_t has_xmp = 0x04;
  const auto exif = webp_metadata(bytes, "EXIF", has_exif);
  const auto xmp = webp_metadata(bytes, "XMP ", has_xmp);
  return metadata_orientation(exif, {reinterpret_cast<const char*>(xmp.data()), xmp.size()});
}

/// @throws FileError when the file is shorter than its header says.
inline void webp_check_size(std::span<const std::uint8_t> bytes, const std::string& name) {
  const std::size_t claimed = std::size_t{webp_integer(&bytes[4], 4)} + 8;
  if (claimed <= bytes.size()) return;
  throw FileError(name, "the WebP picture is truncated: its header claims " +
                            counted(claimed, "byte") + ", the file has " +
                            std::to_string(bytes.size()));
}

/// The position of an animation's first frame on its canvas, and its coded pixels.
struct WebpFrame {
  std::size_t canvas_width = 0;
  std::size_t canvas_height = 0;
  std::size_t left = 0;
  std::size_t top = 0;
  std::span<const std::uint8_t> data;
};

inline WebpFrame webp_first_frame(std::span<const std::uint8_t> bytes, const std::string& name) {
  constexpr std::size_t canvas_head = 10;
  constexpr std::size_t frame_head = 16;
  const auto canvas = webp_chunk(bytes, "VP8X");
  const auto frame = webp_chunk(bytes, "ANMF");
  if (!canvas || canvas->size() < canvas_head || !frame || frame->size() < frame_head) {
    throw FileError(name, "the WebP animation cannot be decoded: it has no complete frame");
  }
  return {.canvas_width = webp_integer(canvas->data() + 4, 3) + std::size_t{1},
          .canvas_height = webp_integer(canvas->data() + 7, 3) + std::size_t{1},
          .left = webp_integer(frame->data(), 3) * std::size_t{2},
          .top = webp_integer(frame->data() + 3, 3) * std::size_t{2},
          .data = frame->subspan(frame_head)};
}

}  // namespace detail

#if COCA_HAS_WEBP
namespace detail {

inline std::string webp_status_text(VP8StatusCode status) {
  constexpr std::array<const char*, 8> texts = {
      "no error",           "out of memory",          "an invalid parameter",   "damaged data",
      "an unknown feature", "decoding was suspended", "decoding was cancelled", "it is truncated"};
  const auto index = static_cast<std::size_t>(status);
  return index < texts.size() ? texts[index] : "an unknown error";
}

inline void webp_check(VP8StatusCode status, const std::string& name) {
  if (status == VP8_STATUS_OK) return;
  throw FileError(name, "the WebP picture cannot be decoded: " + webp_status_text(status));
}

/// A still picture: a whole file, or the data of one frame.
inline DecodedImage webp_decode_still(std::span<const std::uint8_t> bytes,
                                      const WebPBitstreamFeatures& features,
                                      const std::string& name) {
  DecodedImage picture;
  picture.mode = features.has_alpha ? ColorMode::rgba : ColorMode::rgb;
  picture.width = static_cast<std::size_t>(features.width);
  picture.height = static_cast<std::size_t>(features.height);
  const std::size_t stride = picture.width * bytes_per_pixel(picture.mode);
  picture.samples.resize(stride * picture.height);
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw Error("libwebp is of another version than built");
  config.output.colorspace = features.has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA = {picture.samples.data(), static_cast<int>(stride), picture.samples.size()};
  webp_check(WebPDecode(bytes.data(), bytes.size(), &config), name);
  return picture;
}

/// Puts a frame on its transparent canvas.
inline DecodedImage webp_place(DecodedImage frame, const WebpFrame& place) {
  if (frame.width == place.canvas_width && frame.height == place.canvas_height) return frame;
  DecodedImage canvas;
  canvas.mode = ColorMode::rgba;
  canvas.width = place.canvas_width;
  canvas.height = place.canvas_height;
  canvas.samples.resize(canvas.width * canvas.height * 4);
  const std::size_t step = bytes_per_pixel(frame.mode);
  for (std::size_t y = 0; y < frame.height; ++y) {
    for (std::size_t x = 0; x < frame.width; ++x) {
      const std::uint8_t* source = &frame.samples[(y * frame.width + x) * step];
      std::uint8_t* target = &canvas.samples[((place.top + y) * canvas.width + place.left + x) * 4];
      target[3] = 255;  // replaced by the frame's own opacity if it has one
      std::copy_n(source, step, target);
    }
  }
  return canvas;
}

inline DecodedImage webp_decode_animation(std::span<const std::uint8_t> bytes,
                                          const std::string& name, const DecodeOptions& options) {
  const WebpFrame frame = webp_first_frame(bytes, name);
  check_extents(name, frame.canvas_width, frame.canvas_height, options);
  WebPBitstreamFeatures features;
  webp_check(WebPGetFeatures(frame.data.data(), frame.data.size(), &features), name);
  const auto width = static_cast<std::size_t>(features.width);
  const auto height = static_cast<std::size_t>(features.height);
  if (features.has_animation || width > frame.canvas_width || height > frame.canvas_height ||
      frame.left > frame.canvas_width - width || frame.top > frame.canvas_height - height) {
    throw FileError(name, "the WebP animation cannot be decoded: its first frame of " +
                              std::to_string(width) + " x " + std::to_string(height) +
                              " pixels does not fit on its canvas");
  }
  return webp_place(webp_decode_still(frame.data, features, name), frame);
}

}  // namespace detail

/// Decodes a WebP file in memory to mode rgb or rgba; of an animation, its first frame.
/// @param name the file's name in error messages
/// @throws FileError for anything that is damaged, truncated, too large or not a WebP picture.
inline DecodedImage decode_webp(std::span<const std::uint8_t> bytes, const std::string& name,
                                const DecodeOptions& options = {}) {
  if (!is_webp(bytes)) throw FileError(name, "not a WebP picture");
  detail::webp_check_size(bytes, name);
  WebPBitstreamFeatures features;
  detail::webp_check(WebPGetFeatures(bytes.data(), bytes.size(), &features), name);
  DecodedImage picture;
  if (features.has_animation) {
    picture = detail::webp_decode_animation(bytes, name, options);
  } else {
    detail::check_extents(name, static_cast<std::size_t>(features.width),
                          static_cast<std::size_t>(features.height), options);
    picture = detail::webp_decode_still(bytes, features, name);
  }
  picture.orientation = detail::webp_orientation(bytes);
  return picture;
}

#else

/// @throws UnavailableError always: this build has no libwebp.
inline DecodedImage decode_webp(std::span<const std::uint8_t>, const std::string& name,
                                const DecodeOptions& = {}) {
  throw UnavailableError(name + ": a WebP picture, but this build has no libwebp");
}

#endif

}  // namespace coca
