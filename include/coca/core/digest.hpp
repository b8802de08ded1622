#pragma once
/// @file
/// A short digest that tells different contents apart.

#include <cstdint>
#include <string>
#include <string_view>

namespace coca {

/// FNV-1a of 64 bits (http://www.isthe.com/chongo/tech/comp/fnv). It is not secure against
/// deliberate collisions.
class Digest {
 public:
  void add(std::string_view bytes) {
    for (const char byte : bytes) {
      value_ ^= static_cast<unsigned char>(byte);
      value_ *= 0x100000001B3u;
    }
  }

  /// Adds a text with its end, so that "a" and "bc" are not "ab" and "c".
  void add_text(std::string_view text) {
    add(text);
    add(std::string_view("\0", 1));
  }

  std::uint64_t value() const noexcept { return value_; }

  /// The value in 16 hexadecimal digits.
  std::string text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string shown;
    for (int shift = 60; shift >= 0; shift -= 4) shown += digits[value_ >> shift & 15];
    return shown;
  }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

}  // namespace coca
