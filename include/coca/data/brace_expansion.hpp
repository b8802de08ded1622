#pragma once
/// @file
/// Names of shards in braces, as in the shell and WebDataset: `shard-{000..012}.tar` is
/// thirteen names, `{a,b}.tar` two.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

namespace detail {

inline constexpr std::size_t max_brace_names = 1'000'000;

/// @throws ArgumentError if a times b names are too many.
inline void check_brace_count(std::size_t a, std::size_t b) {
  if (b == 0 || a <= max_brace_names / b) return;
  throw ArgumentError("the braces of a name stand for more than " +
                      counted(max_brace_names, "name"));
}

/// The closing brace that matches the opening one at `open`; npos if there is none.
inline std::size_t closing_brace(std::string_view text, std::size_t open) {
  std::size_t depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

/// The parts between the commas that no inner brace encloses.
inline std::vector<std::string_view> split_alternatives(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}') --depth;
    if (text[i] != ',' || depth > 0) continue;
    parts.push_back(text.substr(begin, i - begin));
    begin = i + 1;
  }
  parts.push_back(text.substr(begin));
  return parts;
}

/// A number of at most nine digits.
inline std::optional<std::int64_t> brace_number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || text.size() > 9 || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// The numbers of "000..012", up or down; nothing if the text is not a range.
inline std::vector<std::string> brace_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) return {};
  const std::string_view from = text.substr(0, dots);
  const std::string_view to = text.substr(dots + 2);
  const auto first = brace_number(from);
  const auto last = brace_number(to);
  if (!first || !last || *first < 0 || *last < 0) return {};
  const std::int64_t count = (*first < *last ? *last - *first : *first - *last) + 1;
  check_brace_count(static_cast<std::size_t>(count), 1);
  const bool padded = (from.size() > 1 && from[0] == '0') || (to.size() > 1 && to[0] == '0');
  const std::size_t width = padded ? std::max(from.size(), to.size()) : 0;
  std::vector<std::string> numbers;
  for (std::int64_t i = 0; i < count; ++i) {
    std::string digits = std::to_string(*first < *last ? *first + i : *first - i);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    numbers.push_back(std::move(digits));
  }
  return numbers;
}

inline std::vector<std::string> expand_braces(std::string_view pattern);

/// The alternatives in one pair of braces; without commas or a range, the braces are plain text.
inline std::vector<std::string> expand_body(std::string_view body) {
  const std::vector<std::string_view> parts = split_alternatives(body);
  if (parts.size() == 1) {
    if (std::vector<std::string> range = brace_range(body); !range.empty()) return range;
  }
  std::vector<std::string> names;
  for (const std::string_view part : parts) {
    for (const std::string& name : expand_braces(part)) {
      names.push_back(parts.size() == 1 ? '{' + name + '}' : name);
      check_brace_count(names.size(), 1);
    }
  }
  return names;
}

inline std::vector<std::string> expand_braces(std::string_view pattern) {
  std::size_t open = pattern.find('{');
  while (open != std::string_view::npos && closing_brace(pattern, open) == std::string_view::npos) {
    open = pattern.find('{', open + 1);
  }
  if (open == std::string_view::npos) return {std::string(pattern)};
  const std::size_t close = closing_brace(pattern, open);
  const std::vector<std::string> middles = expand_body(pattern.substr(open + 1, close - open - 1));
  const std::vector<std::string> ends = expand_braces(pattern.substr(close + 1));
  check_brace_count(middles.size(), ends.size());
  std::vector<std::string> names;
  names.reserve(middles.size() * ends.size());
  for (const std::string& middle : middles) {
    for (const std::string& end : ends) {
      names.push_back(std::string(pattern.substr(0, open)) + middle + end);
    }
  }
  return names;
}

}  // namespace detail

/// All names that a pattern stands for, in order; a name without braces stands for itself.
/// @throws ArgumentError for more than a million names, or a pattern of more than 4096 characters.
inline std::vector<std::string> expand_braces(const std::string& pattern) {
  constexpr std::size_t max_length = 4096;
  if (pattern.size() > max_length) {
    throw ArgumentError("a name with braces has " + counted(pattern.size(), "character") +
                        ", at most " + std::to_string(max_length) + " are accepted");
  }
  return detail::expand_braces(std::string_view(pattern));
}

/// All names that several patterns, separated by "::", stand for, as for OpenCLIP's
/// `--train-data`. @throws as expand_braces
inline std::vector<std::string> expand_patterns(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find("::", begin), text.size());
    for (std::string& name : expand_braces(text.substr(begin, end - begin)))
      names.push_back(std::move(name));
    begin = end + 2;
  }
  return names;
}

}  // namespace coca
