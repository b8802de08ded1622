#pragma once
/// @file
/// The captioning loss (arXiv 2205.01917, section 3.2): each word of a caption is predicted from
/// the words before it and the picture.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coca/losses/cross_entropy.hpp"
#include "coca/nn/token_embedding.hpp"

namespace coca {

/// What follows each token: labels[b, t] = tokens[b, t + 1], `ignored` after the last and where it
/// is padding (so OpenCLIP; its padding, 0, is the word "!" too).
inline std::vector<std::int32_t> next_token_labels(const Tokens& tokens, std::int32_t pad_id = 0,
                                                   std::int32_t ignored = -1) {
  std::vector<std::int32_t> labels(tokens.batch * tokens.length, ignored);
  for (std::size_t b = 0; b < tokens.batch; ++b)
    for (std::size_t t = 0; t + 1 < tokens.length; ++t) {
      const std::int32_t next = tokens(b, t + 1);
      if (next != pad_id) labels[b * tokens.length + t] = next;
    }
  return labels;
}

/// The number of labels that are not ignored.
inline std::size_t count_labels(const std::vector<std::int32_t>& labels,
                                std::int32_t ignored = -1) {
  std::size_t count = 0;
  for (const std::int32_t label : labels) count += label == ignored ? 0 : 1;
  return count;
}

/// Options of captioning_loss.
struct CaptioningOptions {
  float weight = 2.0f;  ///< as in the paper
  float label_smoothing = 0.0f;
  std::int32_t pad_id = 0;
  /// Labels that the sum is divided by; 0: those of these tokens. With several ranks or parts of a
  /// batch, those of all.
  std::size_t labels = 0;
  std::size_t rows_at_once = 128;  ///< rows of logits computed at a time
};

/// weight * mean cross-entropy of the next words, added to `loss`.
/// @param features   [batch, length, width] of the multimodal decoder, before its projection
/// @param projection [vocabulary, width]
template <DifferentiableBackend B>
void captioning_loss(Context<B>& context, const Array<B>& features,
                     const typename B::Matrix& projection, const Tokens& tokens,
                     const CaptioningOptions& options, const Array<B>& loss) {
  const std::vector<std::int32_t> labels = next_token_labels(tokens, options.pad_id);
  const std::size_t count = options.labels != 0 ? options.labels : count_labels(labels);
  if (count == 0) return;
  linear_cross_entropy(context, features, projection, labels,
                       {.loss = {.label_smoothing = options.label_smoothing,
                                 .weight = options.weight / static_cast<float>(count)},
                        .rows_at_once = options.rows_at_once},
                       loss);
}

}  // namespace coca
