#pragma once
/// @file
/// Unpacked files: gzip, bzip2, xz, Zstandard and LZ4 are recognised by their first bytes and
/// unpacked by libarchive; files that are not compressed are mapped as they are.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/io/json.hpp"
#include "coca/io/mapped_file.hpp"

#if COCA_HAS_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

namespace coca {

/// Kinds of compression.
enum class Compression : std::uint8_t { none, gzip, bzip2, xz, zstd, lz4 };

namespace detail {

/// Whether a text that begins with "BZh" is no text: a digit and the mark of a block, or of the
/// end, follow.
inline bool goes_on_as_bzip2(std::string_view text) {
  const std::string_view mark = text.substr(0, 10).substr(std::min<std::size_t>(text.size(), 4));
  return text.size() > 3 && text[3] >= '1' && text[3] <= '9' &&
         (mark == "\x31\x41\x59\x26\x53\x59" || mark == "\x17\x72\x45\x38\x50\x90");
}

}  // namespace detail

/// Detects compression by the first bytes of a file.
inline Compression compression_of(std::span<const std::byte> bytes) {
  struct Mark {
    std::string_view bytes;
    Compression kind;
  };
  using namespace std::string_view_literals;
  constexpr std::array marks{
      Mark{"\x1F\x8B"sv, Compression::gzip},        Mark{"BZh"sv, Compression::bzip2},
      Mark{"\xFD\x37zXZ\0"sv, Compression::xz},     Mark{"\x28\xB5\x2F\xFD"sv, Compression::zstd},
      Mark{"\x04\x22\x4D\x18"sv, Compression::lz4},
  };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const Mark& mark : marks)
    if (text.starts_with(mark.bytes) &&
        (mark.kind != Compression::bzip2 || detail::goes_on_as_bzip2(text)))
      return mark.kind;
  return Compression::none;
}

namespace detail {

#if COCA_HAS_LIBARCHIVE

/// Unpacks a compressed file in memory, piece by piece.
class Unpacker {
 public:
  /// @param bytes must outlive this object. @param path what messages call them
  Unpacker(std::span<const std::byte> bytes, std::string path)
      : path_(std::move(path)), archive_(archive_read_new(), &archive_read_free) {
    if (archive_ == nullptr) throw Error("libarchive cannot be started");
    add_filter(compression_of(bytes));
    archive_read_support_format_raw(archive_.get());
    archive_entry* entry = nullptr;
    if (archive_read_open_memory(archive_.get(), bytes.data(), bytes.size()) != ARCHIVE_OK ||
        archive_read_next_header(archive_.get(), &entry) != ARCHIVE_OK)
      fail();
    if (archive_filter_code(archive_.get(), 0) == ARCHIVE_FILTER_NONE)  // read as it is
      throw FileError(path_, "the compressed data is damaged: its header cannot be read");
  }

  /// Unpacks the next bytes; none at the end. @throws FileError for damaged data
  std::size_t read(std::span<char> to) {
    const la_ssize_t count = archive_read_data(archive_.get(), to.data(), to.size());
    if (count < 0) fail();
    return static_cast<std::size_t>(count);
  }

 private:
  /// Only filters that are part of the library: for others it would start a program.
  void add_filter(Compression compression) {
    const auto add = [&] {
      switch (compression) {
        case Compression::gzip:
          return archive_read_support_filter_gzip(archive_.get());
        case Compression::bzip2:
          return archive_read_support_filter_bzip2(archive_.get());
        case Compression::xz:
          return archive_read_support_filter_xz(archive_.get());
        case Compression::zstd:
          return archive_read_support_filter_zstd(archive_.get());
        case Compression::lz4:
          return archive_read_support_filter_lz4(archive_.get());
        case Compression::none:
          break;
      }
      return ARCHIVE_OK;
    };
    if (add() != ARCHIVE_OK)
      throw UnavailableError(path_ +
                             ": is compressed in a way that this build's libarchive cannot unpack");
  }

