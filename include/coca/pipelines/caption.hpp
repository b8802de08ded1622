#pragma once
/// @file
/// Captions of pictures, as text.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/generation/caption_score.hpp"
#include "coca/generation/generate.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/text/clip_tokenizer.hpp"

namespace coca {

/// One caption of a picture.
struct Caption {
  std::string text;
  std::vector<std::int32_t> ids;  ///< start token first, end token last if finished, no padding
  float score = 0;                ///< see GeneratedSequence
  bool finished = false;          ///< false if the search was stopped
};

/// The special tokens of a tokenizer.
inline SpecialTokens special_tokens(const AnyTokenizer& tokenizer) {
  return {.start = tokenizer.start_id(), .end = tokenizer.end_id(), .pad = tokenizer.pad_id()};
}

/// Captions encoded pictures. See caption() below.
/// @param image_tokens [pictures, tokens, width] of encode_image
template <CaptionModel Model>
std::vector<std::vector<Caption>> caption_tokens(
    Context<typename Model::backend_type>& context, const Model& model,
    const AnyTokenizer& tokenizer, const Array<typename Model::backend_type>& image_tokens,
    GenerationOptions options = {}) {
  expect_vocabulary(model, tokenizer);
  options.tokens = special_tokens(tokenizer);
  std::vector<std::vector<Caption>> captions;
  for (auto& sequences : generate(context, model, image_tokens, options)) {
    captions.emplace_back();
    for (GeneratedSequence& sequence : sequences)
      captions.back().push_back({decode_caption(tokenizer, sequence.ids), std::move(sequence.ids),
                                 sequence.score, sequence.finished});
  }
  return captions;
}

/// Captions of a batch of pictures, each with its own list, best first.
/// @throws ArgumentError for invalid options; Error if the scores are NaN.
template <CaptionModel Model>
std::vector<std::vector<Caption>> caption(Context<typename Model::backend_type>& context,
                                          const Model& model, const AnyTokenizer& tokenizer,
                                          std::span<const Pixels> pictures,
                                          const GenerationOptions& options = {}) {
  expect_vocabulary(model, tokenizer);
  if (pictures.empty()) return {};
  const auto features = model.encode_image(context, to_device(context, pictures));
  return caption_tokens(context, model, tokenizer, features.tokens, options);
}

/// Captions of one picture with CLIP's tokenizer, in a temporary context.
/// @throws ArgumentError if the model has another vocabulary than CLIP's.
template <CaptionModel Model>
std::vector<Caption> caption(const Model& model, const Pixels& picture,
                             const GenerationOptions& options = {}) {
  Context<typename Model::backend_type> context(model.backend());
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  return std::move(
      caption(context, model, tokenizer, std::span<const Pixels>(&picture, 1), options).front());
}

/// The likelihood of a text as a caption of a picture.
template <CaptionModel Model>
CaptionScore score(Context<typename Model::backend_type>& context, const Model& model,
                   const AnyTokenizer& tokenizer, const Pixels& picture, const std::string& text) {
  expect_vocabulary(model, tokenizer);
  const auto features =
      model.encode_image(context, to_device(context, std::span<const Pixels>(&picture, 1)));
  Tokens tokens =
      to_tokens(tokenizer, std::span<const std::string>(&text, 1), model.context_length);
  return score_captions(context, model, features.tokens, tokens, tokenizer.end_id()).front();
}

/// The same in a temporary context, with CLIP's tokenizer.
/// @throws ArgumentError if the model has another vocabulary than CLIP's.
template <CaptionModel Model>
CaptionScore score(const Model& model, const Pixels& picture, const std::string& text) {
  Context<typename Model::backend_type> context(model.backend());
  return score(context, model, AnyTokenizer{ClipTokenizer{}}, picture, text);
}

}  // namespace coca
