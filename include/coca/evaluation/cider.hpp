#pragma once
/// @file
/// CIDEr-D (Vedantam et al. 2015), like pycocoevalcap's `Cider`.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/evaluation/caption_words.hpp"

namespace coca {

/// CIDEr-D of a corpus and of each of its captions. A candidate equal to its only reference, of at
/// least four words and all of them rare, has 10.
struct CiderScore {
  double mean = 0;
  std::vector<double> each{};
};

namespace detail {

/// In how many pictures' references a run of words occurs, and how many pictures there are.
struct DocumentFrequency {
  NgramCounts pictures{};
  double log_count = 0;

  /// log of (pictures / pictures with this run), where unknown runs count as occurring once.
  double inverse(const std::vector<std::string>& ngram) const {
    const auto found = pictures.find(ngram);
    return log_count - (found == pictures.end() ? 0 : std::log(static_cast<double>(found->second)));
  }
};

/// Runs of words, weighted by how often they occur here and how rare they are elsewhere.
struct WeightedNgrams {
  std::map<std::vector<std::string>, double> weights{};
  std::array<double, longest_ngram> norms{};  ///< of the runs of each length
  double bigrams = 0;                         ///< which CIDEr-D uses as the caption's length

  WeightedNgrams(const NgramCounts& counts, const DocumentFrequency& frequency) {
    for (const auto& [ngram, count] : counts) {
      const double weight = static_cast<double>(count) * frequency.inverse(ngram);
      weights.emplace(ngram, weight);
      norms[ngram.size() - 1] += weight * weight;
      if (ngram.size() == 2) bigrams += static_cast<double>(count);
    }
    for (double& norm : norms) norm = std::sqrt(norm);
  }
};

/// The mean over the lengths of runs of the clipped cosine, with the penalty for unlike lengths.
inline double cider_similarity(const WeightedNgrams& candidate, const WeightedNgrams& reference) {
  constexpr double sigma = 6;
  std::array<double, longest_ngram> products{};
  for (const auto& [ngram, weight] : candidate.weights)
    if (const auto found = reference.weights.find(ngram); found != reference.weights.end())
      products[ngram.size() - 1] += std::min(weight, found->second) * found->second;
  double sum = 0;
  for (std::size_t n = 0; n < longest_ngram; ++n) {
    const double norms = candidate.norms[n] * reference.norms[n];
    sum += norms == 0 ? products[n] : products[n] / norms;
  }
  const double difference = candidate.bigrams - reference.bigrams;
  return sum / longest_ngram * std::exp(-difference * difference / (2 * sigma * sigma));
}

}  // namespace detail

/// CIDEr-D. Word frequencies are those of all references of the corpus: the score of a caption
/// depends on the other captions, and a single picture scores 0.
/// @throws ArgumentError for no captions, or one without references
inline CiderScore cider(std::span<const JudgedCaption> captions) {
  detail::check_judged(captions);
  std::vector<std::vector<detail::NgramCounts>> references(captions.size());
  detail::DocumentFrequency frequency{.log_count = std::log(static_cast<double>(captions.size()))};
  for (std::size_t i = 0; i < captions.size(); ++i) {
    detail::NgramCounts together;
    for (const std::string& reference : captions[i].references) {
      references[i].push_back(detail::count_ngrams(caption_words(reference)));
      together.insert(references[i].back().begin(), references[i].back().end());
    }
    for (const auto& [ngram, count] : together) ++frequency.pictures[ngram];
  }
  CiderScore score;
  for (std::size_t i = 0; i < captions.size(); ++i) {
    const detail::WeightedNgrams candidate(
        detail::count_ngrams(caption_words(captions[i].candidate)), frequency);
    double sum = 0;
    for (const detail::NgramCounts& reference : references[i])
      sum += detail::cider_similarity(candidate, detail::WeightedNgrams(reference, frequency));
    score.each.push_back(10 * sum / static_cast<double>(references[i].size()));
    score.mean += score.each.back();
  }
  score.mean /= static_cast<double>(captions.size());
  return score;
}

}  // namespace coca
