#pragma once
/// @file
/// Whole text files, plain or compressed with gzip (detected by their first bytes), with a bound
/// on what they may expand to. Only this header reads COCA_HAS_ZLIB for text.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/io/git_lfs_pointer.hpp"

#if COCA_HAS_ZLIB
#include <zlib.h>
#endif

namespace coca {

/// Maximum size of a vocabulary file, uncompressed: twenty times CLIP's.
inline constexpr std::size_t max_vocabulary_bytes = std::size_t{64} << 20;

namespace detail {

[[noreturn]] inline void throw_too_large(const std::string& path, std::size_t max_bytes) {
  throw FileError(path, "the file is larger than the limit of " + counted(max_bytes, "byte"));
}

/// The bytes of a file as they are. @throws FileError, also for a pointer of Git LFS
inline std::string read_bytes(const std::string& path, std::size_t max_bytes) {
  std::error_code no_exception;
  if (std::filesystem::is_directory(path, no_exception))
    throw FileError(path, "this is a directory, expected a file");
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw FileError(path, "the file cannot be opened (" +
                              std::error_code(errno, std::generic_category()).message() + ")");
  std::string bytes;
  std::string block(1 << 16, '\0');
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    bytes.append(block, 0, static_cast<std::size_t>(file.gcount()));
    if (bytes.size() > max_bytes) throw_too_large(path, max_bytes);
  }
  if (file.bad()) throw FileError(path, "reading stopped before the end of the file");
  refuse_git_lfs_pointer(path, bytes);
  return bytes;
}

constexpr bool is_gzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

#if COCA_HAS_ZLIB

/// An inflating stream, ended whatever happens.
class GzipStream {
 public:
  GzipStream() {
    constexpr int gzip_only = 16, window_bits = 15;
    if (inflateInit2(&stream_, gzip_only + window_bits) != Z_OK)
      throw Error("zlib cannot be initialised");
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  ~GzipStream() { inflateEnd(&stream_); }

  z_stream& operator*() { return stream_; }

 private:
  z_stream stream_{};
};

inline std::string gunzip(const std::string& path, std::string_view bytes, std::size_t max_bytes) {
  GzipStream owner;
  z_stream& stream = *owner;
  std::string text, block(1 << 16, '\0');
  int status = Z_OK;
  while (!bytes.empty() || stream.avail_in > 0) {
    if (stream.avail_in == 0) {
      const std::size_t part = std::min<std::size_t>(bytes.size(), 1 << 20);
      // zlib only reads from next_in
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream.avail_in = static_cast<uInt>(part);
      bytes.remove_prefix(part);
    }
    if (status == Z_STREAM_END) inflateReset(&stream);  // gzip files may be joined
    do {
      stream.next_out = reinterpret_cast<Bytef*>(block.data());
      stream.avail_out = static_cast<uInt>(block.size());
      status = inflate(&stream, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        throw FileError(path, std::string("the compressed data is damaged (") +
                                  (stream.msg != nullptr ? stream.msg : "zlib") + ")");
      text.append(block, 0, block.size() - stream.avail_out);
      if (text.size() > max_bytes) throw_too_large(path, max_bytes);
    } while (status == Z_OK && stream.avail_out == 0);
  }
  if (status != Z_STREAM_END) throw FileError(path, "the compressed data ends early");
  return text;
}

#else

[[noreturn]] inline std::string gunzip(const std::string& path, std::string_view, std::size_t) {
  throw UnavailableError(path +
                         ": the file is compressed with gzip, which needs the library zlib, " +
                         "which this build of coca does not have");
}

#endif

}  // namespace detail

/// The content of a text file, plain or gzip.
/// @param path      the file
/// @param max_bytes maximum size, also after decompression
/// @throws FileError        when it is missing, larger than that, damaged or cut off
/// @throws UnavailableError when it is compressed and there is no zlib
inline std::string read_text_or_gzip(const std::string& path, std::size_t max_bytes) {
  std::string bytes = detail::read_bytes(path, max_bytes);
  return detail::is_gzip(bytes) ? detail::gunzip(path, bytes, max_bytes) : bytes;
}

}  // namespace coca
