#pragma once
/// @file
/// PNG decoding and encoding by libpng. Decodes to the modes that Pillow decodes to: 16-bit colour
/// keeps its upper bytes, gray of 2 and 4 bits is scaled to 8, palettes stay palettes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/image.hpp"
#include "coca/image/png_chunks.hpp"

#if COCA_HAS_PNG
#include <png.h>

#include <csetjmp>
#include <cstdio>
#endif

namespace coca {

/// Whether the bytes begin as a PNG file does.
inline bool is_png(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), "\x89PNG\r\n\x1A\n", 8) == 0;
}

#if COCA_HAS_PNG
namespace detail {

/// What libpng's callbacks share with the code that starts them. libpng reports errors by longjmp,
/// so that each function that calls setjmp has no local objects.
struct PngState {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf failure{};
  std::array<char, 200> message{};
  std::array<char, 200> damage{};  // the first warning about the pixels
  bool in_pixels = false;
  // reading
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  std::size_t position = 0;
  std::size_t cut_pixels = PngMetadata::none;
  // writing
  std::vector<std::uint8_t>* output = nullptr;
  bool out_of_memory = false;
};

[[noreturn]] inline void png_fail(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message.data(), state->message.size(), "%s", message);
  std::longjmp(state->failure, 1);
}

/// Warnings about the pixels are damage. Of earlier warnings one matters: libpng would continue
/// without the transparency if its checksum is wrong.
inline void png_warn(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  if (std::strcmp(message, "tRNS: CRC error") == 0) png_fail(png, message);
  if (!state->in_pixels || state->damage[0] != '\0') return;
  std::snprintf(state->damage.data(), state->damage.size(), "%s", message);
}

/// The next bytes of the file. If the file ends in a chunk of pixels, the chunk's length is
/// reported as what is there, so that libpng decodes them up to the end.
inline void png_read_bytes(png_structp png, png_bytep target, std::size_t count) {
  constexpr std::size_t head = 8;
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (count > state->size - state->position) png_error(png, "the file ends too early");
  std::memcpy(target, state->data + state->position, count);
  if (state->position == state->cut_pixels && count == head) {
    png_save_uint_32(target, static_cast<png_uint_32>(state->size - state->position - head));
  }
  state->position += count;
}

/// Owner of libpng's structures for reading.
struct PngReader : PngState {
  explicit PngReader(std::span<const std::uint8_t> bytes) {
    data = bytes.data();
    size = bytes.size();
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<PngState*>(this), png_fail,
                                 png_warn);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) png_destroy_read_struct(&png, nullptr, nullptr);
    if (info == nullptr)
      throw Error("libpng cannot be initialised: out of memory, or a wrong version");
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

/// @param strict whether a wrong checksum of transparency matters; those of the header and of the
/// palette always do
inline bool png_read_header(PngReader& reader, bool strict) {
  if (setjmp(reader.failure) != 0) return false;
  if (!strict) png_set_crc_action(reader.png, PNG_CRC_DEFAULT, PNG_CRC_QUIET_USE);
  // Our own limit on pixels is checked after this; libpng's of a million columns would be first.
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_read_fn(reader.png, static_cast<PngState*>(&reader), png_read_bytes);
  // Only the header, palette, transparency and pixels: libpng trusts the lengths of others when
  // it allocates, and its gamma and profiles change nothing here.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  return true;
}

inline bool png_has_key(const PngReader& reader) {
  return png_get_valid(reader.png, reader.info, PNG_INFO_tRNS) != 0;
}

