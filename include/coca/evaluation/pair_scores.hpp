#pragma once
/// @file
/// NLVR2's two figures (Suhr et al. 2019): accuracy, and how many sentences are judged rightly for
/// each of their pairs of pictures.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <unordered_map>

#include "coca/core/error.hpp"
#include "coca/data/pair_files.hpp"

namespace coca {

/// Shares, 0 to 1.
struct PairScores {
  double accuracy = 0;
  double consistency = 0;
  std::size_t unanswered = 0;  ///< pairs without prediction, which are left out
  std::size_t unknown = 0;     ///< predictions of no pair
};

/// @throws ArgumentError if no pair has a prediction
inline PairScores pair_scores(std::span<const PicturePair> pairs,
                              std::span<const PairPrediction> predictions) {
  std::unordered_map<std::string, bool> judged;
  for (const PairPrediction& prediction : predictions)
    judged.emplace(prediction.identifier, prediction.is_true);
  PairScores scores;
  std::map<std::string, bool> sentences;  // whether all pairs so far are right
  std::size_t count = 0, right = 0;
  for (const PicturePair& pair : pairs) {
    const auto found = judged.find(pair.identifier);
    if (found == judged.end()) {
      ++scores.unanswered;
      continue;
    }
    const bool is_right = found->second == pair.is_true;
    judged.erase(found);
    ++count;
    right += is_right ? 1 : 0;
    bool& consistent = sentences.try_emplace(pair.sentence_id, true).first->second;
    consistent = consistent && is_right;
  }
  if (count == 0) throw ArgumentError("none of the pairs has a prediction");
  std::size_t all_right = 0;
  for (const auto& [sentence, consistent] : sentences) all_right += consistent ? 1 : 0;
  scores.accuracy = static_cast<double>(right) / static_cast<double>(count);
  scores.consistency = static_cast<double>(all_right) / static_cast<double>(sentences.size());
  scores.unknown = judged.size();
  return scores;
}

}  // namespace coca
