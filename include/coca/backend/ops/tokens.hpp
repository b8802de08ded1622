#pragma once
/// @file
/// Tokens of sequences: slices, sequences put together, means.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// input gradient[b, first + t] += output gradient[b, t].
template <class T, class M>
struct SliceTokensGradient {
  static constexpr const char* name = "slice_tokens_gradient";
  In<T, M> output_gradient;  ///< [batch, tokens, width]
  std::size_t first;
  Add<T, M> input_gradient;  ///< [batch, T, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("first", self.first...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    const Shape &from = output_gradient.shape(), &to = input_gradient.shape();
    if (input_gradient && (from.rank() != 3 || to.rank() != 3 || from[0] != to[0] ||
                           from[2] != to[2] || first + from[1] > to[1]))
      throw ShapeError("slice_tokens_gradient: " + to_string(from) + " from token " +
                       std::to_string(first) + " on is no part of " + to_string(to));
  }
};

/// output[b, t] = input[b, first + t], for t below `tokens`.
template <class T, class M>
struct SliceTokens {
  static constexpr const char* name = "slice_tokens";
  using Gradients = OperationList<SliceTokensGradient<T, M>>;
  In<T, M> input;  ///< [batch, T, width]
  std::size_t first;
  std::size_t tokens;
  Out<T, M> output{};  ///< [batch, tokens, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("first", self.first...);
    visit("tokens", self.tokens...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {input.shape()[0], tokens, input.shape()[2]}; }

  /// @throws ShapeError if there are too few tokens.
  void check() const {
    const Shape& shape = input.shape();
    if (shape.rank() != 3 || first > shape[1] || tokens > shape[1] - first)
      throw ShapeError("slice_tokens: no " + counted(tokens, "token") + " from token " +
                       std::to_string(first) + " on in " + to_string(shape));
  }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(SliceTokensGradient<T, M>{g.of(output), first, g.add(input)});
  }
};

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
      throw ShapeError("write_tokens_gradient: no " + counted(tokens, "token") + " from token " +
                       std::to_string(first) + " on in " + to_string(shape));
    if (source_gradient) {
      const bool shared = source_gradient.shape()[0] == 1;
      expect_shape(source_gradient, {shared ? 1 : shape[0], tokens, shape[2]},
                   "write_tokens_gradient: source gradient");
    }
    if (positions_gradient && first + tokens > positions_gradient.shape()[0])
      throw ShapeError("write_tokens_gradient: positions " + to_string(positions_gradient.shape()) +
                       " are too few for " + to_string(shape));
  }
};

/// output[b, first + t] = source[b or 0, t] + positions[first + t]; other tokens stay.
template <class T, class M>
struct WriteTokens {
  static constexpr const char* name = "write_tokens";
  using Gradients = OperationList<WriteTokensGradient<T, M>>;
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

  template <class Pass>
  void backward(Pass& g) const {
    g.run(WriteTokensGradient<T, M>{.output_gradient = g.of(output),
                                    .first = first,
                                    .tokens = source.shape()[1],
                                    .source_gradient = g.add(source),
                                    .positions_gradient = g.add(positions)});
  }
};

/// input gradient[b, t] = output gradient[b] / the number of tokens of b that are not hidden, 0 for
/// those that are.
template <class T, class M>
struct MeanTokensGradient {
  static constexpr const char* name = "mean_tokens_gradient";
  In<T, M> output_gradient;     ///< [batch, width]
  In<std::uint8_t, M> hidden;   ///< [batch, tokens], or nothing
  Update<T, M> input_gradient;  ///< [batch, tokens, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("hidden", self.hidden...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    if (!input_gradient) return;
    const Shape& shape = input_gradient.shape();
    if (shape.rank() != 3)
      throw ShapeError("mean_tokens_gradient: got " + to_string(shape) +
                       ", expected [batch, tokens, width]");
    expect_shape(output_gradient, {shape[0], shape[2]}, "mean_tokens_gradient: output gradient");
    if (hidden) expect_shape(hidden, {shape[0], shape[1]}, "mean_tokens_gradient: hidden");
  }
};

/// output[b] = the mean of input[b, t] over the tokens that are not hidden; 0 if all are.
template <class T, class M>
struct MeanTokens {
  static constexpr const char* name = "mean_tokens";
  using Gradients = OperationList<MeanTokensGradient<T, M>>;
  In<T, M> input;              ///< [batch, tokens, width]
  In<std::uint8_t, M> hidden;  ///< [batch, tokens], 1: left out; or nothing
  Out<T, M> output{};          ///< [batch, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("hidden", self.hidden...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {input.shape()[0], input.shape()[2]}; }

  /// @throws ShapeError unless these are sequences, and as many tokens hidden or not.
  void check() const {
    const Shape& shape = input.shape();
    if (shape.rank() != 3)
      throw ShapeError("mean_tokens: got " + to_string(shape) +
                       ", expected [batch, tokens, width]");
    if (hidden) expect_shape(hidden, {shape[0], shape[1]}, "mean_tokens: hidden");
  }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(MeanTokensGradient<T, M>{g.of(output), hidden, g.update(input)});
  }
};

/// What every backend runs of these.
template <class B>
using TokenOperations = OperationList<On<B, SliceTokens>, On<B, WriteTokens>, On<B, MeanTokens>>;

}  // namespace coca::ops