/// Asks libpng for one of our modes, which png_chosen_mode() then detects.
inline bool png_set_transformations(PngReader& reader, bool color_key_to_alpha) {
  if (setjmp(reader.failure) != 0) return false;
  png_set_packing(reader.png);
  if (png_get_color_type(reader.png, reader.info) != PNG_COLOR_TYPE_PALETTE) {
    if (png_get_bit_depth(reader.png, reader.info) < 8) {
      png_set_expand_gray_1_2_4_to_8(reader.png);
    }
    if (color_key_to_alpha && png_has_key(reader)) png_set_tRNS_to_alpha(reader.png);
    if (png_get_color_type(reader.png, reader.info) == PNG_COLOR_TYPE_GRAY &&
        !(color_key_to_alpha && png_has_key(reader))) {
      png_set_swap(reader.png);  // 16-bit gray, little endian
    } else {
      png_set_strip_16(reader.png);
    }
  }
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

inline ColorMode png_chosen_mode(const PngReader& reader, bool bilevel) {
  switch (png_get_color_type(reader.png, reader.info)) {
    case PNG_COLOR_TYPE_PALETTE:
      return ColorMode::palette;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return ColorMode::gray_alpha;
    case PNG_COLOR_TYPE_RGB:
      return ColorMode::rgb;
    case PNG_COLOR_TYPE_RGB_ALPHA:
      return ColorMode::rgba;
    default:
      if (png_get_bit_depth(reader.png, reader.info) == 16) return ColorMode::gray16;
      return bilevel ? ColorMode::bilevel : ColorMode::gray;
  }
}

/// The checksum of pixels does not matter, as zlib has its own; Pillow does not look at it either.
inline bool png_decode_rows(PngReader& reader, png_bytepp rows) {
  if (setjmp(reader.failure) != 0) return false;
  reader.in_pixels = true;
  png_set_crc_action(reader.png, PNG_CRC_WARN_USE, PNG_CRC_DEFAULT);
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

/// Whether libpng had decoded all rows before it failed.
inline bool png_has_all_rows(const PngReader& reader) {
  constexpr int passes = 7;
  if (png_get_interlace_type(reader.png, reader.info) != PNG_INTERLACE_NONE) {
    return png_get_current_pass_number(reader.png) >= passes;
  }
  return png_get_current_row_number(reader.png) >= png_get_image_height(reader.png, reader.info);
}

/// Whether libpng had decoded any row before it failed.
inline bool png_has_some_rows(const PngReader& reader) {
  return png_get_current_pass_number(reader.png) > 0 || png_get_current_row_number(reader.png) > 0;
}

inline void png_read_palette(const PngReader& reader, DecodedImage& picture) {
  png_colorp colors = nullptr;
  int count = 0;
  png_get_PLTE(reader.png, reader.info, &colors, &count);
  for (auto& entry : picture.palette) entry = {0, 0, 0, 255};
  for (int i = 0; i < count && i < 256; ++i) {
    picture.palette[i] = {colors[i].red, colors[i].green, colors[i].blue, 255};
  }
  png_bytep opacities = nullptr;
  int opacity_count = 0;
  if (!png_has_key(reader)) return;
  png_get_tRNS(reader.png, reader.info, &opacities, &opacity_count, nullptr);
  for (int i = 0; opacities != nullptr && i < opacity_count && i < 256; ++i) {
    picture.palette[i][3] = opacities[i];
  }
}

/// deflate shrinks at most 1032 times; a header that claims more is not worth its memory.
inline void png_check_plausible(const PngReader& reader, const std::string& name) {
  constexpr std::size_t max_ratio = 1032;
  const std::size_t height = png_get_image_height(reader.png, reader.info);
  const std::size_t stored = png_get_rowbytes(reader.png, reader.info) * height;
  if (stored / max_ratio <= reader.size) return;
  throw FileError(name, "the PNG picture is truncated: it claims " + counted(stored, "byte") +
                            " of pixels in a file of " + std::to_string(reader.size));
}

/// Decodes the pixels; those of missing rows are zero. @return false if the picture is
/// refused; reader.message says why.
inline bool png_fill(PngReader& reader, DecodedImage& picture, bool truncated) {
  const std::size_t row_bytes = picture.width * bytes_per_pixel(picture.mode);
  picture.samples.resize(row_bytes * picture.height);
  std::vector<png_bytep> rows(picture.height);
  for (std::size_t y = 0; y < picture.height; ++y) rows[y] = &picture.samples[y * row_bytes];
  const bool whole = png_decode_rows(reader, rows.data());
  if (!whole && !(truncated ? png_has_some_rows(reader) : png_has_all_rows(reader))) return false;
  picture.damage = reader.damage[0] != '\0' ? reader.damage.data() : reader.message.data();
  return true;
}

}  // namespace detail

/// Decodes a PNG file in memory: every bit depth, colour type and interlacing.
/// @param name what errors call the file
/// @throws FileError for anything whose pixels libpng cannot decode, that is too large, not a PNG
/// picture, or, unless the options say otherwise, cut off before all rows are there or within a
/// chunk after them. The checksum of the pixels and the end chunk do not matter.
inline DecodedImage decode_png(std::span<const std::uint8_t> bytes, const std::string& name,
                               const DecodeOptions& options = {}) {
  const detail::PngMetadata metadata = detail::read_png_metadata(bytes);
  detail::PngReader reader(bytes);
  reader.cut_pixels = metadata.cut_pixels;
  const auto fail = [&] {
    throw FileError(name,
                    std::string("the PNG picture cannot be decoded: ") + reader.message.data());
  };
  if (!detail::png_read_header(reader, !options.truncated)) fail();
  DecodedImage picture;
  picture.width = png_get_image_width(reader.png, reader.info);
  picture.height = png_get_image_height(reader.png, reader.info);
  detail::check_extents(name, picture.width, picture.height, options);
  if (!options.truncated) detail::png_check_plausible(reader, name);
  const bool bilevel = png_get_bit_depth(reader.png, reader.info) == 1;
  if (!detail::png_set_transformations(reader, options.color_key_to_alpha)) fail();
  picture.mode = detail::png_chosen_mode(reader, bilevel);
  if (picture.mode == ColorMode::palette) detail::png_read_palette(reader, picture);
  picture.orientation = metadata.orientation;
  if (!detail::png_fill(reader, picture, options.truncated)) fail();
  if (metadata.cut_after_pixels && !options.truncated) fail();
  return picture;
}

namespace detail {

inline void png_append_bytes(png_structp png, png_bytep bytes, std::size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  try {
    state->output->insert(state->output->end(), bytes, bytes + count);
  } catch (...) {  // must not pass through libpng's frames
    state->out_of_memory = true;
  }
  if (state->out_of_memory) png_error(png, "out of memory");
}

inline void png_flush_nothing(png_structp) {}

/// Owner of libpng's structures for writing.
struct PngWriter : PngState {
  PngWriter() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<PngState*>(this), png_fail,
                                  png_warn);
    if (png != nullptr) info = png_create_info_struct(png);
    if (info == nullptr) png_destroy_write_struct(&png, nullptr);
    if (info == nullptr)
      throw Error("libpng cannot be initialised: out of memory, or a wrong version");
  }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png, &info); }
};

