#pragma once
/// @file
/// Base64 (RFC 4648), for pictures within a page.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coca {

/// The bytes in base64, padded with "=".
inline std::string to_base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    const unsigned group = unsigned{bytes[i]} << 16 | (left > 1 ? unsigned{bytes[i + 1]} << 8 : 0) |
                           (left > 2 ? unsigned{bytes[i + 2]} : 0);
    for (std::size_t d = 0; d < 4; ++d)
      text += d <= left ? digits[group >> (18 - 6 * d) & 63] : '=';
  }
  return text;
}

}  // namespace coca
