#pragma once
/// @file
/// Tar archives (ustar, GNU, pax) with random access, by libarchive over a mapped file. Only this
/// header and unpacked_file.hpp include libarchive.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/unpacked_file.hpp"
#include "coca/features.hpp"
#include "coca/io/json.hpp"

#if COCA_HAS_LIBARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

namespace coca {

/// A regular file in an archive.
struct TarMember {
  std::string name;
  std::uint64_t size = 0;    ///< bytes
  std::uint64_t offset = 0;  ///< of its header in the archive
};

/// Whether a file begins with the header of a tar archive, which holds the sum of its own bytes.
/// @param beginning at least 512 bytes, unless the file has fewer
inline bool begins_as_tar(std::string_view beginning) {
  constexpr std::size_t header = 512, sum_begin = 148, sum_size = 8;
  if (beginning.size() < header) return false;
  std::size_t sum = 0;
  for (std::size_t i = 0; i < header; ++i)
    sum += i - sum_begin < sum_size ? ' ' : static_cast<unsigned char>(beginning[i]);
  std::string_view digits = beginning.substr(sum_begin, sum_size);
  digits.remove_prefix(std::min(digits.find_first_not_of(' '), digits.size()));
  std::size_t stored = 0;
  const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), stored, 8);
  return error == std::errc() && stop != digits.begin() && stored == sum;
}

#if COCA_HAS_LIBARCHIVE

namespace detail {

/// Reads a tar archive in memory, member by member.
class TarReader {
 public:
  /// @param bytes must outlive this object, as must `path`, their name in messages
  TarReader(std::span<const std::byte> bytes, const std::string& path)
      : size_(bytes.size()), path_(path), archive_(archive_read_new(), &archive_read_free) {
    if (archive_ == nullptr) throw Error("libarchive cannot be initialised");
    archive_read_support_format_tar(archive_.get());
    if (archive_read_open_memory(archive_.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) fail();
  }

  /// Moves to the next regular file; false at the end.
  /// @throws FileError for a damaged archive, or a member larger than what is left of it.
  bool next(TarMember& member) {
    while (true) {
      archive_entry* entry = nullptr;
      const int status = archive_read_next_header(archive_.get(), &entry);
      if (status == ARCHIVE_EOF) return false;
      if (status < ARCHIVE_WARN) fail();
      if (archive_entry_filetype(entry) != AE_IFREG) continue;
      read_header(entry, member);
      return true;
    }
  }

  /// The content of the member that next() moved to.
  std::vector<std::uint8_t> content(const TarMember& member) {
    std::vector<std::uint8_t> bytes(member.size);
    std::size_t filled = 0;
    while (filled < bytes.size()) {
      const la_ssize_t count =
          archive_read_data(archive_.get(), bytes.data() + filled, bytes.size() - filled);
      if (count < 0) fail();
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    if (filled < bytes.size()) {
      throw FileError(path_, "the member " + shown(member.name) + " ends after " +
                                 std::to_string(filled) + " of its " +
                                 counted(bytes.size(), "byte"));
    }
    return bytes;
  }

 private:
  static std::string shown(const std::string& name) { return '"' + printable(name) + '"'; }

  void read_header(archive_entry* entry, TarMember& member) {
    // The first knows the UTF-8 of pax headers in any locale, the second any bytes.
    const char* name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) name = archive_entry_pathname(entry);
    if (name == nullptr) throw FileError(path_, "the name of a member cannot be read");
    member.name = name;
    member.offset = static_cast<std::uint64_t>(archive_read_header_position(archive_.get()));
    const la_int64_t size = archive_entry_size(entry);
    constexpr std::uint64_t header_size = 512;  // at least: a long name has more of them
    const std::uint64_t left = size_ - std::min(size_, member.offset + header_size);
    if (size < 0 || static_cast<std::uint64_t>(size) > left) {
      throw FileError(path_, "the member " + shown(member.name) + " claims " +
                                 counted(size, "byte") + ", the archive has " +
                                 std::to_string(left) + " left: it is truncated or damaged");
    }
    member.size = static_cast<std::uint64_t>(size);
  }

  [[noreturn]] void fail() const {
    const char* text = archive_error_string(archive_.get());
    throw FileError(path_, "the tar archive is damaged: " +
                               (text == nullptr ? std::string("unknown error") : printable(text)));
  }

  std::uint64_t size_;
  const std::string& path_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;
};

inline std::vector<TarMember> tar_members(std::span<const std::byte> bytes,
                                          const std::string& path) {
  TarReader reader(bytes, path);
  std::vector<TarMember> members;
  for (TarMember member; reader.next(member);) members.push_back(member);
  return members;
}

inline std::vector<std::uint8_t> tar_content(std::span<const std::byte> bytes, std::uint64_t offset,
                                             const std::string& path) {
  TarMember member;
  TarReader reader(bytes.subspan(std::min<std::size_t>(offset, bytes.size())), path);
  if (!reader.next(member) || member.offset != 0) {
    throw FileError(path, "no member begins at byte " + std::to_string(offset));
  }
  return reader.content(member);
}

}  // namespace detail

#else

namespace detail {

inline std::vector<TarMember> tar_members(std::span<const std::byte>, const std::string& path) {
  throw UnavailableError(path + ": a tar archive, but this build has no libarchive");
}

inline std::vector<std::uint8_t> tar_content(std::span<const std::byte>, std::uint64_t,
                                             const std::string& path) {
  throw UnavailableError(path + ": a tar archive, but this build has no libarchive");
}

}  // namespace detail

#endif

/// An archive on disk, plain or compressed. Threads may share it.
class TarFile {
 public:
  /// @throws as UnpackedFile
  explicit TarFile(const std::string& path) : file_(path) {}

  const std::string& path() const noexcept { return file_.path(); }

  /// All regular files in it, in order. Headers are read, contents skipped.
  /// @throws FileError for a damaged or truncated archive, or a file that is not a tar archive.
  std::vector<TarMember> members() const { return detail::tar_members(file_.bytes(), path()); }

  /// The content of the member whose header is at this offset.
  /// @throws FileError if there is none, or it is damaged.
  std::vector<std::uint8_t> read(std::uint64_t offset) const {
    return detail::tar_content(file_.bytes(), offset, path());
  }

 private:
  UnpackedFile file_;
};

}  // namespace coca
