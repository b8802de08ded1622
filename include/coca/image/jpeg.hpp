#pragma once
/// @file
/// JPEG decoding by libjpeg-turbo with its defaults (accurate integer DCT, fancy upsampling), as
/// Pillow does: baseline, progressive and arithmetic; gray, colour, CMYK and YCCK.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/exif.hpp"

#if COCA_HAS_JPEG
#include <jerror.h>  // names of warnings; needs jpeglib.h
#include <jpeglib.h>

#include <csetjmp>
#include <cstdio>  // jpeglib.h uses FILE without including it
#endif

namespace coca {

/// Whether the bytes begin as a JPEG file does.
inline bool is_jpeg(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

#if COCA_HAS_JPEG
namespace detail {

/// One decoding in progress. libjpeg reports errors by longjmp, so that each function that calls
/// setjmp has no local objects, and everything it fills lives here, outside the frames jumped over.
struct JpegDecoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  jpeg_source_mgr source{};
  std::jmp_buf failure{};
  char message[JMSG_LENGTH_MAX] = {};
  char damage[JMSG_LENGTH_MAX] = {};  // the first warning that is about lost pixels
  bool truncated = false;             // whether a missing end marker is supplied once
  bool ended = false;                 // whether it was

  JpegDecoder() = default;
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ~JpegDecoder() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] inline void jpeg_fail(j_common_ptr info) {
  auto* decoder = static_cast<JpegDecoder*>(info->client_data);
  info->err->format_message(info, decoder->message);
  std::longjmp(decoder->failure, 1);
}

/// As in Pillow no warning is an error. Those that mean lost or wrong pixels are damage.
inline void jpeg_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  ++info->err->num_warnings;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA:
      return;
  }
  auto* decoder = static_cast<JpegDecoder*>(info->client_data);
  if (decoder->damage[0] == '\0') info->err->format_message(info, decoder->damage);
}

/// Refuses files with too many scans, each of which costs a pass over the whole picture.
inline void jpeg_check_scans(j_common_ptr info) {
  constexpr int max_scans = 500;
  auto* decoder = static_cast<JpegDecoder*>(info->client_data);
  if (decoder->info.input_scan_number <= max_scans) return;
  std::snprintf(decoder->message, sizeof decoder->message, "it has more than %d scans", max_scans);
  std::longjmp(decoder->failure, 1);
}

inline constexpr char jpeg_ends_early[] = "Premature end of JPEG file";

inline bool jpeg_premature_end(JpegDecoder& decoder) {
  std::snprintf(decoder.message, sizeof decoder.message, jpeg_ends_early);
  return false;
}

/// What is there after the last byte: nothing, so that libjpeg's calls return that they wait; or an
/// end marker, once, after which libjpeg fills the picture with gray.
inline boolean jpeg_read_after_end(j_decompress_ptr info) {
  static constexpr JOCTET end_marker[] = {0xFF, JPEG_EOI};
  auto* decoder = static_cast<JpegDecoder*>(info->client_data);
  if (!decoder->truncated || decoder->ended) return FALSE;
  decoder->ended = true;
  std::snprintf(decoder->damage, sizeof decoder->damage, jpeg_ends_early);
  decoder->source.next_input_byte = end_marker;
  decoder->source.bytes_in_buffer = sizeof end_marker;
  return TRUE;
}

/// All bytes at once.
inline void jpeg_read_from(JpegDecoder& decoder, const std::uint8_t* data, std::size_t size) {
  const auto nothing = [](j_decompress_ptr) {};
  decoder.source.next_input_byte = data;
  decoder.source.bytes_in_buffer = size;
  decoder.source.init_source = nothing;
  decoder.source.term_source = nothing;
  decoder.source.resync_to_restart = jpeg_resync_to_restart;
  decoder.source.fill_input_buffer = jpeg_read_after_end;
  decoder.source.skip_input_data = [](j_decompress_ptr info, long bytes) {
    if (bytes <= 0) return;
    const std::size_t skipped =
        std::min(static_cast<std::size_t>(bytes), info->src->bytes_in_buffer);
    info->src->next_input_byte += skipped;
    info->src->bytes_in_buffer -= skipped;
  };
  decoder.info.src = &decoder.source;
}

inline bool jpeg_read_header(JpegDecoder& decoder, const std::uint8_t* data, std::size_t size) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = jpeg_fail;
  decoder.errors.emit_message = jpeg_message;
  decoder.info.client_data = &decoder;
  if (setjmp(decoder.failure) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.progress.progress_monitor = jpeg_check_scans;
  decoder.info.progress = &decoder.progress;
  jpeg_read_from(decoder, data, size);
  jpeg_save_markers(&decoder.info, JPEG_APP0 + 1, 0xFFFF);
  return ::jpeg_read_header(&decoder.info, TRUE) == JPEG_HEADER_OK || jpeg_premature_end(decoder);
}

