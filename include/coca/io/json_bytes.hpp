#pragma once
/// @file
/// File names are bytes, JSON is text. A byte that is not part of UTF-8 is written as the escape
/// `\udc80` to `\udcff`, a lone surrogate, which no UTF-8 text has: Python's "surrogateescape"
/// (PEP 383). Python's `open(json.loads(line)["image"])` opens such a file, and parse_json() gives
/// the bytes back.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "coca/core/utf8.hpp"

namespace coca {

namespace detail {

/// A quoted JSON string of any bytes.
inline void append_json_string(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  while (!bytes.empty()) {
    const std::size_t valid = std::min(find_invalid_utf8(bytes), bytes.size());
    const std::string quoted = nlohmann::json(std::string(bytes.substr(0, valid))).dump();
    out.append(quoted, 1, quoted.size() - 2);
    if (valid == bytes.size()) break;
    const auto byte = static_cast<unsigned char>(bytes[valid]);
    out.append("\\udc").append({digits[byte >> 4], digits[byte & 15]});
    bytes.remove_prefix(valid + 1);
  }
  out += '"';
}

/// The layout of JSON: on one line, or a line per value, `indent` spaces further for each level.
struct JsonLayout {
  std::size_t indent = 0;  ///< 0: one line
  std::size_t level = 0;

  JsonLayout deeper() const { return {indent, level + 1}; }
  std::string line_break() const {
    return indent == 0 ? std::string() : '\n' + std::string(indent * level, ' ');
  }
};

template <class AnyJson>
void append_json(std::string& out, const AnyJson& json, const JsonLayout& layout = {}) {
  if (json.is_string()) return append_json_string(out, json.template get_ref<const std::string&>());
  if (!json.is_structured() || json.empty()) {
    out += json.dump();
    return;
  }
  const std::string line_break = layout.deeper().line_break();
  out += json.is_object() ? '{' : '[';
  bool first = true;
  for (const auto& [key, value] : json.items()) {
    if (!std::exchange(first, false)) out += ',';
    out += line_break;
    if (json.is_object()) {
      append_json_string(out, key);
      out += layout.indent == 0 ? ":" : ": ";
    }
    append_json(out, value, layout.deeper());
  }
  out += layout.line_break();
  out += json.is_object() ? '}' : ']';
}

/// Precedes a byte while the text is parsed, and itself; a character that occurs in no text.
inline constexpr std::string_view byte_mark = "\xEF\xB7\x90";  // U+FDD0
inline constexpr unsigned byte_mark_code = 0xFDD0;

/// The code unit of the escape `\uXXXX` at `at`, if one is there.
inline std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const char* end = text.data() + at + 6;
  const auto result = std::from_chars(end - 4, end, unit, 16);
  return result.ec == std::errc() && result.ptr == end ? std::optional(unit) : std::nullopt;
}

/// What the escape at `at` (a backslash) becomes, and its length in the text.
inline std::pair<std::string, std::size_t> marked_escape(std::string_view text, std::size_t at) {
  const std::optional<unsigned> unit = escaped_unit(text, at);
  if (!unit) return {std::string(text.substr(at, 2)), std::min<std::size_t>(2, text.size() - at)};
  if (*unit >= 0xD800 && *unit < 0xDC00) {
    const std::optional<unsigned> low = escaped_unit(text, at + 6);
    const std::size_t length = low && *low >= 0xDC00 && *low < 0xE000 ? 12 : 6;
    return {std::string(text.substr(at, length)), length};
  }
  std::string marked;
  if (*unit >= 0xDC80 && *unit <= 0xDCFF) {
    marked = byte_mark;
    append_utf8(marked, *unit - 0xDC00);
  } else {
    if (*unit == byte_mark_code) marked = byte_mark;
    marked += text.substr(at, 6);
  }
  return {std::move(marked), 6};
}

/// The text with marks for the bytes, which a parser of JSON reads; nothing if it has none.
inline std::optional<std::string> with_byte_marks(std::string_view text) {
  constexpr std::array<char, 4> escape{'\\', 'u', 'd', 'c'};
  const auto same = [](char a, char b) { return a == b || (b != 'u' && (a | 0x20) == b); };
  if (std::search(text.begin(), text.end(), escape.begin(), escape.end(), same) == text.end())
    return std::nullopt;
  std::string marked;
  marked.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\\') {
      const auto [replacement, length] = marked_escape(text, at);
      marked += replacement;
      at += length;
    } else {
      if (text.substr(at).starts_with(byte_mark)) marked += byte_mark;
      marked += text[at++];
    }
  }
  return marked;
}

inline std::string without_byte_marks(const std::string& text) {
  std::string bytes;
  std::size_t at = 0;
  for (std::size_t mark; (mark = text.find(byte_mark, at)) != std::string::npos;) {
    bytes.append(text, at, mark - at);
    at = mark + byte_mark.size();
    if (std::string_view(text).substr(at).starts_with(byte_mark)) {
      bytes += byte_mark;
      at += byte_mark.size();
    } else {
      const DecodedCharacter byte = decode_character(std::string_view(text).substr(at));
      bytes += static_cast<char>(static_cast<unsigned char>(byte.code_point));
      at += byte.length;
    }
  }
  return bytes.append(text, at);
}

/// Puts the bytes in the place of their marks, in keys too.
inline void remove_byte_marks(nlohmann::json& json) {
  if (json.is_string()) json = without_byte_marks(json.get_ref<const std::string&>());
  if (json.is_array())
    for (nlohmann::json& value : json) remove_byte_marks(value);
  if (!json.is_object()) return;
  nlohmann::json renamed = nlohmann::json::object();
  for (auto& [key, value] : json.items()) {
    remove_byte_marks(value);
    renamed[without_byte_marks(key)] = std::move(value);
  }
  json = std::move(renamed);
}

}  // namespace detail

/// JSON whose strings are any bytes: what is not UTF-8 as escapes, see above.
/// @param json of nlohmann-json, ordered or not
/// @param indent spaces before the values of each further level; 0: all on one line
template <class AnyJson>
std::string to_json_text(const AnyJson& json, std::size_t indent = 0) {
  std::string text;
  detail::append_json(text, json, {indent});
  return text;
}

}  // namespace coca
