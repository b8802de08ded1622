#pragma once
/// @file
/// The cleaning that OpenCLIP applies to a text before it is cut into tokens: `ftfy.fix_text`,
/// `html.unescape` twice, strip, collapse white space, lower case.
///
/// Of ftfy 6.3 everything is here except the repair of mojibake (UTF-8 that was once read as
/// another encoding, "cafÃ©"), which is out of scope: such text is left unchanged.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/utf8.hpp"
#include "coca/text/html_unescape.hpp"
#include "coca/text/unicode.hpp"

namespace coca {

namespace detail {

/// The letters of a Latin ligature or digraph that is one character; empty for all others.
constexpr std::u32string_view latin_ligature(char32_t c) {
  switch (c) {
    case 0x132:
      return U"IJ";
    case 0x133:
      return U"ij";
    case 0x149:
      return U"\u02BCn";
    case 0x1C4:
      return U"D\u017D";
    case 0x1C5:
      return U"D\u017E";
    case 0x1C6:
      return U"d\u017E";
    case 0x1C7:
      return U"LJ";
    case 0x1C8:
      return U"Lj";
    case 0x1C9:
      return U"lj";
    case 0x1CA:
      return U"NJ";
    case 0x1CB:
      return U"Nj";
    case 0x1CC:
      return U"nj";
    case 0x1F1:
      return U"DZ";
    case 0x1F2:
      return U"Dz";
    case 0x1F3:
      return U"dz";
    case 0xFB00:
      return U"ff";
    case 0xFB01:
      return U"fi";
    case 0xFB02:
      return U"fl";
    case 0xFB03:
      return U"ffi";
    case 0xFB04:
      return U"ffl";
    case 0xFB05:
      return U"\u017Ft";
    case 0xFB06:
      return U"st";
    default:
      return {};
  }
}

/// Curly quotes to straight ones, and all line breaks to the line feed.
constexpr char32_t plain_quote_or_break(char32_t c) {
  if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return '\'';
  if (c >= 0x201C && c <= 0x201F) return '"';
  return c == '\r' || c == 0x2028 || c == 0x2029 ? U'\n' : c;
}

/// Appends one character with C1 controls read as Windows-1252, ligatures taken apart, full-width
/// and half-width forms made normal, and quotes and line breaks made plain.
inline void append_plain(std::u32string& out, char32_t c) {
  if (c >= 0x80 && c <= 0x9F) c = windows_1252_controls[c - 0x80];
  const std::u32string_view ligature = latin_ligature(c);
  if (!ligature.empty()) {
    for (const char32_t letter : ligature) out.push_back(plain_quote_or_break(letter));
  } else if (c == 0x3000) {
    out.push_back(' ');
  } else if (c >= 0xFF01 && c < 0xFFF0) {
    for (const char32_t part : compatibility_form(c)) out.push_back(plain_quote_or_break(part));
  } else {
    out.push_back(plain_quote_or_break(c));
  }
}

/// Control characters that are never intended; white space and bidirectional marks are kept.
constexpr bool is_unwanted_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

/// The length of a terminal's escape sequence such as ESC [ 36 ; 44 m at the start of `text`, or 0.
inline std::size_t terminal_escape_length(std::u32string_view text) {
  if (text.size() < 3 || text[0] != 0x1B || text[1] != '[') return 0;
  std::size_t at = 2;
  while (at < text.size() && (text[at] == ';' || is_decimal_digit(text[at]))) ++at;
  return at < text.size() && is_ascii_letter(text[at]) ? at + 1 : 0;
}

inline std::u32string without_controls(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t escape = terminal_escape_length(text.substr(at));
    if (escape == 0 && !is_unwanted_control(text[at])) out.push_back(text[at]);
    at += std::max<std::size_t>(escape, 1);
  }
  return out;
}

/// All of ftfy's steps but the unescaping, once.
inline std::u32string fix_characters(std::u32string_view text) {
  std::u32string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pair = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if (!pair) append_plain(plain, text[i]);
  }
  return normalize_nfc(without_controls(plain));
}

