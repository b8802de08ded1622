#pragma once
/// @file
/// Random words in the place of a caption's, so that a text is recognised by the remaining words,
/// and words never seen in training do not outvote those that were (SwitchOut, Wang et al.
/// 2018, arXiv 1808.07512, with one probability for each word).

#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/nn/token_embedding.hpp"
#include "coca/training/step_samples.hpp"

namespace coca {

/// The texts with some words replaced by any of the vocabulary, each as likely as another. The
/// first and the last token of a text (its start and end), and padding, stay and do not come in.
/// @param tokens     [samples.count, length]
/// @param pad_id     what follows the end of a text
/// @param vocab_size ids are 0 to below it
/// @param chance     probability per word, 0 to below 1
inline Tokens switch_out(Tokens tokens, const StepSamples& samples, std::int32_t pad_id,
                         std::size_t vocab_size, double chance) {
  for (std::size_t i = 0; i < samples.count; ++i) {
    const std::span text =
        std::span(tokens.ids).subspan(i * tokens.length, text_length(tokens, i, pad_id));
    RandomDraws draws = samples.draws(i, "switchout");
    for (std::size_t k = 1; k + 1 < text.size(); ++k) {
      if (!draws.chance(chance)) continue;
      const auto word = static_cast<std::int32_t>(draws.below(vocab_size));
      if (word != pad_id && word != text.front() && word != text.back()) text[k] = word;
    }
  }
  return tokens;
}

}  // namespace coca
