#pragma once
/// @file
/// All metrics of captions at once, as pycocoevalcap reports them, and COCO's two files as their
/// input.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/coco_captions.hpp"
#include "coca/evaluation/bleu.hpp"
#include "coca/evaluation/cider.hpp"
#include "coca/evaluation/meteor.hpp"
#include "coca/evaluation/rouge.hpp"

namespace coca {

/// What the metrics find for a corpus, or for a caption of it.
struct CaptionScores {
  std::array<double, 4> bleu{};    ///< BLEU-1 to BLEU-4, 0 to 1
  double rouge_l = 0;              ///< 0 to 1
  double cider = 0;                ///< CIDEr-D, 0 to 10
  std::optional<double> meteor{};  ///< 0 to 1, if it was asked for
};

/// The scores of a corpus and of each of its captions.
struct CorpusScores {
  CaptionScores overall{};
  std::vector<CaptionScores> each{};
};

/// BLEU, ROUGE-L and CIDEr-D.
/// @param meteor as meteor() found it for these captions; empty: without
/// @throws ArgumentError for no captions, or one without references; ShapeError for METEOR of
///         another number of captions
inline CorpusScores score_corpus(std::span<const JudgedCaption> captions,
                                 const std::optional<MeteorScore>& meteor = {}) {
  if (meteor && meteor->each.size() != captions.size())
    throw ShapeError("METEOR has scores of " + counted(meteor->each.size(), "caption") +
                     ", expected " + std::to_string(captions.size()));
  const RougeScore rouge = rouge_l(captions);
  const CiderScore consensus = cider(captions);
  const auto precisions = bleu_each(captions);
  CorpusScores scores;
  scores.overall = {bleu(captions), rouge.mean, consensus.mean, std::nullopt};
  if (meteor) scores.overall.meteor = meteor->total;
  for (std::size_t i = 0; i < captions.size(); ++i) {
    scores.each.push_back({precisions[i], rouge.each[i], consensus.each[i], std::nullopt});
    if (meteor) scores.each.back().meteor = meteor->each[i];
  }
  return scores;
}

/// Pictures that have both captions of people and one of a model, and how many have one alone.
struct JudgedPictures {
  std::vector<std::string> ids{};
  std::vector<JudgedCaption> captions{};
  std::size_t unknown = 0;      ///< results of pictures that the annotations lack
  std::size_t unanswered = 0;   ///< pictures without result
  std::size_t uncaptioned = 0;  ///< results of pictures without captions
};

/// Brings results to their pictures, in the order of the annotations.
inline JudgedPictures join_captions(std::span<const AnnotatedPicture> pictures,
                                    std::span<const CaptionResult> results) {
  std::unordered_map<std::string, std::string> candidates;
  for (const CaptionResult& result : results) candidates.emplace(result.image_id, result.caption);
  JudgedPictures judged;
  for (const AnnotatedPicture& picture : pictures) {
    const auto found = candidates.find(picture.id);
    if (found == candidates.end()) {
      ++judged.unanswered;
      continue;
    }
    if (picture.captions.empty()) {
      ++judged.uncaptioned;
    } else {
      judged.ids.push_back(picture.id);
      judged.captions.push_back({std::move(found->second), picture.captions});
    }
    candidates.erase(found);
  }
  judged.unknown = candidates.size();
  return judged;
}

}  // namespace coca
