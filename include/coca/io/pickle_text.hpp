#pragma once
/// @file
/// The bytes of a pickle: numbers, counted strings, lines, and the escapes in text opcodes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"

namespace coca::detail {

/// Reads from front to back and never beyond the end.
class PickleInput {
 public:
  PickleInput(const std::string& path, std::span<const std::byte> bytes)
      : path_(path), text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  std::size_t position() const noexcept { return position_; }

  char byte() { return take(1).front(); }

  /// A little-endian number.
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  std::string_view take(std::uint64_t size) {
    if (size > text_.size() - position_) fail();
    const std::string_view taken = text_.substr(position_, static_cast<std::size_t>(size));
    position_ += taken.size();
    return taken;
  }

  /// Up to the next line feed, which is consumed but not returned, as is a carriage return before
  /// it.
  std::string_view line() {
    const std::size_t end = text_.find('\n', position_);
    if (end == std::string_view::npos) fail();
    std::string_view taken = text_.substr(position_, end - position_);
    position_ = end + 1;
    if (taken.ends_with('\r')) taken.remove_suffix(1);
    return taken;
  }

 private:
  [[noreturn]] void fail() const {
    throw FileError(path_, "the pickle is truncated (byte " + std::to_string(text_.size()) + ")");
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t position_ = 0;
};

/// Reads `digits` hexadecimal digits at the front of `text` into `code`; false when there are none.
inline bool take_hex(std::string_view& text, std::size_t digits, std::uint32_t& code) {
  if (text.size() < digits) return false;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, digits)) {
    constexpr std::string_view alphabet = "0123456789abcdef";
    const std::size_t digit = alphabet.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
    if (digit == std::string_view::npos) return false;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  text.remove_prefix(digits);
  code = value;
  return true;
}

/// Python's raw-unicode-escape: Latin-1 except for \uXXXX and \UXXXXXXXX.
inline std::string decode_unicode_escapes(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    const char c = text.front();
    const bool escape = c == '\\' && text.size() > 1 && (text[1] == 'u' || text[1] == 'U');
    std::string_view rest = text.substr(escape ? 2 : 1);
    std::uint32_t code = static_cast<unsigned char>(c);
    if (!escape || !take_hex(rest, text[1] == 'u' ? 4 : 8, code)) rest = text.substr(1);
    append_utf8(decoded, code);
    text = rest;
  }
  return decoded;
}

/// A Python string literal with its quotes. @throws FileError if there are none.
inline std::string decode_quoted(const std::string& path, std::string_view text) {
  if (text.size() < 2 || text.front() != text.back() || (text[0] != '\'' && text[0] != '"'))
    throw FileError(path, "the pickle has a string without quotes");
  text = text.substr(1, text.size() - 2);
  std::string decoded;
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (c == '\\' && !text.empty()) {
      c = text.front();
      text.remove_prefix(1);
      constexpr std::string_view letters = "nrtabfv0";
      constexpr std::string_view meanings("\n\r\t\a\b\f\v\0", 8);
      const std::size_t letter = letters.find(c);
      std::uint32_t code = 'x';
      if (letter != std::string_view::npos) c = meanings[letter];
      if (c == 'x' && take_hex(text, 2, code)) c = static_cast<char>(code);
    }
    decoded += c;
  }
  return decoded;
}

}  // namespace coca::detail
