#pragma once
/// @file
/// The share of captions that are correct word for word.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/evaluation/caption_words.hpp"

namespace coca {

namespace detail {

/// The words of a caption as they are read aloud: in lower case (ASCII), between white space and
/// ASCII punctuation, each digit separately. So a caption that CLIP's tokenizer decoded ("medium -
/// dark skin tone", "1 0 cents") has the words of the text that it was made from.
inline std::vector<std::string> spoken_words(std::string_view caption) {
  std::vector<std::string> words;
  bool inside = false;  // of a word that may continue
  for (const char c : caption) {
    const bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    const bool letter = upper || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    if (digit || (letter && !inside)) words.emplace_back();
    if (digit || letter) words.back().push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
    inside = letter;
  }
  return words;
}

}  // namespace detail

/// The share, 0 to 1, of candidates with the same words as one of their references, whatever their
/// case, punctuation and spaces.
/// @throws ArgumentError for no captions, or one without references
inline double exact_match(std::span<const JudgedCaption> captions) {
  detail::check_judged(captions);
  const auto right = std::count_if(captions.begin(), captions.end(), [](const auto& caption) {
    const std::vector<std::string> words = detail::spoken_words(caption.candidate);
    return std::any_of(
        caption.references.begin(), caption.references.end(),
        [&](const std::string& text) { return detail::spoken_words(text) == words; });
  });
  return static_cast<double>(right) / static_cast<double>(captions.size());
}

}  // namespace coca
