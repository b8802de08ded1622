#pragma once
/// @file
/// Beam search in groups over one picture's captions: diverse beam search as in transformers 4.49
/// (BeamSearchScorer), and the search of OpenCLIP 3.3.0, which is built on the same scorer.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "coca/generation/continuation.hpp"
#include "coca/generation/options.hpp"
#include "coca/generation/score_rules.hpp"

namespace coca {

/// The groups of beams of one picture; see BeamSearch for how a search uses them.
class GroupBeamSearch {
 public:
  /// @param options must outlive the search
  GroupBeamSearch(const Sequence& prompt, const GenerationOptions& options)
      : options_(&options),
        group_size_(options.beams / options.beam_groups),
        // OpenCLIP 3.3 counts the start token as generated.
        excluded_(options.rules == SearchRules::open_clip_3_3 ? 0 : prompt.size()),
        sequences_(options.beams, prompt),
        scores_(options.beams, unlikely),
        parents_(options.beams, 0),
        groups_(options.beam_groups) {
    for (std::size_t first = 0; first < options.beams; first += group_size_) scores_[first] = 0;
  }

  GroupBeamSearch(const Sequence&, GenerationOptions&&) = delete;

  std::size_t groups() const { return groups_.size(); }
  std::size_t rows() const { return sequences_.size(); }
  /// Candidates per group that advance() expects.
  std::size_t candidates() const { return 2 * group_size_; }

  const std::vector<Sequence>& sequences() const { return sequences_; }
  const std::vector<float>& scores() const { return scores_; }
  /// For each running sequence, the index of the sequence of the previous step that it continues.
  const std::vector<std::size_t>& parents() const { return parents_; }
  bool done() const { return done_; }

  /// Takes the best continuations of one group, best first. Groups are advanced in turn, so that
  /// each knows the choices of those before it.
  void advance(std::size_t group, const std::vector<Continuation>& candidates) {
    const std::size_t first = group * group_size_;
    const std::size_t length = sequences_[first].size() + 1;
    Group& state = groups_[group];
    std::vector<Continuation> running;
    if (state.done) {  // a finished group is carried along with padding
      running.assign(group_size_, {0, 0, options_->tokens.pad});
    } else {
      for (std::size_t rank = 0; rank < candidates.size() && running.size() < group_size_; ++rank) {
        const Continuation& candidate = candidates[rank];
        if (candidate.token != options_->tokens.end)
          running.push_back(candidate);
        else if (rank < group_size_)
          add(state, sequences_[first + candidate.parent], candidate.score, length, true);
      }
    }
    continue_with(first, running);
    state.done = state.done || satisfied(state, candidates, length);
    if (group + 1 != groups_.size()) return;
    const bool all = std::all_of(groups_.begin(), groups_.end(), [](auto& g) { return g.done; });
    done_ = all || length == options_->max_length;
  }

  /// The captions found, best first.
  std::vector<GeneratedSequence> result() const {
    std::vector<Hypothesis> all;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      Group group = groups_[g];
      for (std::size_t i = 0; !group.done && i < group_size_; ++i) {
        const Sequence& sequence = sequences_[g * group_size_ + i];
        add(group, sequence, scores_[g * group_size_ + i], sequence.size(), false);
      }
      all.insert(all.end(), group.hypotheses.begin(), group.hypotheses.end());
    }
    // Among equal scores the one found last wins, as when popping from a sorted list.
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.score < b.score; });
    std::vector<GeneratedSequence> best;
    while (!all.empty() && best.size() < options_->captions) {
      Hypothesis& last = all.back();
      const bool whole = last.ended || last.ids.size() == options_->max_length;
      if (last.ended) last.ids.push_back(options_->tokens.end);
      best.push_back({std::move(last.ids), static_cast<float>(last.score), whole});
      all.pop_back();
    }
    return best;
  }

 private:
  static constexpr float unlikely = -1e9f;

  struct Hypothesis {
    double score = 0;
    Sequence ids;        // without the end token
    bool ended = false;  // by the end token
  };
  struct Group {
    std::vector<Hypothesis> hypotheses;
    double worst = 1e9;
    bool done = false;
  };

  void add(Group& group, const Sequence& ids, float sum, std::size_t length, bool ended) const {
    const double generated = static_cast<double>(std::max<std::size_t>(length - excluded_, 1));
    const double score = double{sum} / std::pow(generated, double{options_->length_penalty});
    if (group.hypotheses.size() == group_size_ && !(score > group.worst)) return;
    group.hypotheses.push_back({score, ids, ended});
    const auto lower = [](const auto& a, const auto& b) { return a.score < b.score; };
    if (group.hypotheses.size() > group_size_)
      group.hypotheses.erase(
          std::min_element(group.hypotheses.begin(), group.hypotheses.end(), lower));
    group.worst = std::min_element(group.hypotheses.begin(), group.hypotheses.end(), lower)->score;
  }

  void continue_with(std::size_t first, const std::vector<Continuation>& candidates) {
    std::vector<Sequence> next;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      next.push_back(sequences_[first + candidates[i].parent]);
      next.back().push_back(candidates[i].token);
      scores_[first + i] = candidates[i].score;
      parents_[first + i] = first + candidates[i].parent;
    }
    std::move(next.begin(), next.end(), sequences_.begin() + static_cast<std::ptrdiff_t>(first));
  }

  // Whether a group's running beams are not expected to do better.
  bool satisfied(const Group& group, const std::vector<Continuation>& candidates,
                 std::size_t length) const {
    if (group.hypotheses.size() < group_size_) return false;
    if (options_->early_stopping == EarlyStopping::first) return true;
    const bool longest =
        options_->early_stopping == EarlyStopping::never && options_->length_penalty > 0;
    const auto at = static_cast<double>((longest ? options_->max_length : length) - excluded_);
    const double attainable =
        double{candidates.front().score} / std::pow(at, double{options_->length_penalty});
    return group.worst >= attainable;
  }

  const GenerationOptions* options_;
  std::size_t group_size_;
  std::size_t excluded_;  // tokens at the beginning that do not count as generated
  std::vector<Sequence> sequences_;
  std::vector<float> scores_;
  std::vector<std::size_t> parents_;
  std::vector<Group> groups_;
  bool done_ = false;
};

}  // namespace coca