/// Decodes all rows into `samples`, which has room for [height, width, bytes of a pixel]. As in
/// Pillow, the end marker may be missing if libjpeg did not have to look for it to decode them, and
/// rows for which the data ends at a marker are gray.
inline bool jpeg_read_rows(JpegDecoder& decoder, std::uint8_t* samples, std::size_t row_bytes) {
  if (setjmp(decoder.failure) != 0) return false;
  if (!jpeg_start_decompress(&decoder.info)) return jpeg_premature_end(decoder);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = samples + decoder.info.output_scanline * row_bytes;
    if (jpeg_read_scanlines(&decoder.info, &row, 1) != 1) return jpeg_premature_end(decoder);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

inline ColorMode jpeg_choose_mode(JpegDecoder& decoder, const std::string& name) {
  switch (decoder.info.num_components) {
    case 1:
      decoder.info.out_color_space = JCS_GRAYSCALE;
      return ColorMode::gray;
    case 3:
      decoder.info.out_color_space = JCS_RGB;
      return ColorMode::rgb;
    case 4:
      decoder.info.out_color_space = JCS_CMYK;
      return ColorMode::cmyk;
    default:
      throw FileError(name, "a JPEG picture has 1, 3 or 4 components, this one has " +
                                std::to_string(decoder.info.num_components));
  }
}

/// A Huffman-coded scan takes at least one bit per block of 64 pixels, or for half of them when two
/// components are subsampled crosswise; a header that claims more is not worth its memory.
inline void jpeg_check_plausible(const JpegDecoder& decoder, const std::string& name,
                                 std::size_t size) {
  constexpr std::size_t max_pixels_per_byte = 2048;
  const std::size_t pixels = std::size_t{decoder.info.image_width} * decoder.info.image_height;
  if (decoder.info.arith_code || pixels / max_pixels_per_byte <= size) return;
  throw FileError(name, "the JPEG picture is truncated: it claims " + counted(pixels, "pixel") +
                            " in " + counted(size, "byte"));
}

/// Pillow's rules: EXIF in several segments is one block, of several XMP packets the last counts.
inline int jpeg_orientation(const JpegDecoder& decoder) {
  constexpr std::string_view exif_name("Exif\0\0", 6);
  constexpr std::string_view xmp_name("http://ns.adobe.com/xap/1.0/\0", 29);
  std::vector<std::uint8_t> exif;
  std::string_view xmp;
  for (const jpeg_marker_struct* marker = decoder.info.marker_list; marker != nullptr;
       marker = marker->next) {
    const std::span<const std::uint8_t> bytes(marker->data, marker->data_length);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with(exif_name)) {
      const std::size_t skipped = exif.empty() ? 0 : exif_name.size();
      exif.insert(exif.end(), bytes.begin() + skipped, bytes.end());
    } else if (text.starts_with(xmp_name)) {
      xmp = text.substr(xmp_name.size());
    }
  }
  return metadata_orientation(exif, xmp);
}

}  // namespace detail

/// Decodes a JPEG file in memory to mode gray, rgb or cmyk. CMYK is taken to be stored inverted, as
/// Adobe does and Pillow assumes.
/// @param name what errors call the file
/// @throws FileError for anything that libjpeg cannot decode, that is too large, not a JPEG
/// picture, or, unless the options say otherwise, cut off before all rows are there.
inline DecodedImage decode_jpeg(std::span<const std::uint8_t> bytes, const std::string& name,
                                const DecodeOptions& options = {}) {
  detail::JpegDecoder decoder;
  decoder.truncated = options.truncated;
  const auto fail = [&] {
    throw FileError(name, std::string("the JPEG picture cannot be decoded: ") + decoder.message);
  };
  if (!detail::jpeg_read_header(decoder, bytes.data(), bytes.size())) fail();
  DecodedImage picture;
  picture.width = decoder.info.image_width;
  picture.height = decoder.info.image_height;
  detail::check_extents(name, picture.width, picture.height, options);
  if (!options.truncated) detail::jpeg_check_plausible(decoder, name, bytes.size());
  picture.mode = detail::jpeg_choose_mode(decoder, name);
  picture.orientation = detail::jpeg_orientation(decoder);
  const std::size_t row_bytes = picture.width * bytes_per_pixel(picture.mode);
  picture.samples.resize(row_bytes * picture.height);
  const bool whole = detail::jpeg_read_rows(decoder, picture.samples.data(), row_bytes);
  if (!whole && (!options.truncated || decoder.info.output_scanline == 0)) fail();
  picture.damage = whole ? decoder.damage : decoder.message;
  if (picture.mode == ColorMode::cmyk) {
    for (std::uint8_t& sample : picture.samples) sample = static_cast<std::uint8_t>(255 - sample);
  }
  return picture;
}

#else

/// @throws UnavailableError always: this build has no libjpeg.
inline DecodedImage decode_jpeg(std::span<const std::uint8_t>, const std::string& name,
                                const DecodeOptions& = {}) {
  throw UnavailableError(name + ": a JPEG picture, but this build has no libjpeg");
}

#endif

}  // namespace coca
