#pragma once
/// @file
/// A short digest that tells different contents apart.

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coca {

namespace detail {

/// A digest's value in 16 hexadecimal digits.
inline std::string digest_text(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string shown;
  for (int shift = 60; shift >= 0; shift -= 4) shown += digits[value >> shift & 15];
  return shown;
}

}  // namespace detail

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
  std::string text() const { return detail::digest_text(value_); }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

/// The same for many numbers, by their bits: a step per float rather than per byte. Each step can
/// be undone, so that any change of one number changes the digest; the shift lets the upper bits
/// (signs) act on the lower ones, without which pairs of changed signs would cancel out.
class FloatDigest {
 public:
  void add(std::span<const float> values) {
    for (const float each : values) {
      value_ = (value_ ^ std::bit_cast<std::uint32_t>(each)) * 0x9E3779B97F4A7C15u;
      value_ ^= value_ >> 32;
    }
  }

  /// The value in 16 hexadecimal digits.
  std::string text() const { return detail::digest_text(value_); }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325u;
};

}  // namespace coca
