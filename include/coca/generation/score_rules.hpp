#pragma once
/// @file
/// The rules applied to scores of words before a search uses them, in the order of
/// transformers' logits processors: diversity, repetition penalty, no repeated n-grams, minimum
/// length.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/generation/options.hpp"

namespace coca {

/// A sequence of ids, start token first.
using Sequence = std::vector<std::int32_t>;

namespace detail {

/// Words that would complete an n-gram a second time (NoRepeatNGramLogitsProcessor).
inline std::set<std::int32_t> repeated_ngrams(const Sequence& sequence, std::size_t n) {
  std::set<std::int32_t> words;
  if (n == 0 || sequence.size() + 1 < n) return words;
  const auto tail = sequence.end() - static_cast<std::ptrdiff_t>(n - 1);
  for (std::size_t i = 0; i + n <= sequence.size(); ++i) {
    const auto begin = sequence.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::equal(tail, sequence.end(), begin)) words.insert(sequence[i + n - 1]);
  }
  return words;
}

/// Changes to individual scores, gathered for all rows and then applied in one call.
template <Backend B>
class ScoreEdits {
 public:
  explicit ScoreEdits(std::size_t vocab_size) : vocab_size_(vocab_size) {}

  void add(std::size_t row, std::int32_t word, float value) {
    indices_.push_back(static_cast<std::int32_t>(row * vocab_size_) + word);
    values_.push_back(static_cast<typename B::value_type>(value));
  }

  void apply(Context<B>& context, Array<B>& scores, ScoreEdit edit) const {
    if (indices_.empty()) return;
    const Shape shape{indices_.size()};
    context.backend().run(ops::On<B, ops::EditScores>{.scores = ops::InOut(scores),
                                                      .indices = context.to_device(indices_, shape),
                                                      .values = context.to_device(values_, shape),
                                                      .edit = edit});
  }

 private:
  std::size_t vocab_size_;
  std::vector<std::int32_t> indices_;
  std::vector<typename B::value_type> values_;
};

}  // namespace detail

/// Applies repetition penalty, n-gram rule and minimum length to scores [rows, vocabulary] of the
/// words after `sequences` [rows]. Under the rules of OpenCLIP 3.3 only the last one applies.
template <Backend B>
void apply_score_rules(Context<B>& context, Array<B>& scores,
                       const std::vector<const Sequence*>& sequences,
                       const GenerationOptions& options) {
  const std::size_t vocab_size = scores.shape().back();
  detail::ScoreEdits<B> penalized(vocab_size), forbidden(vocab_size);
  const bool all_rules = options.rules == SearchRules::transformers;
  for (std::size_t row = 0; row < sequences.size(); ++row) {
    const Sequence& sequence = *sequences[row];
    if (all_rules && options.repetition_penalty != 1)
      for (const std::int32_t word : std::set<std::int32_t>(sequence.begin(), sequence.end()))
        penalized.add(row, word, options.repetition_penalty);
    if (all_rules)
      for (const std::int32_t word : detail::repeated_ngrams(sequence, options.no_repeat_ngram))
        forbidden.add(row, word, 0);
    if (sequence.size() < options.min_length) forbidden.add(row, options.tokens.end, 0);
  }
  penalized.apply(context, scores, ScoreEdit::penalize);
  forbidden.apply(context, scores, ScoreEdit::forbid);
}

/// Lowers the scores [rows, vocabulary] of words that earlier groups of the same picture have just
/// chosen (HammingDiversityLogitsProcessor): penalty times the number of beams that chose them.
/// @param chosen for each row, the words chosen by earlier groups of its picture
template <Backend B>
void apply_diversity(Context<B>& context, Array<B>& scores,
                     const std::vector<std::vector<std::int32_t>>& chosen, float penalty) {
  detail::ScoreEdits<B> edits(scores.shape().back());
  for (std::size_t row = 0; row < chosen.size(); ++row) {
    std::map<std::int32_t, int> counts;
    for (const std::int32_t word : chosen[row]) ++counts[word];
    for (const auto& [word, count] : counts)
      edits.add(row, word, penalty * static_cast<float>(count));
  }
  edits.apply(context, scores, ScoreEdit::subtract);
}

}  // namespace coca
