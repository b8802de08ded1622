#pragma once
/// @file
/// Beam search over one picture's captions, as in `generate` of transformers 5.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "coca/generation/continuation.hpp"
#include "coca/generation/options.hpp"
#include "coca/generation/score_rules.hpp"

namespace coca {

/// The beams of one picture. A search over many pictures asks each for its running sequences, gives
/// it the best 2 * beams continuations, and repeats until it is done.
class BeamSearch {
 public:
  /// @param options must outlive the search
  BeamSearch(const Sequence& prompt, const GenerationOptions& options)
      : options_(&options),
        prompt_length_(prompt.size()),
        sequences_(options.beams, prompt),
        scores_(options.beams, unlikely),
        parents_(options.beams, 0) {
    scores_[0] = 0;  // all beams are the same at first: only one may continue
  }

  BeamSearch(const Sequence&, GenerationOptions&&) = delete;

  static constexpr std::size_t groups() { return 1; }
  std::size_t rows() const { return sequences_.size(); }
  /// Candidates that advance() expects.
  std::size_t candidates() const { return 2 * options_->beams; }

  const std::vector<Sequence>& sequences() const { return sequences_; }
  const std::vector<float>& scores() const { return scores_; }
  /// For each running sequence, the index of the sequence of the previous step that it continues.
  const std::vector<std::size_t>& parents() const { return parents_; }
  bool done() const { return done_; }

  /// Takes the best continuations, best (or first drawn) first.
  void advance(std::size_t /*group*/, const std::vector<Continuation>& candidates) {
    const std::size_t length = sequences_.front().size() + 1;
    const auto stops = [&](const Continuation& candidate) {
      return candidate.token == options_->tokens.end || length == options_->max_length;
    };
    for (std::size_t rank = 0; rank < std::min(options_->beams, candidates.size()); ++rank)
      if (stops(candidates[rank])) finish(candidates[rank], length);
    std::stable_sort(finished_.begin(), finished_.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    if (finished_.size() > options_->beams) finished_.resize(options_->beams);

    std::vector<Continuation> running;
    for (const Continuation& candidate : candidates)
      if (!stops(candidate)) running.push_back(candidate);
    if (running.empty()) {
      done_ = true;
      return;
    }
    std::stable_sort(running.begin(), running.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    if (running.size() > options_->beams) running.resize(options_->beams);
    continue_with(running);
    done_ = satisfied(length);
  }

  /// The captions found, best first; if the search was stopped before any was finished, the
  /// beams.
  std::vector<GeneratedSequence> result() const {
    std::vector<GeneratedSequence> best = finished_;
    for (std::size_t i = 0; best.size() < options_->captions && i < sequences_.size(); ++i) {
      const std::size_t generated = sequences_[i].size() - prompt_length_;
      const float score = generated == 0 ? 0
                                         : detail::length_normalized(scores_[i], generated,
                                                                     options_->length_penalty);
      best.push_back({sequences_[i], score, false});
    }
    best.resize(std::min(best.size(), options_->captions));
    return best;
  }

 private:
  static constexpr float unlikely = -1e9f;

  void finish(const Continuation& candidate, std::size_t length) {
    Sequence ids = sequences_[candidate.parent];
    ids.push_back(candidate.token);
    finished_.push_back({std::move(ids),
                         detail::length_normalized(candidate.score, length - prompt_length_,
                                                   options_->length_penalty),
                         true});
  }

  void continue_with(const std::vector<Continuation>& candidates) {
    std::vector<Sequence> next;
    scores_.clear();
    parents_.clear();
    for (const Continuation& candidate : candidates) {
      next.push_back(sequences_[candidate.parent]);
      next.back().push_back(candidate.token);
      scores_.push_back(candidate.score);
      parents_.push_back(candidate.parent);
    }
    sequences_ = std::move(next);
  }

  // Whether the running beams are not expected to do better.
  bool satisfied(std::size_t length) const {
    if (finished_.size() < options_->beams) return false;
    if (options_->early_stopping == EarlyStopping::first) return true;
    const bool longest =
        options_->early_stopping == EarlyStopping::never && options_->length_penalty > 0;
    const std::size_t at = (longest ? options_->max_length : length) - prompt_length_;
    return detail::length_normalized(scores_.front(), at, options_->length_penalty) <=
           finished_.back().score;
  }

  const GenerationOptions* options_;
  std::size_t prompt_length_;
  std::vector<Sequence> sequences_;
  std::vector<float> scores_;
  std::vector<std::size_t> parents_;
  std::vector<GeneratedSequence> finished_;
  bool done_ = false;
};

}  // namespace coca
