#pragma once
/// @file
/// Unicode properties of characters, through utf8proc, in the terms of Python's `str` and
/// `regex`: letters (\\p{L}), numbers (\\p{N}), white space, lower case, and normalisation form C.
/// Characters are classed by the Unicode version of the installed utf8proc (2.8: Unicode 15); what
/// later versions added counts as neither letter nor number.
/// Only this header reads COCA_HAS_UTF8PROC. Without utf8proc ASCII still works, and the first
/// other character throws UnavailableError.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/features.hpp"

#if COCA_HAS_UTF8PROC
#include <utf8proc.h>
#endif

namespace coca {

/// The classes that tokenizers tell apart.
enum class CharacterClass { letter, number, space, other };

namespace detail {

enum class Decomposition { canonical, compatibility };

/// The role of a character in the rule for the final sigma (Unicode's Cased and Case_Ignorable).
enum class CaseRole { cased, ignorable, neither };

#if COCA_HAS_UTF8PROC

inline CharacterClass unicode_class(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return CharacterClass::letter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return CharacterClass::number;
    default:
      return CharacterClass::other;
  }
}

inline bool unicode_decimal_digit(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_ND;
}

/// Whether a character is of category M: it combines with the one before it.
inline bool is_mark(char32_t c) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
         category == UTF8PROC_CATEGORY_ME;
}

inline CaseRole category_case_role(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return CaseRole::cased;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return CaseRole::ignorable;
    default:
      return CaseRole::neither;
  }
}

inline char32_t simple_lower(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

inline int combining_class(char32_t c) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

inline void append_decomposition(std::u32string& out, char32_t c, Decomposition kind) {
  std::array<utf8proc_int32_t, 32> parts{};  // the longest, of U+FDFA, has 18
  const int options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
                      (kind == Decomposition::compatibility ? UTF8PROC_COMPAT : 0);
  int boundary = 0;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts.data(),
                                             static_cast<utf8proc_ssize_t>(parts.size()),
                                             static_cast<utf8proc_option_t>(options), &boundary);
  if (count < 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
    out.push_back(c);  // not a character: nothing to decompose
    return;
  }
  for (utf8proc_ssize_t i = 0; i < count; ++i)
    out.push_back(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
}

/// Composes a decomposed and ordered text in place.
inline void compose(std::u32string& text) {
  std::basic_string<utf8proc_int32_t> buffer(text.begin(), text.end());
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const auto length = utf8proc_normalize_utf32(
      buffer.data(), static_cast<utf8proc_ssize_t>(buffer.size()), options);
  if (length < 0) throw Error(std::string("utf8proc: ") + utf8proc_errmsg(length));
  text.assign(buffer.begin(), buffer.begin() + length);
}

/// Whether a grapheme ends between two neighbours. @param state 0 at the beginning of a text
inline bool grapheme_break(char32_t before, char32_t after, std::int32_t& state) {
  utf8proc_int32_t kept = state;
  const bool breaks = utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(before),
                                                       static_cast<utf8proc_int32_t>(after), &kept);
  state = kept;
  return breaks;
}

#else

[[noreturn]] inline void throw_no_utf8proc() {
  throw UnavailableError(
      "text beyond ASCII needs the library utf8proc, which this build of coca does not have");
}
inline CharacterClass unicode_class(char32_t) { throw_no_utf8proc(); }
inline bool unicode_decimal_digit(char32_t) { throw_no_utf8proc(); }
inline bool is_mark(char32_t) { throw_no_utf8proc(); }
inline CaseRole category_case_role(char32_t) { throw_no_utf8proc(); }
inline char32_t simple_lower(char32_t) { throw_no_utf8proc(); }
inline int combining_class(char32_t) { throw_no_utf8proc(); }
inline void append_decomposition(std::u32string&, char32_t, Decomposition) { throw_no_utf8proc(); }
inline void compose(std::u32string&) { throw_no_utf8proc(); }
inline bool grapheme_break(char32_t, char32_t, std::int32_t&) { throw_no_utf8proc(); }

#endif

struct CodePointRange {
  char32_t first;
  char32_t last;
};

constexpr bool in_ranges(char32_t c, std::span<const CodePointRange> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const CodePointRange& r) { return c >= r.first && c <= r.last; });
}

/// Other_Uppercase and Other_Lowercase that no modifier letter is (those count as ignorable).
inline constexpr CodePointRange other_cased[] = {
    {0xAA, 0xAA},       {0xBA, 0xBA},       {0x2160, 0x217F},  {0x24B6, 0x24E9},
    {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}};

/// Word_Break MidLetter, MidNumLet and Single_Quote.
inline constexpr CodePointRange other_case_ignorable[] = {
    {0x27, 0x27},     {0x2E, 0x2E},     {0x3A, 0x3A},     {0xB7, 0xB7},
    {0x387, 0x387},   {0x55F, 0x55F},   {0x5F4, 0x5F4},   {0x2018, 0x2019},
    {0x2024, 0x2024}, {0x2027, 0x2027}, {0xFE13, 0xFE13}, {0xFE52, 0xFE52},
    {0xFE55, 0xFE55}, {0xFF07, 0xFF07}, {0xFF0E, 0xFF0E}, {0xFF1A, 0xFF1A}};