inline bool png_encode_rows(PngWriter& writer, const Image& image) {
  if (setjmp(writer.failure) != 0) return false;
  png_set_user_limits(writer.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_write_fn(writer.png, static_cast<PngState*>(&writer), png_append_bytes,
                   png_flush_nothing);
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(image.width()),
               static_cast<png_uint_32>(image.height()), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  for (std::size_t y = 0; y < image.height(); ++y) png_write_row(writer.png, image.row(y));
  png_write_end(writer.png, writer.info);
  return true;
}

}  // namespace detail

/// Encodes a picture as an 8-bit RGB PNG file in memory.
/// @throws ArgumentError for a picture without pixels or with a side beyond PNG's 2^31 - 1.
inline std::vector<std::uint8_t> encode_png(const Image& image) {
  if (image.empty() || image.width() > PNG_UINT_31_MAX || image.height() > PNG_UINT_31_MAX) {
    throw ArgumentError("a PNG picture has 1 to 2147483647 pixels per side, got " +
                        std::to_string(image.width()) + " x " + std::to_string(image.height()));
  }
  std::vector<std::uint8_t> encoded;
  detail::PngWriter writer;
  writer.output = &encoded;
  if (!detail::png_encode_rows(writer, image)) {
    throw Error(std::string("a picture cannot be encoded as PNG: ") + writer.message.data());
  }
  return encoded;
}

#else

/// @throws UnavailableError always: this build has no libpng.
inline DecodedImage decode_png(std::span<const std::uint8_t>, const std::string& name,
                               const DecodeOptions& = {}) {
  throw UnavailableError(name + ": a PNG picture, but this build has no libpng");
}

/// @throws UnavailableError always: this build has no libpng.
inline std::vector<std::uint8_t> encode_png(const Image&) {
  throw UnavailableError("a picture cannot be encoded as PNG: this build has no libpng");
}

#endif

}  // namespace coca
