#pragma once
/// @file
/// SentencePiece's table of character replacements ("precompiled_charsmap"): a double-array trie of
/// byte strings (Aoe 1989, in the layout of darts-clone) and the texts that they are replaced by.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"

namespace coca {

/// The table. It is untrusted: every place in it is checked when it is looked up.
class NormalizationMap {
 public:
  /// @param bytes length of the trie in bytes (32 bits, little-endian), the trie, the texts, each
  ///              with a zero byte at its end
  /// @param name  what errors call the table
  /// @throws FileError if the trie is longer than the table
  NormalizationMap(std::string_view bytes, const std::string& name) {
    std::uint32_t length = 0;
    if (bytes.size() >= sizeof length) std::memcpy(&length, bytes.data(), sizeof length);
    if (bytes.size() < sizeof length || length % sizeof(std::uint32_t) != 0 || length == 0 ||
        length > bytes.size() - sizeof length)
      throw FileError(name, "its \"precompiled_charsmap\" is damaged");
    units_.resize(length / sizeof(std::uint32_t));
    std::memcpy(units_.data(), bytes.data() + sizeof length, length);
    texts_ = bytes.substr(sizeof length + length);
  }

  /// The replacement for the shortest entry that a text begins with, as in `tokenizers`; nothing if
  /// no entry fits.
  std::optional<std::string_view> find(std::string_view text) const {
    std::size_t node = offset(units_[0]);
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte == 0) return std::nullopt;
      node ^= byte;
      if (node >= units_.size() || label(units_[node]) != byte) return std::nullopt;
      const std::uint32_t unit = units_[node];
      node ^= offset(unit);
      if (has_value(unit))
        return node < units_.size() ? text_at(value(units_[node])) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  static bool has_value(std::uint32_t unit) { return (unit >> 8 & 1) == 1; }
  static std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFFu; }
  static std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FFu; }
  static std::size_t offset(std::uint32_t unit) {
    return std::size_t{unit >> 10} << ((unit & 1u << 9) >> 6);
  }

  std::optional<std::string_view> text_at(std::size_t place) const {
    const std::size_t end = texts_.find('\0', place);
    if (place >= texts_.size() || end == std::string::npos) return std::nullopt;
    return std::string_view(texts_).substr(place, end - place);
  }

  std::vector<std::uint32_t> units_;
  std::string texts_;
};

}  // namespace coca
