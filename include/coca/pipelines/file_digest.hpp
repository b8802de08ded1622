#pragma once
/// @file
/// A digest of a file's content, by which it is recognised under another name.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

namespace coca {

/// A number of 64 bits that differs between files of different content, but for chance and bad
/// intent; never 0. Nothing if the file cannot be read.
inline std::optional<std::int64_t> file_digest(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::uint64_t value = 0xCBF29CE484222325u;
  std::array<char, std::size_t{1} << 16> block{};
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    const auto count = static_cast<std::size_t>(file.gcount());
    for (std::size_t i = 0; i < count; i += sizeof value) {
      std::uint64_t word = 0;  // a last one that is not full ends in zeros, and its length counts
      std::memcpy(&word, block.data() + i, std::min(sizeof word, count - i));
      value = (value ^ word) * 0x9E3779B97F4A7C15u;
      value ^= value >> 32;
    }
    value = (value ^ count) * 0x9E3779B97F4A7C15u;
  }
  if (file.bad()) return std::nullopt;
  return static_cast<std::int64_t>(value == 0 ? 1 : value);
}

}  // namespace coca
