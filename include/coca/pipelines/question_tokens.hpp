#pragma once
/// @file
/// From sentences to what a model of questions reads.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coca/models/visible_texts.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/text/tokenizer.hpp"

namespace coca {

namespace detail {

/// Tokens of a row up to its end token, which is not among them; at least the first.
inline std::size_t words_of_row(const Tokens& tokens, std::size_t row,
                                const AnyTokenizer& tokenizer) {
  const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(row * tokens.length);
  const auto end = begin + static_cast<std::ptrdiff_t>(tokens.length);
  const auto found = std::find(begin, end, tokenizer.end_id());
  return std::max<std::size_t>(1, static_cast<std::size_t>(found - begin));
}

}  // namespace detail

/// Sentences as a model reads them. A head sees their start and their words, not the end token: in
/// training an answer may stand there, and the captioner never learnt anything about it.
/// @param length of the model's texts; longer ones are cut, as OpenCLIP does
inline VisibleTexts visible_texts(const AnyTokenizer& tokenizer,
                                  std::span<const std::string> sentences, std::size_t length) {
  VisibleTexts texts{to_tokens(tokenizer, sentences, length), {}};
  for (std::size_t row = 0; row < texts.tokens.batch; ++row)
    texts.visible.push_back(detail::words_of_row(texts.tokens, row, tokenizer));
  return texts;
}

/// Questions, each with its answer after it, of which a head sees the question. An answer that does
/// not fit is cut, so that the question is the same with and without it.
/// @param answers one for each question; an empty one is none
inline VisibleTexts answered_texts(const AnyTokenizer& tokenizer,
                                   std::span<const std::string> questions,
                                   std::span<const std::string> answers, std::size_t length) {
  VisibleTexts texts = visible_texts(tokenizer, questions, length);
  const Tokens said = to_tokens(tokenizer, answers, length);
  for (std::size_t row = 0; row < texts.tokens.batch; ++row) {
    const std::size_t first = texts.visible[row];
    const std::size_t words = detail::words_of_row(said, row, tokenizer) - 1;  // without the start
    const std::size_t kept = std::min(words, length - std::min(length, first + 1));
    const auto from = said.ids.begin() + static_cast<std::ptrdiff_t>(row * length + 1);
    const auto to = texts.tokens.ids.begin() + static_cast<std::ptrdiff_t>(row * length + first);
    std::copy_n(from, kept, to);
    if (first + kept < length) to[static_cast<std::ptrdiff_t>(kept)] = tokenizer.end_id();
  }
  return texts;
}

}  // namespace coca
