#pragma once
/// @file
/// The positions of the members of a zip archive: the central directory and the local headers
/// (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 and 4.5.3).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"

namespace coca::detail {

struct ZipDirectoryEntry {
  std::uint64_t local_header = 0;  ///< from the beginning of the archive
  std::uint64_t compressed_size = 0;
};

/// Little-endian numbers at offsets that are checked.
class ZipFields {
 public:
  ZipFields(const std::string& path, std::span<const std::byte> bytes)
      : path_(path), bytes_(bytes) {}

  template <class T>
  T at(std::uint64_t offset) const {
    return load_unaligned<T>(part(offset, sizeof(T)).data());
  }

  std::span<const std::byte> part(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) fail();
    return bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }

  std::size_t size() const noexcept { return bytes_.size(); }

  [[noreturn]] void fail() const {
    throw FileError(path_, "is a damaged or truncated zip archive");
  }

 private:
  const std::string& path_;
  std::span<const std::byte> bytes_;
};

/// The central directory as given by the end record, or the zip64 end record before it.
struct ZipDirectoryPlace {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
};

inline std::uint64_t find_zip_end(const ZipFields& fields) {
  constexpr std::uint32_t signature = 0x06054b50;
  constexpr std::size_t record = 22;
  constexpr std::size_t max_comment = 0xffff;
  if (fields.size() < record) fields.fail();
  const std::size_t last = fields.size() - record;
  const std::size_t first = last > max_comment ? last - max_comment : 0;
  for (std::size_t offset = last + 1; offset-- > first;)
    if (fields.at<std::uint32_t>(offset) == signature &&
        fields.at<std::uint16_t>(offset + 20) == last - offset)
      return offset;
  fields.fail();
}

inline ZipDirectoryPlace find_zip_directory(const ZipFields& fields) {
  constexpr std::uint32_t locator_signature = 0x07064b50;
  constexpr std::uint32_t end64_signature = 0x06064b50;
  constexpr std::uint64_t locator_size = 20;
  const std::uint64_t end = find_zip_end(fields);
  if (end >= locator_size && fields.at<std::uint32_t>(end - locator_size) == locator_signature) {
    const auto end64 = fields.at<std::uint64_t>(end - locator_size + 8);
    if (end64 > end || fields.at<std::uint32_t>(end64) != end64_signature) fields.fail();
    fields.part(end64, 56);
    return {fields.at<std::uint64_t>(end64 + 32), fields.at<std::uint64_t>(end64 + 48)};
  }
  return {fields.at<std::uint16_t>(end + 10), fields.at<std::uint32_t>(end + 16)};
}

/// The zip64 extra field holds, in this order, those of size, compressed size and offset whose 32
/// bits are all ones in the directory.
inline ZipDirectoryEntry read_zip_entry(const ZipFields& fields, std::uint64_t offset) {
  constexpr std::uint32_t elsewhere = 0xffffffff;
  const auto compressed = fields.at<std::uint32_t>(offset + 20);
  const auto size = fields.at<std::uint32_t>(offset + 24);
  const auto name_length = fields.at<std::uint16_t>(offset + 28);
  const auto extra_length = fields.at<std::uint16_t>(offset + 30);
  const auto local = fields.at<std::uint32_t>(offset + 42);
  ZipDirectoryEntry entry{local, compressed};
  std::uint64_t extra = offset + 46 + name_length;
  const std::uint64_t extra_end = extra + extra_length;
  while (extra + 4 <= extra_end) {
    const auto id = fields.at<std::uint16_t>(extra);
    std::uint64_t field = extra + 4;
    extra = field + fields.at<std::uint16_t>(extra + 2);
    if (id != 1) continue;
    if (size == elsewhere) field += 8;
    if (compressed == elsewhere) {
      entry.compressed_size = fields.at<std::uint64_t>(field);
      field += 8;
    }
    if (local == elsewhere) entry.local_header = fields.at<std::uint64_t>(field);
  }
  return entry;
}

/// Members in the order of the central directory.
/// @throws FileError when the archive is damaged or truncated.
inline std::vector<ZipDirectoryEntry> read_zip_directory(const std::string& path,
                                                         std::span<const std::byte> bytes) {
  constexpr std::uint32_t signature = 0x02014b50;
  constexpr std::uint64_t fixed_size = 46;
  const ZipFields fields(path, bytes);
  const ZipDirectoryPlace place = find_zip_directory(fields);
  if (place.entries > bytes.size() / fixed_size) fields.fail();
  std::vector<ZipDirectoryEntry> entries;
  std::uint64_t offset = place.offset;
  for (std::uint64_t i = 0; i < place.entries; ++i) {
    if (fields.at<std::uint32_t>(offset) != signature) fields.fail();
    fields.part(offset, fixed_size);
    const std::uint64_t variable = std::uint64_t{fields.at<std::uint16_t>(offset + 28)} +
                                   fields.at<std::uint16_t>(offset + 30) +
                                   fields.at<std::uint16_t>(offset + 32);
    fields.part(offset, fixed_size + variable);
    entries.push_back(read_zip_entry(fields, offset));
    offset += fixed_size + variable;
  }
  return entries;
}

/// Where the content after a local header begins.
/// @throws FileError when the header is damaged or belongs to another name.
inline std::size_t zip_data_offset(const std::string& path, std::span<const std::byte> bytes,
                                   std::uint64_t local_header, const std::string& name) {
  constexpr std::uint32_t signature = 0x04034b50;
  constexpr std::uint64_t fixed_size = 30;
  const ZipFields fields(path, bytes);
  fields.part(local_header, fixed_size);
  if (fields.at<std::uint32_t>(local_header) != signature) fields.fail();
  const auto name_length = fields.at<std::uint16_t>(local_header + 26);
  const auto extra_length = fields.at<std::uint16_t>(local_header + 28);
  const auto stored_name = fields.part(local_header + fixed_size, name_length);
  if (!std::equal(stored_name.begin(), stored_name.end(), name.begin(), name.end(),
                  [](std::byte a, char b) { return a == static_cast<std::byte>(b); }))
    fields.fail();
  const std::uint64_t begin = local_header + fixed_size + name_length + extra_length;
  fields.part(begin, 0);
  return static_cast<std::size_t>(begin);
}

}  // namespace coca::detail
