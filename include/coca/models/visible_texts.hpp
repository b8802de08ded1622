#pragma once
/// @file
/// Texts of which a task's head sees only the beginning: the question, neither the answer that may
/// follow it nor padding.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/core/error.hpp"
#include "coca/nn/token_embedding.hpp"

namespace coca {

/// Texts, and how many tokens of each a head sees.
struct VisibleTexts {
  Tokens tokens{};                     ///< [batch, length], padded
  std::vector<std::size_t> visible{};  ///< one per text, 1 to length

  /// @throws ShapeError for another number of counts, ArgumentError for one outside of its range or
  /// an unknown token.
  void check(std::size_t vocab_size) const {
    expect_known_tokens(tokens, vocab_size);
    if (visible.size() != tokens.batch)
      throw ShapeError("got " + std::to_string(visible.size()) + " counts of visible tokens for " +
                       std::to_string(tokens.batch) + " texts");
    for (const std::size_t count : visible)
      if (count == 0 || count > tokens.length)
        throw ArgumentError(std::to_string(count) +
                            " tokens of a text are visible, expected 1 to " +
                            std::to_string(tokens.length));
  }

  /// Some of the texts.
  VisibleTexts rows(std::size_t first, std::size_t count) const {
    const auto ids = tokens.ids.begin() + static_cast<std::ptrdiff_t>(first * tokens.length);
    const auto counts = visible.begin() + static_cast<std::ptrdiff_t>(first);
    return {{{ids, ids + static_cast<std::ptrdiff_t>(count * tokens.length)}, count, tokens.length},
            {counts, counts + static_cast<std::ptrdiff_t>(count)}};
  }
};

/// The tokens that a head does not see: 1, those that it sees: 0. [batch * copies, length]
/// @param copies how often each text occurs, one after the other
template <Backend B>
Tensor<std::uint8_t, typename B::memory_type> hidden_tokens(Context<B>& context,
                                                            const VisibleTexts& texts,
                                                            std::size_t copies = 1) {
  const std::size_t rows = texts.tokens.batch * copies, length = texts.tokens.length;
  std::vector<std::uint8_t> hidden;
  hidden.reserve(rows * length);
  for (const std::size_t visible : texts.visible)
    for (std::size_t copy = 0; copy < copies; ++copy)
      for (std::size_t t = 0; t < length; ++t) hidden.push_back(t < visible ? 0 : 1);
  return context.to_device(hidden, Shape{rows, length});
}

}  // namespace coca
