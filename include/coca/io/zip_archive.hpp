#pragma once
/// @file
/// Zip archives in memory. The only header that uses libzip. Members stored uncompressed can
/// be used in place; libzip does not report their position, so their headers are also read here
/// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 and 4.5.3).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"
#include "coca/io/zip_directory.hpp"

#if COCA_HAS_LIBZIP
#include <zip.h>
#endif

namespace coca {

/// One file of an archive.
struct ZipMember {
  std::string name;
  std::uint64_t index = 0;
  std::uint64_t size = 0;             ///< once inflated, as the archive declares it
  std::uint64_t compressed_size = 0;  ///< in the archive
  bool stored = false;                ///< not compressed
};

#if COCA_HAS_LIBZIP

namespace detail {
struct ZipCloser {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct ZipFileCloser {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
}  // namespace detail

/// A zip archive in memory (a mapped file).
class ZipArchive {
 public:
  /// Whether archives can be read in this build.
  static constexpr bool available = true;

  /// @param path their name in messages, which must outlive the archive
  /// @throws FileError if they are not a zip archive, or a damaged or encrypted one.
  ZipArchive(std::string path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes), offsets_(detail::read_zip_directory(path_, bytes)) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source != nullptr) archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
    const std::string problem = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (archive_ == nullptr) {
      if (source != nullptr) zip_source_free(source);
      throw FileError(path_, "is not a readable zip archive: " + problem);
    }
    list_members();
  }

  const std::vector<ZipMember>& members() const noexcept { return members_; }

  /// nullptr if there is none with that name.
  const ZipMember* find(std::string_view name) const {
    const auto found =
        std::find_if(members_.begin(), members_.end(),
                     [name](const ZipMember& member) { return member.name == name; });
    return found == members_.end() ? nullptr : &*found;
  }

  /// Where the content of an uncompressed member begins in the archive's bytes.
  /// @throws FileError if it does not lie inside them.
  std::size_t data_offset(const ZipMember& member) const {
    const std::size_t begin =
        detail::zip_data_offset(path_, bytes_, offsets_[member.index].local_header, member.name);
    if (member.compressed_size > bytes_.size() - begin)
      throw FileError(path_, "\"" + detail::printable(member.name) + "\" is truncated");
    return begin;
  }

  /// The content of a member, its checksum verified.
  /// @throws FileError if it declares or has more than `max_size` bytes, or is damaged.
  std::vector<std::byte> read(const ZipMember& member, std::uint64_t max_size) const {
    if (member.size > max_size) fail(member, too_large(member.size, max_size));
    const std::unique_ptr<zip_file_t, detail::ZipFileCloser> file(
        zip_fopen_index(archive_.get(), member.index, 0));
    if (file == nullptr) fail(member, zip_strerror(archive_.get()));
    std::vector<std::byte> content;
    for (;;) {  // grows with the actual content, not with the declared size
      constexpr std::size_t step = std::size_t{1} << 18;
      const std::size_t filled = content.size();
      content.resize(filled + step);
      const zip_int64_t count = zip_fread(file.get(), content.data() + filled, step);
      if (count < 0) fail(member, zip_file_strerror(file.get()));
      content.resize(filled + static_cast<std::size_t>(count));
      if (content.size() > member.size) fail(member, "is longer than declared");
      if (count == 0) break;
    }
    if (content.size() != member.size) fail(member, "is shorter than declared");
    return content;
  }

 private:
  void list_members() {
    const zip_int64_t count = zip_get_num_entries(archive_.get(), 0);
    if (count < 0 || static_cast<std::size_t>(count) != offsets_.size())
      throw FileError(path_, "has a damaged zip directory");
    for (std::uint64_t i = 0; i < offsets_.size(); ++i) {
      zip_stat_t status;
      zip_stat_init(&status);
      constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                      ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
      if (zip_stat_index(archive_.get(), i, 0, &status) != 0 || (status.valid & needed) != needed ||
          status.comp_size != offsets_[i].compressed_size)
        throw FileError(path_, "has a damaged zip directory");
      members_.push_back(
          {status.name, i, status.size, status.comp_size, status.comp_method == ZIP_CM_STORE});
      if (status.encryption_method != ZIP_EM_NONE) fail(members_.back(), "is encrypted");
      if (members_.back().stored && status.size != status.comp_size)
        fail(members_.back(), "has two different sizes");
    }
  }

  static std::string too_large(std::uint64_t size, std::uint64_t limit) {
    return "has " + counted(size, "byte") + ", at most " + std::to_string(limit) + " are accepted";
  }
  [[noreturn]] void fail(const ZipMember& member, const std::string& problem) const {
    throw FileError(path_, "\"" + detail::printable(member.name) + "\" in the archive: " + problem);
  }

  std::string path_;
  std::span<const std::byte> bytes_;
  std::vector<detail::ZipDirectoryEntry> offsets_;
  std::unique_ptr<zip_t, detail::ZipCloser> archive_;
  std::vector<ZipMember> members_;
};

#else

/// A substitute if the library was configured without libzip: cannot be constructed.
class ZipArchive {
 public:
  static constexpr bool available = false;

  /// @throws UnavailableError always.
  ZipArchive(const std::string& path, std::span<const std::byte>) {
    throw UnavailableError(path +
                           ": zip archives cannot be read, because this build has no libzip");
  }
  const std::vector<ZipMember>& members() const noexcept { return members_; }
  const ZipMember* find(std::string_view) const { return nullptr; }
  std::size_t data_offset(const ZipMember&) const { return 0; }
  std::vector<std::byte> read(const ZipMember&, std::uint64_t) const { return {}; }

 private:
  std::vector<ZipMember> members_;
};

#endif

}  // namespace coca
