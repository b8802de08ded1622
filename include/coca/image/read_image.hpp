#pragma once
/// @file
/// Reading pictures: `coca::read_image("photo.jpg")`. The type is detected from the first bytes,
/// never from the name.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/exif.hpp"
#include "coca/image/image.hpp"
#include "coca/image/jpeg.hpp"
#include "coca/image/png.hpp"
#include "coca/image/webp.hpp"
#include "coca/io/git_lfs_pointer.hpp"

namespace coca {

/// How read_image converts a file to an upright RGB picture.
struct ReadOptions {
  bool exif = true;                         ///< rotate the picture upright by its EXIF orientation
  AlphaMode alpha = AlphaMode::over_white;  ///< how transparent pixels are treated
  std::size_t max_pixels = DecodeOptions{}.max_pixels;  ///< larger pictures are refused
  bool truncated = false;              ///< read what is there of files that are cut off
  DamagedPictures* damaged = nullptr;  ///< where damaged pictures are counted; may be null

  /// Of these, what decoding needs.
  DecodeOptions decoding() const noexcept {
    return {.max_pixels = max_pixels, .truncated = truncated, .damaged = damaged};
  }
};

namespace detail {

/// More than the largest allowed picture takes without compression.
inline constexpr std::size_t max_image_file_bytes = std::size_t{2} << 30;

inline bool is_image(std::span<const std::uint8_t> bytes) noexcept {
  return is_jpeg(bytes) || is_png(bytes) || is_webp(bytes);
}

/// The bytes of a picture file, which may be a pipe; of any other file, its beginning only.
inline std::vector<std::uint8_t> read_image_bytes(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw FileError(path, "a directory, expected a picture");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (file == nullptr) {
    throw FileError(path, "cannot be opened: " + std::generic_category().message(errno));
  }
  std::vector<std::uint8_t> bytes;
  std::size_t filled = 0;
  do {
    constexpr std::size_t first_step = std::size_t{1} << 16;
    bytes.resize(filled + (filled < first_step ? first_step : filled));
    filled += std::fread(bytes.data() + filled, 1, bytes.size() - filled, file.get());
    if (filled > max_image_file_bytes) throw FileError(path, "too large to be a picture");
  } while (filled == bytes.size() && is_image(bytes));
  if (std::ferror(file.get()) != 0) {
    throw FileError(path, "cannot be read: " + std::generic_category().message(errno));
  }
  bytes.resize(filled);
  return bytes;
}

inline DecodedImage decode_known_type(std::span<const std::uint8_t> bytes, const std::string& name,
                                      const DecodeOptions& options) {
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name, options);
  if (is_png(bytes)) return decode_png(bytes, name, options);
  if (is_webp(bytes)) return decode_webp(bytes, name, options);
  refuse_git_lfs_pointer(name, bytes);
  throw FileError(name, "not a picture: expected a JPEG, PNG or WebP file");
}

}  // namespace detail

/// Decodes a picture file in memory, in its own mode and not turned upright. Slightly damaged files
/// are decoded as Pillow does, and counted; DecodedImage::damage says what is wrong with them.
/// @param name what errors call the data
/// @throws FileError    for anything but a JPEG, PNG or WebP picture; a pointer of Git LFS is
///                      named as such
/// @throws UnavailableError for a type whose library this build lacks
inline DecodedImage decode_image(std::span<const std::uint8_t> bytes, const std::string& name,
                                 const DecodeOptions& options = {}) {
  if (bytes.empty()) throw FileError(name, "the file is empty, expected a picture");
  DecodedImage picture = detail::decode_known_type(bytes, name, options);
  if (options.damaged != nullptr && !picture.damage.empty()) {
    options.damaged->add(name, picture.damage);
  }
  return picture;
}

/// Reads a picture file in memory as upright RGB. @throws as decode_image.
inline Image read_image(std::span<const std::uint8_t> bytes, const std::string& name,
                        const ReadOptions& options = {}) {
  const DecodedImage decoded = decode_image(bytes, name, options.decoding());
  Image image = to_rgb(decoded, options.alpha);
  if (!options.exif || decoded.orientation == 1) return image;
  return apply_orientation(image, decoded.orientation);
}

/// Reads a picture file as upright RGB.
/// @throws FileError also for a file that is missing, a directory or unreadable; otherwise as
/// above.
inline Image read_image(const std::string& path, const ReadOptions& options = {}) {
  return read_image(detail::read_image_bytes(path), path, options);
}

}  // namespace coca