inline CaseRole case_role(char32_t c) {
  if (in_ranges(c, other_cased)) return CaseRole::cased;
  if (in_ranges(c, other_case_ignorable)) return CaseRole::ignorable;
  return category_case_role(c);
}

/// Whether the sigma at `at` ends a word: a cased letter before it and none after it, when what is
/// case-ignorable between them is left out.
inline bool is_final_sigma(std::u32string_view text, std::size_t at) {
  std::size_t before = at;
  while (before > 0 && case_role(text[before - 1]) == CaseRole::ignorable) --before;
  if (before == 0 || case_role(text[before - 1]) != CaseRole::cased) return false;
  std::size_t after = at + 1;
  while (after < text.size() && case_role(text[after]) == CaseRole::ignorable) ++after;
  return after == text.size() || case_role(text[after]) != CaseRole::cased;
}

/// Sorts each run of combining marks by class. (utf8proc's own ordering takes quadratic time.)
inline void order_combining_marks(std::u32string& text) {
  const auto is_mark = [](char32_t c) { return combining_class(c) != 0; };
  const auto by_class = [](char32_t a, char32_t b) {
    return combining_class(a) < combining_class(b);
  };
  for (auto at = text.begin(); at != text.end();) {
    const auto first = std::find_if(at, text.end(), is_mark);
    at = std::find_if_not(first, text.end(), is_mark);
    std::stable_sort(first, at, by_class);
  }
}

}  // namespace detail

/// White space as `\s` of Python's `regex` and the Unicode property White_Space.
constexpr bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

/// White space as Python's `str.strip` and `str.split` see it: also the four ASCII separators.
constexpr bool is_python_space(char32_t c) { return is_space(c) || (c >= 0x1C && c <= 0x1F); }

/// The class of a character. @throws UnavailableError beyond ASCII without utf8proc
inline CharacterClass character_class(char32_t c) {
  if (is_space(c)) return CharacterClass::space;
  if (c >= 0x80) return detail::unicode_class(c);
  if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') return CharacterClass::letter;
  return c >= '0' && c <= '9' ? CharacterClass::number : CharacterClass::other;
}

/// Whether `c` is of category L. @throws UnavailableError beyond ASCII without utf8proc
inline bool is_letter(char32_t c) { return character_class(c) == CharacterClass::letter; }

/// Whether `c` is of category N. @throws UnavailableError beyond ASCII without utf8proc
inline bool is_number(char32_t c) { return character_class(c) == CharacterClass::number; }

/// Whether `c` is of category Nd, as `\d` of Python's `re`. @throws UnavailableError as above
inline bool is_decimal_digit(char32_t c) {
  return c < 0x80 ? c >= '0' && c <= '9' : detail::unicode_decimal_digit(c);
}

/// Python's `str.lower`: the full mapping, with the final sigma, and U+0130 becoming two
/// characters.
/// @throws UnavailableError beyond ASCII without utf8proc
inline std::u32string to_lower(std::u32string_view text) {
  constexpr char32_t capital_sigma = 0x3A3, capital_dotted_i = 0x130;
  std::u32string lower;
  lower.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c < 0x80)
      lower.push_back(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    else if (c == capital_sigma)
      lower.push_back(detail::is_final_sigma(text, i) ? 0x3C2 : 0x3C3);
    else if (c == capital_dotted_i)
      lower.append({0x69, 0x307});
    else
      lower.push_back(detail::simple_lower(c));
  }
  return lower;
}

/// Normalisation form C. @throws UnavailableError when that needs utf8proc and there is none
inline std::u32string normalize_nfc(std::u32string_view text) {
  constexpr char32_t first_changed = 0x300;  // nothing below it decomposes back or combines
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < first_changed; }))
    return std::u32string(text);
  std::u32string normal;
  normal.reserve(text.size());
  for (const char32_t c : text)
    detail::append_decomposition(normal, c, detail::Decomposition::canonical);
  detail::order_combining_marks(normal);
  detail::compose(normal);
  return normal;
}

/// Normalisation form KC of a text. @throws UnavailableError when that needs utf8proc and there is
/// none
inline std::u32string normalize_nfkc(std::u32string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; }))
    return std::u32string(text);
  std::u32string normal;
  normal.reserve(text.size());
  for (const char32_t c : text)
    detail::append_decomposition(normal, c, detail::Decomposition::compatibility);
  detail::order_combining_marks(normal);
  detail::compose(normal);
  return normal;
}

/// The length of the grapheme (what a reader takes for one character) at the start of a text that
/// is not empty. @throws UnavailableError beyond ASCII without utf8proc
inline std::size_t grapheme_length(std::u32string_view text) {
  std::size_t length = 1;
  std::int32_t state = 0;
  for (; length < text.size(); ++length) {
    const char32_t before = text[length - 1], after = text[length];
    const bool ascii = before < 0x80 && after < 0x80;
    if (ascii ? !(before == '\r' && after == '\n') : detail::grapheme_break(before, after, state))
      break;
  }
  return length;
}

/// Normalisation form KC of one character. @throws UnavailableError without utf8proc
inline std::u32string compatibility_form(char32_t c) {
  std::u32string form;
  detail::append_decomposition(form, c, detail::Decomposition::compatibility);
  detail::order_combining_marks(form);
  detail::compose(form);
  return form;
}

}  // namespace coca
