#pragma once
/// @file
/// A digest of a data set's records, by which a resumed run recognises its data.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"

namespace coca {

namespace detail {

/// FNV-1a over texts, each with its length, so that no two lists of texts run together.
class TextDigest {
 public:
  void add(std::string_view text) {
    add(text.size());
    for (const char c : text) add_byte(static_cast<unsigned char>(c));
  }
  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) add_byte((number >> shift) & 0xFF);
  }
  std::uint64_t value() const noexcept { return value_; }

 private:
  void add_byte(std::uint64_t byte) noexcept { value_ = (value_ ^ byte) * 0x100000001B3u; }
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

inline void add_record(TextDigest& digest, const Record& record) {
  const std::string_view name = record.name;
  digest.add(name.substr(name.find_last_of("/\\") + 1));
  digest.add(record.captions.size());
  for (const std::string& caption : record.captions) digest.add(caption);
  digest.add(static_cast<std::uint64_t>(std::int64_t{record.label.value_or(-1)}));
  for (const auto& [key, value] : record.fields) {
    digest.add(key);
    digest.add(value);
  }
}

}  // namespace detail

/// The number of records and a digest of them in their order: file names without folders, so that a
/// data set may move, captions, labels and fields. Of more than a million records, evenly spaced
/// ones stand for all. The pictures themselves are not read.
inline std::string data_digest(const AnyDataset& data) {
  constexpr std::size_t most = std::size_t{1} << 20;
  detail::TextDigest digest;
  const std::size_t stride = data.size() / most + 1;
  for (std::size_t i = 0; i < data.size(); i += stride) {
    try {
      detail::add_record(digest, data.record(i));
    } catch (const Error&) {  // one that is broken stays so
      digest.add("broken");
    }
  }
  char text[64];
  std::snprintf(text, sizeof text, "%zu:%016llx", data.size(),
                static_cast<unsigned long long>(digest.value()));
  return text;
}

}  // namespace coca
