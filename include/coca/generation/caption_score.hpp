#pragma once
/// @file
/// The likelihood of given captions under a model.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/core/counted.hpp"
#include "coca/generation/options.hpp"
#include "coca/nn/token_embedding.hpp"

namespace coca {

/// The likelihood of a given caption.
struct CaptionScore {
  float log_probability = 0;  ///< of all words after the start token, the end token included
  std::vector<float> words;   ///< of each of them
  /// log_probability divided by the number of words: what a beam search compares.
  float mean() const {
    return words.empty() ? 0 : log_probability / static_cast<float>(words.size());
  }
};

/// Scores captions against encoded pictures, all words at once.
///
/// @param image_tokens [batch, tokens, width] of encode_image
/// @param captions     [batch, length]: start token, words, end token, padding; caption i is about
/// picture i
/// @param end          the end token: what comes after it is not scored
/// @throws ArgumentError unless there are as many captions as pictures, and for too many at once.
template <class Model>
std::vector<CaptionScore> score_captions(Context<typename Model::backend_type>& context,
                                         const Model& model,
                                         const Array<typename Model::backend_type>& image_tokens,
                                         const Tokens& captions, std::int32_t end) {
  using B = typename Model::backend_type;
  if (captions.batch != image_tokens.shape()[0])
    throw ArgumentError("got " + counted(captions.batch, "caption") + " for " +
                        counted(image_tokens.shape()[0], "picture"));
  // Single logits are addressed by 32-bit numbers.
  const std::size_t most = std::numeric_limits<std::int32_t>::max() / model.vocab_size;
  if (captions.batch * captions.length > most)
    throw ArgumentError(counted(captions.batch, "caption") + " of " +
                        counted(captions.length, "token") + " are too many at once: with " +
                        counted(model.vocab_size, "word") + " at most " + counted(most, "token") +
                        " can be scored");
  auto logits = model.caption_logits(context, image_tokens, captions);
  using B = typename Model::backend_type;
  context.backend().run(ops::On<B, ops::LogSoftmax>{.scores = ops::InOut(logits)});
  // Only one number a word leaves the device.
  std::vector<std::int32_t> wanted;
  const auto vocabulary = static_cast<std::int32_t>(model.vocab_size);
  for (std::size_t b = 0; b < captions.batch; ++b)
    for (std::size_t t = 0; t + 1 < captions.length; ++t)
      wanted.push_back(static_cast<std::int32_t>(b * captions.length + t) * vocabulary +
                       captions(b, t + 1));
  const auto values = context.to_host(gather_rows(context, logits.reshaped({logits.size(), 1}),
                                                  context.to_device(wanted, Shape{wanted.size()})));
  std::vector<CaptionScore> scores(captions.batch);
  for (std::size_t b = 0; b < captions.batch; ++b)
    for (std::size_t t = 0; t + 1 < captions.length; ++t) {
      const auto value = static_cast<float>(values[b * (captions.length - 1) + t]);
      scores[b].words.push_back(value);
      scores[b].log_probability += value;
      if (captions(b, t + 1) == end) break;
    }
  return scores;
}

}  // namespace coca
