#pragma once
/// @file
/// Sentences that a mirrored picture would make wrong.

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace coca {

/// The field of records of questions and sentences that says whether their pictures may be
/// mirrored, "true" or "false": SampleOptions::flip_key.
inline constexpr const char* may_flip_field = "may_flip";

/// Whether a sentence speaks of left or right: it has a word that begins so, such as "leftmost", in
/// upper or lower case. Also for other meanings of these words.
inline bool names_a_side(std::string_view sentence) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto is_letter = [&](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; };
  constexpr std::array<std::string_view, 2> sides{"left", "right"};
  for (std::size_t i = 0; i < sentence.size(); ++i) {
    if (i != 0 && is_letter(sentence[i - 1])) continue;
    for (const std::string_view side : sides) {
      const std::string_view word = sentence.substr(i, side.size());
      if (std::equal(word.begin(), word.end(), side.begin(), side.end(),
                     [&](char a, char b) { return lower(a) == b; }))
        return true;
    }
  }
  return false;
}

}  // namespace coca
