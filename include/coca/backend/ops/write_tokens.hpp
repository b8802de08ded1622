#pragma once
/// @file
/// Tokens written into longer sequences.

#include <cstddef>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// source gradient[b or 0, t] and positions gradient[first + t] += output gradient[b, first + t],
/// for t below `tokens`.
template <class T, class M>
struct WriteTokensGradient {
  static constexpr const char* name = "write_tokens_gradient";
  In<T, M> output_gradient;      ///< [batch, T, width]
  std::size_t first;             ///< first of the tokens that the source was written to
  std::size_t tokens;            ///< how many
  Add<T, M> source_gradient;     ///< [batch or 1, tokens, width]; nothing: not computed
  Add<T, M> positions_gradient;  ///< [at least first + tokens, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("first", self.first...);
    visit("tokens", self.tokens...);
    visit("source_gradient", self.source_gradient...);
    visit("positions_gradient", self.positions_gradient...);
  }

  void check() const {
    const Shape& shape = output_gradient.shape();
    if (shape.rank() != 3 || first + tokens > shape[1])
      throw ShapeError("write_tokens_gradient: no " + std::to_string(tokens) +
                       " tokens from token " + std::to_string(first) + " on in " +
                       to_string(shape));
    if (source_gradient)
      expect_shape(source_gradient, {source_gradient.shape()[0], tokens, shape[2]},
                   "write_tokens_gradient: source gradient");
    if (positions_gradient && first + tokens > positions_gradient.shape()[0])
      throw ShapeError("write_tokens_gradient: positions " + to_string(positions_gradient.shape()) +
                       " are too few for " + to_string(shape));
  }
};

/// output[b, first + t] = source[b or 0, t] + positions[first + t]; other tokens stay.
template <class T, class M>
struct WriteTokens {
  static constexpr const char* name = "write_tokens";
  In<T, M> source;     ///< [batch or 1, tokens, width]
  In<T, M> positions;  ///< [at least first + tokens, width] or nothing
  std::size_t first;
  InOut<T, M> output;  ///< [batch, T, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("source", self.source...);
    visit("positions", self.positions...);
    visit("first", self.first...);
    visit("output", self.output...);
  }

  /// @throws ShapeError if the tokens do not fit, or there are too few positions.
  void check() const {
    const Shape &from = source.shape(), &to = output.shape();
    if (from.rank() != 3 || to.rank() != 3 || from[2] != to[2] || first + from[1] > to[1] ||
        (from[0] != 1 && from[0] != to[0]))
      throw ShapeError("write_tokens: " + to_string(from) + " does not fit into " + to_string(to) +
                       " from token " + std::to_string(first) + " on");
    if (positions && (positions.shape().back() != to[2] || first + from[1] > positions.shape()[0]))
      throw ShapeError("write_tokens: positions " + to_string(positions.shape()) +
                       " are too few for " + to_string(to));
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(WriteTokensGradient<T, M>{.output_gradient = g.of(output),
                                    .first = first,
                                    .tokens = source.shape()[1],
                                    .source_gradient = g.add(source),
                                    .positions_gradient = g.add(positions)});
  }
};

}  // namespace coca::ops
