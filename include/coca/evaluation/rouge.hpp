#pragma once
/// @file
/// ROUGE-L (Lin 2004), like pycocoevalcap's.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/evaluation/caption_words.hpp"

namespace coca {

/// ROUGE-L of a corpus and of each of its captions, 0 to 1.
struct RougeScore {
  double mean = 0;
  std::vector<double> each{};
};

namespace detail {

/// Words for ROUGE: those of an empty caption are one empty word.
inline std::vector<std::string> rouge_words(const std::string& caption) {
  std::vector<std::string> words = caption_words(caption);
  if (words.empty()) words.emplace_back();
  return words;
}

/// The length of the longest sequence of words that both have in this order.
inline std::size_t longest_common(const std::vector<std::string>& a,
                                  const std::vector<std::string>& b) {
  std::vector<std::size_t> lengths(b.size() + 1);  // of a's words so far and the first words of b
  for (const std::string& word : a) {
    std::size_t diagonal = 0;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t above = lengths[j + 1];
      lengths[j + 1] = word == b[j] ? diagonal + 1 : std::max(above, lengths[j]);
      diagonal = above;
    }
  }
  return lengths.back();
}

/// (1 + b^2) P R / (R + b^2 P), with the largest precision P and the largest recall R that any
/// reference gives, and b = 1.2.
inline double rouge_l_of(const JudgedCaption& caption) {
  constexpr double squared_beta = 1.2 * 1.2;
  const std::vector<std::string> words = rouge_words(caption.candidate);
  double precision = 0, recall = 0;
  for (const std::string& text : caption.references) {
    const std::vector<std::string> reference = rouge_words(text);
    const auto common = static_cast<double>(longest_common(reference, words));
    precision = std::max(precision, common / static_cast<double>(words.size()));
    recall = std::max(recall, common / static_cast<double>(reference.size()));
  }
  if (precision == 0 || recall == 0) return 0;
  return (1 + squared_beta) * precision * recall / (recall + squared_beta * precision);
}

}  // namespace detail

/// ROUGE-L: the mean over the captions.
/// @throws ArgumentError for no captions, or one without references
inline RougeScore rouge_l(std::span<const JudgedCaption> captions) {
  detail::check_judged(captions);
  RougeScore score;
  for (const JudgedCaption& caption : captions) {
    score.each.push_back(detail::rouge_l_of(caption));
    score.mean += score.each.back();
  }
  score.mean /= static_cast<double>(captions.size());
  return score;
}

}  // namespace coca
