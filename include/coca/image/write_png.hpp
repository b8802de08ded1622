#pragma once
/// @file
/// Writing a picture to a PNG file, whole or not at all.
///
/// A limit on the size of files (RLIMIT_FSIZE) raises SIGXFSZ, whose default action ends the
/// process. The library leaves signal handlers alone: a program that ignores the signal gets a
/// FileError instead.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coca/image/image.hpp"
#include "coca/image/png.hpp"
#include "coca/io/atomic_file.hpp"

namespace coca {

/// Writes an 8-bit RGB PNG file; an old file with that name stays until the new one is complete.
/// @throws ArgumentError for a picture without pixels
/// @throws FileError     when the file cannot be written, with the system's reason
/// @throws UnavailableError when this build has no libpng
inline void write_png(const std::string& path, const Image& image) {
  const std::vector<std::uint8_t> encoded = encode_png(image);
  write_file_atomically(path, std::as_bytes(std::span<const std::uint8_t>(encoded)));
}

}  // namespace coca