  [[noreturn]] void fail() const {
    const char* text = archive_error_string(archive_.get());
    throw FileError(path_, "the compressed data is damaged: " +
                               (text == nullptr ? std::string("unknown error") : printable(text)));
  }

  std::string path_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
};

#else

class Unpacker {
 public:
  Unpacker(std::span<const std::byte>, const std::string& path) {
    throw UnavailableError(path + ": is compressed, but this build has no libarchive");
  }
  std::size_t read(std::span<char>) { return 0; }
};

#endif

/// A temporary file for the content of a compressed one; its name disappears with this object.
class TemporaryFile {
 public:
  /// @param packed what messages call the compressed file
  explicit TemporaryFile(std::string packed)
      : packed_(std::move(packed)),
        folder_(folder()),
        path_(folder_ + "/coca-unpacked-XXXXXX"),
        file_(::mkstemp(path_.data())) {
    if (file_.get() < 0) fail();
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (file_.get() >= 0) ::unlink(path_.c_str());
  }

  const std::string& path() const noexcept { return path_; }

  /// @throws FileError if the disk is full
  void write(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

 private:
  static std::string folder() {
    const char* chosen = std::getenv("TMPDIR");
    return chosen == nullptr || *chosen == '\0' ? "/tmp" : chosen;
  }

  [[noreturn]] void fail() const {
    throw FileError(packed_, "cannot be unpacked into " + folder_ + ": " +
                                 std::generic_category().message(errno));
  }

  std::string packed_;
  std::string folder_;
  std::string path_;
  Descriptor file_;
};

/// Maximum unpacked size of a compressed file: pictures hardly shrink, and texts less than this.
inline std::size_t max_unpacked_bytes(std::size_t packed) {
  constexpr std::size_t always = std::size_t{64} << 20, factor = 100;
  return always + factor * packed;
}

/// A file unpacked to a temporary one, mapped.
inline MappedFile unpack(const MappedFile& packed) {
  Unpacker unpacker(packed.bytes(), packed.path());
  TemporaryFile file(packed.path());
  std::vector<char> block(std::size_t{1} << 20);
  const std::size_t limit = max_unpacked_bytes(packed.bytes().size());
  std::size_t size = 0;
  while (const std::size_t count = unpacker.read(block)) {
    size += count;
    if (size > limit)
      throw FileError(packed.path(), "unpacks to more than " + counted(limit, "byte") +
                                         ", at most a hundred times its size is accepted");
    file.write(std::span(block).first(count));
  }
  if (size == 0) throw FileError(packed.path(), "is empty once it is unpacked");
  return MappedFile(file.path());  // stays readable when its name is gone
}

}  // namespace detail

/// A whole file as read-only memory, unpacked if it is compressed: to a temporary file (in TMPDIR)
/// that disappears with this object.
class UnpackedFile {
 public:
  /// @throws FileError as MappedFile does, and for compressed data that is damaged or unpacks to a
  /// hundred times its size; UnavailableError without libarchive
  explicit UnpackedFile(const std::string& path) : path_(path), file_(path) {
    if (compression_of(file_.bytes()) != Compression::none) file_ = detail::unpack(file_);
  }

  /// The name that the file was opened by.
  const std::string& path() const noexcept { return path_; }

  /// The content. Valid while this object lives.
  std::span<const std::byte> bytes() const noexcept { return file_.bytes(); }

 private:
  std::string path_;
  MappedFile file_;
};

/// The first bytes of a file, unpacked if it is compressed. @throws as UnpackedFile
inline std::string unpacked_beginning(const std::string& path, std::size_t size) {
  const MappedFile file(path);
  std::string text(size, '\0');
  std::size_t filled = 0;
  if (compression_of(file.bytes()) == Compression::none) {
    filled = std::min(size, file.bytes().size());
    std::copy_n(reinterpret_cast<const char*>(file.bytes().data()), filled, text.data());
  } else {
    detail::Unpacker unpacker(file.bytes(), path);
    while (const std::size_t count = unpacker.read(std::span(text).subspan(filled)))
      filled += count;
  }
  text.resize(filled);
  return text;
}

}  // namespace coca
