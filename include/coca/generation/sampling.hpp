#pragma once
/// @file
/// Captions of one picture that grow word by word without backtracking: greedy search and sampling,
/// as in transformers' `generate` with one beam.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "coca/generation/continuation.hpp"
#include "coca/generation/options.hpp"
#include "coca/generation/score_rules.hpp"

namespace coca {

/// Independent sequences of one picture; see BeamSearch for how a search uses them. Each is a
/// separate group with one candidate; finished ones are carried along with padding until all
/// are finished.
class Sampling {
 public:
  /// @param options must outlive the search
  Sampling(const Sequence& prompt, const GenerationOptions& options)
      : options_(&options),
        prompt_length_(prompt.size()),
        sequences_(options.captions, prompt),
        scores_(options.captions, 0),
        lengths_(options.captions, 0),
        parents_(options.captions) {
    for (std::size_t i = 0; i < parents_.size(); ++i) parents_[i] = i;
  }

  Sampling(const Sequence&, GenerationOptions&&) = delete;

  static constexpr std::size_t groups() { return 1; }
  std::size_t rows() const { return sequences_.size(); }
  const std::vector<Sequence>& sequences() const { return sequences_; }
  const std::vector<float>& scores() const { return scores_; }
  /// Each sequence continues itself.
  const std::vector<std::size_t>& parents() const { return parents_; }
  bool done() const {
    return std::all_of(lengths_.begin(), lengths_.end(), [](auto length) { return length != 0; });
  }

  /// Takes one continuation of each sequence, candidate i for sequence i.
  void advance(std::size_t /*group*/, const std::vector<Continuation>& candidates) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Sequence& ids = sequences_[i];
      const bool finished = lengths_[i] != 0;
      ids.push_back(finished ? options_->tokens.pad : candidates[i].token);
      if (finished) continue;
      scores_[i] = candidates[i].score;
      if (ids.back() == options_->tokens.end || ids.size() == options_->max_length)
        lengths_[i] = ids.size();
    }
  }

  /// The captions, most likely first; unfinished ones if the search was stopped.
  std::vector<GeneratedSequence> result() const {
    std::vector<GeneratedSequence> all;
    for (std::size_t i = 0; i < sequences_.size(); ++i) {
      Sequence ids = sequences_[i];
      if (lengths_[i] != 0) ids.resize(lengths_[i]);
      const std::size_t generated = std::max<std::size_t>(ids.size() - prompt_length_, 1);
      const float score =
          detail::length_normalized(scores_[i], generated, options_->length_penalty);
      all.push_back({std::move(ids), score, lengths_[i] != 0});
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    return all;
  }

 private:
  const GenerationOptions* options_;
  std::size_t prompt_length_;
  std::vector<Sequence> sequences_;
  std::vector<float> scores_;
  std::vector<std::size_t> lengths_;  // of finished sequences; 0: still running
  std::vector<std::size_t> parents_;
};

}  // namespace coca