/// Where the reference that ends `text` begins, if there is one of the strict shape.
inline std::optional<std::size_t> strict_reference_start(std::u32string_view text) {
  constexpr std::size_t longest = 27;  // & # 24 characters ;
  for (std::size_t length = 2; length <= std::min(longest, text.size()); ++length) {
    const std::size_t start = text.size() - length;
    if (text[start] != '&') continue;
    const bool whole = strict_reference_length(text.substr(start)) == length;
    return whole ? std::optional(start) : std::nullopt;
  }
  return std::nullopt;
}

/// Unescapes until nothing is left to unescape, in one pass: what comes out of a reference may
/// complete another one. The order does not matter, because two references never overlap.
inline std::u32string unescape_nested(std::u32string_view text) {
  std::u32string out;
  std::vector<char32_t> pending;
  for (const char32_t next : text) {
    pending.push_back(next);
    while (!pending.empty()) {
      out.push_back(pending.back());
      pending.pop_back();
      if (out.back() != ';') continue;
      const auto start = strict_reference_start(out);
      if (!start) continue;
      const auto value = unescape_strict_reference(std::u32string_view(out).substr(*start));
      if (!value) continue;
      out.resize(*start);
      const std::u32string fixed = fix_characters(*value);
      pending.insert(pending.end(), fixed.rbegin(), fixed.rend());
    }
  }
  return out;
}

/// Whether nothing in `text` can be changed by a step: printable ASCII without references.
inline bool is_plain_ascii(std::u32string_view text) {
  return std::all_of(text.begin(), text.end(), [](char32_t c) {
    return (c >= 0x20 && c < 0x7F && c != '&') || c == '\n' || c == '\t';
  });
}

/// ftfy's loop over one segment: all steps again until nothing changes. A text may be escaped any
/// number of times; so that a hostile one does not take quadratic time, late rounds unescape fully.
inline std::u32string fix_segment(std::u32string_view segment, bool unescape) {
  constexpr int single_rounds = 32, all_rounds = 64;
  std::u32string text(segment);
  if (is_plain_ascii(text)) return text;
  for (int round = 0; round < all_rounds; ++round) {
    std::u32string fixed = !unescape               ? text
                           : round < single_rounds ? unescape_html_strictly(text)
                                                   : unescape_nested(text);
    fixed = fix_characters(fixed);
    if (fixed == text) break;
    text = std::move(fixed);
  }
  return text;
}

/// Python's `" ".join(text.split())`.
inline std::u32string collapse_spaces(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  bool gap = false;
  for (const char32_t c : text) {
    if (is_python_space(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out.push_back(' ');
    gap = false;
    out.push_back(c);
  }
  return out;
}

/// OpenCLIP's cleaning, from UTF-8 to code points.
inline std::u32string clean_code_points(std::string_view text);

}  // namespace detail

/// ftfy's `fix_text` without the repair of mojibake: references of HTML (unless a '<' was seen:
/// then it is taken for markup from there on), C1 controls, ligatures, character width, curly
/// quotes, line breaks, terminal escapes, control characters, normalisation form C. Lines are fixed
/// one by one.
/// @throws UnavailableError beyond ASCII without utf8proc
inline std::u32string fix_text(std::u32string_view text) {
  constexpr std::size_t longest_segment = 1'000'000;
  std::u32string out;
  out.reserve(text.size());
  bool unescape = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t feed = std::min(text.find(U'\n', at), text.size() - 1);
    const std::u32string_view segment = text.substr(at, std::min(feed + 1 - at, longest_segment));
    unescape = unescape && segment.find(U'<') == std::u32string_view::npos;
    out.append(detail::fix_segment(segment, unescape));
    at += segment.size();
  }
  return out;
}

inline std::u32string detail::clean_code_points(std::string_view text) {
  const std::u32string fixed = fix_text(decode_utf8(text));
  return to_lower(collapse_spaces(unescape_html(unescape_html(fixed))));
}

/// What OpenCLIP's SimpleTokenizer does to a text first (`clean="lower"`). Bytes that are not UTF-8
/// become U+FFFD. @throws UnavailableError beyond ASCII without utf8proc
inline std::string clean_text(std::string_view text) {
  return encode_utf8(detail::clean_code_points(text));
}

}  // namespace coca
