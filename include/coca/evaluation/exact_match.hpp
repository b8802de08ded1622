#pragma once
/// @file
/// The share of captions that are correct word for word.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/evaluation/caption_words.hpp"

namespace coca {

/// The share, 0 to 1, of candidates with the same words (see caption_words) as one of their
/// references.
/// @throws ArgumentError for no captions, or one without references
inline double exact_match(std::span<const JudgedCaption> captions) {
  detail::check_judged(captions);
  const auto right = std::count_if(captions.begin(), captions.end(), [](const auto& caption) {
    const std::vector<std::string> words = caption_words(caption.candidate);
    return std::any_of(caption.references.begin(), caption.references.end(),
                       [&](const std::string& text) { return caption_words(text) == words; });
  });
  return static_cast<double>(right) / static_cast<double>(captions.size());
}

}  // namespace coca
