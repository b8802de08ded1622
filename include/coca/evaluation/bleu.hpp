#pragma once
/// @file
/// BLEU of a corpus of captions (Papineni et al. 2002), like pycocoevalcap's.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/evaluation/caption_words.hpp"

namespace coca {

namespace detail {

/// The sums of BLEU over a corpus.
struct BleuCounts {
  std::array<double, longest_ngram> guessed{};
  std::array<double, longest_ngram> correct{};
  double candidate_length = 0;
  double reference_length = 0;

  void add(const JudgedCaption& caption) {
    const std::vector<std::string> words = caption_words(caption.candidate);
    NgramCounts most;                             // in any one reference
    std::pair<std::size_t, std::size_t> closest;  // difference and length
    for (std::size_t i = 0; i < caption.references.size(); ++i) {
      const std::vector<std::string> reference = caption_words(caption.references[i]);
      for (const auto& [ngram, count] : count_ngrams(reference))
        most[ngram] = std::max(most[ngram], count);
      const std::pair distance{
          std::max(reference.size(), words.size()) - std::min(reference.size(), words.size()),
          reference.size()};
      closest = i == 0 ? distance : std::min(closest, distance);
    }
    for (const auto& [ngram, count] : count_ngrams(words))
      if (const auto found = most.find(ngram); found != most.end())
        correct[ngram.size() - 1] += static_cast<double>(std::min(count, found->second));
    for (std::size_t n = 0; n < longest_ngram && n < words.size(); ++n)
      guessed[n] += static_cast<double>(words.size() - n);
    candidate_length += static_cast<double>(words.size());
    reference_length += static_cast<double>(closest.second);
  }
};

}  // namespace detail

/// BLEU-1 to BLEU-4 of a corpus: element n - 1 is
///
///     BLEU-n = min(1, exp(1 - r / c)) * (p_1 * ... * p_n) ^ (1 / n)
///
/// with p_k the share of the candidates' runs of k words that a reference has (each as often as it
/// occurs there at most), c the candidates' length and r that of the references closest to them in
/// length. Like pycocoevalcap, tiny numbers stand in for zeros: 1e-15 above, 1e-9 below the line.
/// @throws ArgumentError for no captions, or one without references
inline std::array<double, 4> bleu(std::span<const JudgedCaption> captions) {
  constexpr double small = 1e-9, tiny = 1e-15;
  detail::check_judged(captions);
  detail::BleuCounts counts;
  for (const JudgedCaption& caption : captions) counts.add(caption);
  const double ratio = (counts.candidate_length + tiny) / (counts.reference_length + small);
  const double brevity = ratio < 1 ? std::exp(1 - 1 / ratio) : 1;
  std::array<double, 4> scores{};
  double product = 1;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    product *= (counts.correct[n] + tiny) / (counts.guessed[n] + small);
    scores[n] = brevity * std::pow(product, 1 / static_cast<double>(n + 1));
  }
  return scores;
}

/// BLEU-1 to BLEU-4 of each caption separately. @throws ArgumentError as above
inline std::vector<std::array<double, 4>> bleu_each(std::span<const JudgedCaption> captions) {
  detail::check_judged(captions);
  std::vector<std::array<double, 4>> scores;
  for (std::size_t i = 0; i < captions.size(); ++i) scores.push_back(bleu(captions.subspan(i, 1)));
  return scores;
}

}  // namespace coca
