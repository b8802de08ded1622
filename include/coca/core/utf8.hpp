#pragma once
/// @file
/// UTF-8 to code points and back. Broken input is replaced by U+FFFD exactly as Python's
/// `bytes.decode("utf-8", errors="replace")` does: one for each maximal prefix of a valid sequence.

#include <cstddef>
#include <string>
#include <string_view>

namespace coca {

/// What stands for bytes that are not UTF-8.
inline constexpr char32_t replacement_character = 0xFFFD;

namespace detail {

/// One step of decoding: `length` bytes were read, `valid` tells whether they are a code point.
struct DecodedCharacter {
  char32_t code_point = replacement_character;
  std::size_t length = 1;
  bool valid = false;
};

/// Which second bytes may follow a lead byte: the ranges rule out overlong forms and surrogates.
struct Utf8Lead {
  std::size_t continuation_bytes = 0;
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xBF;
};

constexpr Utf8Lead utf8_lead(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {};
}

/// The character at the start of `bytes`, which must not be empty.
constexpr DecodedCharacter decode_character(std::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (first < 0x80) return {first, 1, true};
  const Utf8Lead lead = utf8_lead(first);
  if (lead.continuation_bytes == 0) return {};
  char32_t code_point = first & (0x3Fu >> lead.continuation_bytes);
  for (std::size_t i = 1; i <= lead.continuation_bytes; ++i) {
    if (i == bytes.size()) return {replacement_character, i, false};
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const unsigned char low = i == 1 ? lead.second_min : 0x80;
    const unsigned char high = i == 1 ? lead.second_max : 0xBF;
    if (byte < low || byte > high) return {replacement_character, i, false};
    code_point = code_point << 6 | (byte & 0x3Fu);
  }
  return {code_point, lead.continuation_bytes + 1, true};
}

}  // namespace detail

/// Where the first byte is that is not part of valid UTF-8; npos when all of it is valid.
constexpr std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto character = detail::decode_character(text.substr(at));
    if (!character.valid) return at;
    at += character.length;
  }
  return std::string_view::npos;
}

/// Whether `text` is valid UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
constexpr bool is_valid_utf8(std::string_view text) {
  return find_invalid_utf8(text) == std::string_view::npos;
}

/// The code points of `text`; bytes that are not UTF-8 become U+FFFD.
inline std::u32string decode_utf8(std::string_view text) {
  std::u32string code_points;
  code_points.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto character = detail::decode_character(text.substr(at));
    code_points.push_back(character.code_point);
    at += character.length;
  }
  return code_points;
}

/// Appends one code point; what is none (a surrogate, or above U+10FFFF) becomes U+FFFD.
inline void append_utf8(std::string& text, char32_t code_point) {
  const bool encodable = code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF);
  const char32_t c = encodable ? code_point : replacement_character;
  const auto continuation = [&](int shift) {
    text.push_back(static_cast<char>(0x80 | (c >> shift & 0x3F)));
  };
  if (c < 0x80) {
    text.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    text.push_back(static_cast<char>(0xC0 | c >> 6));
    continuation(0);
  } else if (c < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | c >> 12));
    continuation(6);
    continuation(0);
  } else {
    text.push_back(static_cast<char>(0xF0 | c >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

/// The UTF-8 of `code_points`.
inline std::string encode_utf8(std::u32string_view code_points) {
  std::string text;
  text.reserve(code_points.size());
  for (const char32_t c : code_points) append_utf8(text, c);
  return text;
}

}  // namespace coca
