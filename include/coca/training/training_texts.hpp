#pragma once
/// @file
/// The texts of a training step, whose input may differ from the words to predict.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/nn/token_embedding.hpp"

namespace coca {

namespace detail {

/// A text of a row, without the padding after it.
inline std::span<const std::int32_t> text_of_row(const Tokens& tokens, std::size_t row,
                                                 std::int32_t pad_id) {
  return std::span(tokens.ids).subspan(row * tokens.length, text_length(tokens, row, pad_id));
}

/// Length of the common prefix of two texts, in tokens.
inline std::size_t common_beginning(std::span<const std::int32_t> a,
                                    std::span<const std::int32_t> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// Length of the common suffix of two texts, in tokens, at most `limit`.
inline std::size_t common_end(std::span<const std::int32_t> a, std::span<const std::int32_t> b,
                              std::size_t limit) {
  std::size_t count = 0;
  while (count < limit && a[a.size() - 1 - count] == b[b.size() - 1 - count]) ++count;
  return count;
}

}  // namespace detail

/// Texts as input and as the words to predict.
struct TrainingTexts {
  Tokens read;  ///< [batch, length], padded
  /// [batch, length]: for each input token the one to predict there, padding
  /// if there is none.
  Tokens predicted;

  /// The input is also what is to be predicted; not explicit, since that is the usual case.
  TrainingTexts(Tokens tokens) : read(tokens), predicted(std::move(tokens)) {}

  /// Texts of which other words are read than are written. From the first word that differs to the
  /// last, only the first token is predicted: after it a reader no longer knows the written text.
  /// @throws ShapeError if these are not as many texts, of one length.
  TrainingTexts(Tokens other, const Tokens& written, std::int32_t pad_id)
      : read(std::move(other)), predicted(read) {
    if (read.batch != written.batch || read.length != written.length)
      throw ShapeError("texts to read are [" + std::to_string(read.batch) + ", " +
                       std::to_string(read.length) + "], texts to predict [" +
                       std::to_string(written.batch) + ", " + std::to_string(written.length) +
                       "]: they must be of one shape");
    for (std::size_t row = 0; row < read.batch; ++row) align(row, written, pad_id);
  }

 private:
  void align(std::size_t row, const Tokens& written_texts, std::int32_t pad_id) {
    const auto given = detail::text_of_row(read, row, pad_id);
    const auto written = detail::text_of_row(written_texts, row, pad_id);
    const std::size_t shorter = std::min(given.size(), written.size());
    const std::size_t first = detail::common_beginning(given, written);
    const std::size_t end = given.size() - detail::common_end(given, written, shorter - first);
    const auto labels = std::span(predicted.ids).subspan(row * predicted.length, predicted.length);
    std::ranges::fill(labels.subspan(first, end - first), pad_id);
    if (first < written.size()) labels[first] = written[first];
  }
};

}  // namespace coca
