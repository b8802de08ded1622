#pragma once
/// @file
/// Names that resemble a misspelt one, to suggest in a message.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coca {

/// The text with A to Z in lower case.
inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// How many bytes must be inserted, removed or replaced to make one text of another: Levenshtein's
/// distance.
inline std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

/// At most three of some names that resemble another, nearest first, whatever their case; none if
/// more than a third of it would have to change.
inline std::vector<std::string> nearest_names(std::string_view name,
                                              const std::vector<std::string>& names) {
  constexpr std::size_t most = 3;
  const std::string wanted = lower_case(name);
  const std::size_t furthest = std::max<std::size_t>(1, name.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& each : names) {
    const std::size_t distance = edit_distance(wanted, lower_case(each));
    if (distance <= furthest) near.emplace_back(distance, each);
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < near.size() && i < most; ++i) nearest.push_back(near[i].second);
  return nearest;
}

/// "a", "a or b", "a, b or c".
inline std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return text;
}

}  // namespace coca
