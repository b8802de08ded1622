#pragma once
/// @file
/// How captions are searched for, and the result.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "coca/core/error.hpp"

namespace coca {

/// When a beam search stops (`early_stopping` of transformers).
enum class EarlyStopping : std::uint8_t {
  heuristic,  ///< false: when no running beam is likely to do better, judged at its current length
  first,      ///< true: as soon as there are as many finished captions as beams
  never,      ///< "never": when no running beam can do better at any length
};

/// Which library's beam search is followed.
enum class SearchRules : std::uint8_t {
  /// `generate` of Hugging Face transformers 5, to which OpenCLIP has delegated since 2026.
  transformers,
  /// OpenCLIP 3.3.0 with transformers 4.49: beams are scored by sums of raw logits, without
  /// log-softmax; of the score rules only min_length applies. Its default is open_clip_3_3().
  open_clip_3_3,
};

/// The special tokens.
struct SpecialTokens {
  std::int32_t start = 49406;
  std::int32_t end = 49407;
  std::int32_t pad = 0;
};

/// What a search has found for one picture after one more token.
struct GenerationStep {
  std::size_t picture = 0;  ///< index in the batch
  std::size_t length = 0;   ///< tokens of each running sequence, start token included
  /// The best sequence so far. With one beam it only grows; with more, it may be replaced
  /// in a later step.
  std::vector<std::int32_t> ids;
};

/// Everything about a search. The defaults are OpenCLIP's.
struct GenerationOptions {
  std::size_t beams = 6;         ///< 1: greedy, or plain sampling
  std::size_t beam_groups = 1;   ///< diverse groups of beams (Vijayakumar et al. 2016)
  float diversity_penalty = 0;   ///< for words that earlier groups chose in the same step
  bool sample = false;           ///< sample words by probability instead of taking the best
  float temperature = 1;         ///< of sampling
  std::size_t top_k = 0;         ///< sample only from this many most probable words; 0: all
  float top_p = 1;               ///< sample only from the best words of this total probability
  std::uint64_t seed = 0;        ///< of sampling; a picture's result does not depend on its batch
  float repetition_penalty = 1;  ///< above 1: words that have occurred become less likely
  std::size_t no_repeat_ngram = 0;  ///< no sequence of this many tokens occurs twice; 0: off
  std::size_t min_length = 5;       ///< total tokens, start and end included
  std::size_t max_length = 0;       ///< the same; 0: 30 or the model's context, whichever is less
  float length_penalty = 1;         ///< scores are divided by generated length to this power
  EarlyStopping early_stopping = EarlyStopping::heuristic;
  std::size_t captions = 1;            ///< returned for each picture, best first
  std::vector<std::int32_t> prompt{};  ///< ids of a caption's beginning, without the start token
  SearchRules rules = SearchRules::transformers;
  SpecialTokens tokens{};
  std::stop_token stop{};  ///< a stopped search returns the best that it has
  std::function<void(const GenerationStep&)> on_step{};  ///< called for each picture and token
};

/// OpenCLIP 3.3.0's default search: six beams in three groups, scored by raw logits.
inline GenerationOptions open_clip_3_3() {
  GenerationOptions options;
  options.rules = SearchRules::open_clip_3_3;
  options.beam_groups = 3;
  return options;
}

/// A caption as ids.
struct GeneratedSequence {
  std::vector<std::int32_t> ids;  ///< start token first, end token last if finished, no padding
  /// Sum of the scores of the generated words, divided by their number to the power length_penalty.
  float score = 0;
  bool finished = false;  ///< reached the end token or the maximum length; false if stopped before
};

namespace detail {

inline void require(bool holds, const std::string& sentence) {
  if (!holds) throw ArgumentError(sentence);
}

}  // namespace detail

/// Fills in the model's defaults, and checks the rest.
/// @throws ArgumentError with the option, what was given, and what is possible.
inline GenerationOptions checked(GenerationOptions options, std::size_t context_length,
                                 std::size_t vocab_size) {
  using detail::require;
  using std::to_string;
  const std::size_t prompt = options.prompt.size() + 1;
  if (options.max_length == 0) options.max_length = std::min<std::size_t>(30, context_length);
  require(options.max_length <= context_length, "max_length " + to_string(options.max_length) +
                                                    " is more than the model's context of " +
                                                    to_string(context_length) + " tokens");
  require(options.min_length <= options.max_length, "min_length " + to_string(options.min_length) +
                                                        " is more than max_length " +
                                                        to_string(options.max_length));
  require(prompt < options.max_length, "a prompt of " + to_string(prompt) +
                                           " tokens (start token included) leaves no room below "
                                           "max_length " +
                                           to_string(options.max_length));
  require(options.beams > 0 && options.beams <= 1024,
          "beams must be between 1 and 1024, got " + to_string(options.beams));
  require(options.beams == 1 || 2 * options.beams <= vocab_size,
          to_string(options.beams) +
              " beams need a vocabulary of at least twice as many words, got " +
              to_string(vocab_size));
  require(options.beam_groups > 0 && options.beams % options.beam_groups == 0,
          "beams must be a multiple of beam_groups, got " + to_string(options.beams) + " and " +
              to_string(options.beam_groups));
  require(!options.sample || options.beam_groups == 1, "groups of beams cannot be sampled");
  require(options.diversity_penalty >= 0, "diversity_penalty must not be negative");
  require(std::isfinite(options.diversity_penalty),
          "diversity_penalty must be finite, got " + to_string(options.diversity_penalty));
  require(std::isfinite(options.length_penalty),
          "length_penalty must be finite, got " + to_string(options.length_penalty));
  require(options.temperature > 0,
          "temperature must be positive, got " + to_string(options.temperature));
  require(options.top_p > 0 && options.top_p <= 1,
          "top_p must be above 0 and at most 1, got " + to_string(options.top_p));
  require(options.repetition_penalty > 0,
          "repetition_penalty must be positive, got " + to_string(options.repetition_penalty));
  require(std::isfinite(options.repetition_penalty),
          "repetition_penalty must be finite, got " + to_string(options.repetition_penalty));
  require(options.captions > 0, "captions must be at least 1");
  require(options.captions <= 1024,
          "captions must be at most 1024, got " + to_string(options.captions));
  require(options.beams == 1 || options.captions <= options.beams,
          to_string(options.captions) + " captions need as many beams, got " +
              to_string(options.beams));
  require(options.beams > 1 || options.sample || options.captions == 1,
          "greedy search finds one caption; use beams or sampling to get " +
              to_string(options.captions));
  require(options.rules == SearchRules::transformers || (!options.sample && options.beams > 1),
          "OpenCLIP 3.3's search needs at least two beams and does not sample");
  const auto valid = [&](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < vocab_size;
  };
  require(valid(options.tokens.start) && valid(options.tokens.end) && valid(options.tokens.pad),
          "start, end and padding tokens must be in the vocabulary of " + to_string(vocab_size));
  for (const std::int32_t id : options.prompt)
    require(valid(id), "prompt token " + to_string(id) + " is outside the vocabulary");
  return options;
}

}  // namespace coca
