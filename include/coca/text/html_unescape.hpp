#pragma once
/// @file
/// Character references of HTML (`&amp;`, `&#233;`, `&#xE9;`) to characters, by the two sets of
/// rules that OpenCLIP's cleaning uses: Python's `html.unescape`, and the stricter one of ftfy.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "coca/core/utf8.hpp"
#include "coca/text/html_entities.hpp"

namespace coca {

namespace detail {

/// What Windows-1252 has for the bytes 0x80 to 0x9F; the five it leaves free stand for themselves.
inline constexpr std::array<char32_t, 32> windows_1252_controls = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

using EntityMap = std::unordered_map<std::string_view, std::u32string>;

/// Reads a generated table of "name=HEX+HEX " entries.
inline EntityMap parse_entity_table(std::string_view table) {
  EntityMap entities;
  while (!table.empty()) {
    const std::size_t equals = table.find('='), end = table.find(' ');
    const std::string_view name = table.substr(0, equals);
    const char* const stop = table.data() + end;
    std::u32string value;
    for (const char* at = table.data() + equals; at != stop;) {
      unsigned code_point = 0;
      at = std::from_chars(at + 1, stop, code_point, 16).ptr;  // after '=' or '+'
      value.push_back(code_point);
    }
    entities.emplace(name, std::move(value));
    table.remove_prefix(end + 1);
  }
  return entities;
}

/// Names (with their semicolon if it is required) and values.
inline const EntityMap& html_entities() {
  static const EntityMap entities = parse_entity_table(html_entity_table);
  return entities;
}

/// Lower-case names whose value has an upper-case form, and that form.
inline const EntityMap& html_entities_upper() {
  static const EntityMap entities = parse_entity_table(html_entity_upper_table);
  return entities;
}

constexpr bool is_ascii_digit(char32_t c) { return c >= '0' && c <= '9'; }
constexpr bool is_ascii_letter(char32_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
constexpr bool is_ascii_alphanumeric(char32_t c) { return is_ascii_digit(c) || is_ascii_letter(c); }
constexpr bool is_hex_digit(char32_t c) {
  return is_ascii_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/// `text` as bytes; empty if it is not ASCII or longer than any entity's name.
inline std::string ascii_name(std::u32string_view text) {
  constexpr std::size_t longest_name = 32;
  if (text.size() > longest_name) return {};
  std::string name;
  for (const char32_t c : text) {
    if (c >= 0x80) return {};
    name.push_back(static_cast<char>(c));
  }
  return name;
}

/// Appends the character of a numeric reference; some code points have none.
inline void append_numeric_reference(std::u32string& out, char32_t number) {
  const bool control = (number >= 0x1 && number <= 0x8) || number == 0xB ||
                       (number >= 0xE && number <= 0x1F) || number == 0x7F;
  const bool noncharacter = (number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE;
  const bool surrogate = number >= 0xD800 && number <= 0xDFFF;
  if (number >= 0x80 && number <= 0x9F)
    out.push_back(windows_1252_controls[number - 0x80]);
  else if (number == 0 || surrogate || number > 0x10FFFF)
    out.push_back(replacement_character);
  else if (!control && !noncharacter)
    out.push_back(number);
}

/// Reads "#123;" or "#x1F;" (semicolon optional) at the start of `text`, appends its character.
/// Returns the length that was read, 0 if this is not a reference.
inline std::size_t unescape_numeric(std::u32string_view text, std::u32string& out) {
  const bool hex = text.size() > 1 && (text[1] | 0x20) == 'x';
  const std::size_t first = hex ? 2 : 1;
  std::size_t at = first;
  char32_t number = 0;
  for (; at < text.size() && (hex ? is_hex_digit(text[at]) : is_ascii_digit(text[at])); ++at) {
    const char32_t digit = is_ascii_digit(text[at]) ? text[at] - '0' : (text[at] | 0x20) - 'a' + 10;
    number = std::min<char32_t>(number * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (at == first) return 0;
  append_numeric_reference(out, number);
  return at < text.size() && text[at] == ';' ? at + 1 : at;
}

/// Appends the characters of a name; if there is no such name, those of its longest valid prefix.
inline void append_named_reference(std::u32string& out, std::u32string_view name) {
  const EntityMap& entities = html_entities();
  const auto first_foreign =
      std::find_if(name.begin(), name.end(), [](char32_t c) { return c >= 0x80; });
  const auto ascii_length = static_cast<std::size_t>(first_foreign - name.begin());
  const std::string ascii(name.begin(), first_foreign);
  for (std::size_t length = ascii_length; length >= 1; --length) {
    if (length == 1 && name.size() > 1) break;  // Python tries no prefix of one character
    const auto found = entities.find(std::string_view(ascii).substr(0, length));
    if (found == entities.end()) continue;
    out.append(found->second).append(name.substr(length));
    return;
  }
  out.append(1, '&').append(name);
}

/// Reads a name (up to 32 characters, semicolon optional) at the start of `text`; its length, or 0.
inline std::size_t unescape_named(std::u32string_view text, std::u32string& out) {
  constexpr std::size_t longest = 32;
  constexpr std::u32string_view excluded = U"\t\n\f <&#;";
  std::size_t length = std::min({text.find_first_of(excluded), text.size(), longest});
  if (length == 0) return 0;
  if (length < text.size() && text[length] == ';') ++length;
  append_named_reference(out, text.substr(0, length));
  return length;
}

}  // namespace detail

/// Python's `html.unescape`: named (HTML 5) and numeric references, those without a semicolon too.
inline std::u32string unescape_html(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t ampersand = std::min(text.find(U'&', at), text.size());
    out.append(text.substr(at, ampersand - at));
    at = ampersand;
    if (at == text.size()) break;
    const std::u32string_view rest = text.substr(at + 1);
    const std::size_t length = !rest.empty() && rest[0] == '#' ? detail::unescape_numeric(rest, out)
                                                               : detail::unescape_named(rest, out);
    if (length == 0) out.push_back('&');
    at += 1 + length;
  }
  return out;
}

namespace detail {

/// The length of `&name;` or `&#name;` with 1 to 24 ASCII letters and digits at the start of
/// `text`, or 0: the only shape that ftfy takes for a reference.
inline std::size_t strict_reference_length(std::u32string_view text) {
  constexpr std::size_t longest = 24;
  const std::size_t first = text.size() > 1 && text[1] == '#' ? 2 : 1;
  std::size_t at = first;
  while (at < text.size() && at - first <= longest && is_ascii_alphanumeric(text[at])) ++at;
  const bool closed = at < text.size() && text[at] == ';';
  return closed && at > first && at - first <= longest ? at + 1 : 0;
}

/// `NTILDE;` and the like: names that are written in capitals by mistake.
inline std::optional<std::u32string> unescape_capitals(const std::string& name) {
  std::string lower = name;
  for (char& c : lower) {
    if (c >= 'a' && c <= 'z') return std::nullopt;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  const auto found = html_entities().find(lower);
  if (found == html_entities().end()) return std::nullopt;
  std::u32string reference(1, U'&');
  reference.append(name.begin(), name.end());
  if (unescape_html(reference) != reference)
    return std::nullopt;  // such as &LTIMES;: it begins with LT
  const auto upper = html_entities_upper().find(lower);
  return upper == html_entities_upper().end() ? found->second : upper->second;
}

/// The characters of one reference of the strict shape under ftfy's rules; nothing if it is left
/// unchanged.
inline std::optional<std::u32string> unescape_strict_reference(std::u32string_view reference) {
  if (reference[1] == '#') {
    std::u32string value = unescape_html(reference);
    if (value.find(U';') != std::u32string::npos) return std::nullopt;
    return value;
  }
  const std::string name = ascii_name(reference.substr(1));
  const auto found = html_entities().find(name);
  if (found != html_entities().end()) return found->second;
  return unescape_capitals(name);
}

/// ftfy's `unescape_html`: only references that end in a semicolon, and names in capitals.
inline std::u32string unescape_html_strictly(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = text[at] == '&' ? strict_reference_length(text.substr(at)) : 0;
    const std::size_t taken = std::max<std::size_t>(length, 1);
    const std::u32string_view source = text.substr(at, taken);
    const auto value = length > 0 ? unescape_strict_reference(source) : std::nullopt;
    out.append(value ? std::u32string_view(*value) : source);
    at += taken;
  }
  return out;
}

}  // namespace detail

}  // namespace coca
