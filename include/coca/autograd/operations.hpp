#pragma once
/// @file
/// The operations that layers are written in: each checks its shapes, takes its result from the
/// context's workspace, calls one primitive of the backend and records the way back where the
/// context has a tape. Layers call nothing below these, so that they are written once for every
/// backend, for inference and for training.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/autograd/context.hpp"
#include "coca/autograd/recorded.hpp"
#include "coca/backend/backend.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// What a linear layer does behind its product, see Epilogue.
template <Backend B>
using LinearOptions = Epilogue<typename B::value_type, typename B::memory_type>;

namespace detail {

inline Shape with_last(const Shape& shape, std::size_t last) {
  Shape result;
  for (std::size_t axis = 0; axis + 1 < shape.rank(); ++axis) result.push_back(shape[axis]);
  result.push_back(last);
  return result;
}

}  // namespace detail

/// input [..., in], weight [out, in] -> [..., out]
/// @throws ShapeError where the widths or the epilogue do not fit.
template <Backend B>
Array<B> linear(Context<B>& context, const Array<B>& input, const typename B::Matrix& weight,
                const LinearOptions<B>& options = {}) {
  const std::size_t out = weight.out_features();
  if (!input || input.shape().back() != weight.in_features())
    throw ShapeError("linear: the input has shape " + to_string(input.shape()) +
                     ", the weight expects rows of " + std::to_string(weight.in_features()));
  if (options.bias) expect_shape(options.bias, {out}, "linear: bias");
  if (options.scale) expect_shape(options.scale, {out}, "linear: scale");
  Array<B> output = context.empty(detail::with_last(input.shape(), out));
  if (options.residual) expect_shape(options.residual, output.shape(), "linear: residual");
  if (const auto* recorded = detail::recorded(context);
      recorded != nullptr && recorded->linear(context, input, weight, options, output))
    return output;
  context.backend().matmul(input, weight, options, output);
  return output;
}

/// input [..., width], weight and bias [width] -> [..., width]; epsilon 1e-5.
template <Backend B>
Array<B> layer_norm(Context<B>& context, const Array<B>& input, const Array<B>& weight,
                    const Array<B>& bias) {
  expect_shape(weight, {input.shape().back()}, "layer_norm: weight");
  expect_shape(bias, {input.shape().back()}, "layer_norm: bias");
  Array<B> output = context.empty(input.shape());
  context.backend().layer_norm(input, weight, bias, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->layer_norm(context, input, weight, bias, output);
  return output;
}

/// -> [batch, query_tokens, width], see AttentionArguments.
/// @throws ShapeError where columns, rows or heads do not fit.
template <Backend B>
Array<B> attention(
    Context<B>& context,
    const AttentionArguments<typename B::value_type, typename B::memory_type>& arguments) {
  const auto check = [](const auto& columns, std::size_t rows, const char* what) {
    if (columns.first + columns.width > columns.rows.shape().back() ||
        columns.rows.shape().rows() < rows)
      throw ShapeError(std::string("attention: ") + what + " needs " + std::to_string(rows) +
                       " rows with columns up to " + std::to_string(columns.first + columns.width) +
                       ", got " + to_string(columns.rows.shape()));
  };
  const auto& a = arguments;
  const std::size_t key_rows = a.key_rows ? 0 : a.batch * a.key_tokens;
  check(a.query, a.batch * a.query_tokens, "query");
  check(a.key, key_rows, "key");
  check(a.value, key_rows, "value");
  if (a.heads == 0 || a.query.width % a.heads != 0 || a.key.width != a.query.width ||
      a.value.width != a.query.width)
    throw ShapeError("attention: widths of query, key and value must be equal and a multiple of " +
                     std::to_string(a.heads) + " heads, got " + std::to_string(a.query.width) +
                     ", " + std::to_string(a.key.width) + " and " + std::to_string(a.value.width));
  if (a.causal && a.query_tokens > a.key_tokens)
    throw ShapeError("attention: more queries than keys under a causal mask");
  const Shape table{a.batch, a.key_tokens};
  if (a.hidden_keys) expect_shape(a.hidden_keys, table, "attention: hidden_keys");
  if (a.key_rows) expect_shape(a.key_rows, table, "attention: key_rows");
  if (a.probabilities)
    expect_shape(a.probabilities, {a.batch, a.heads, a.query_tokens, a.key_tokens},
                 "attention: probabilities");
  Array<B> output = context.empty(Shape{a.batch, a.query_tokens, a.query.width});
  context.backend().attention(arguments, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->attention(context, arguments, output);
  return output;
}

/// ids [batch, tokens], table [vocabulary, width], positions [P, width] -> [batch, tokens, width]:
/// the word's row plus the row of its position, counted from `first`. Ids must be below the
/// vocabulary: they are checked where they come from, on the host.
template <Backend B>
Array<B> embed(Context<B>& context, const Indices<B>& ids,
               const Tensor<typename B::weight_type, typename B::memory_type>& table,
               const Array<B>& positions, std::size_t first = 0) {
  const std::size_t tokens = ids.shape().back();
  if (first + tokens > positions.shape()[0])
    throw ShapeError("embed: " + std::to_string(first + tokens) +
                     " tokens, but there are only positions for " +
                     std::to_string(positions.shape()[0]));
  expect_shape(positions, {positions.shape()[0], table.shape()[1]}, "embed: positions");
  Array<B> output = context.empty(Shape{ids.shape().rows(), tokens, table.shape()[1]});
  context.backend().embed(ids, table, positions, first, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->embed(context, ids, table, positions, first, output);
  return output;
}

/// input [batch, channels, height, width] (or channels last)
/// -> [batch, rows * columns, channels * kernel * kernel]: the windows of a convolution.
/// @throws ShapeError where the windows do not fit the picture.
template <Backend B>
Array<B> unfold(Context<B>& context, const Array<B>& input, const Unfold& windows) {
  const Unfold& w = windows;
  if (w.kernel == 0 || w.stride == 0 || w.kernel > w.height + 2 * w.padding ||
      w.kernel > w.width + 2 * w.padding)
    throw ShapeError("unfold: a window of " + std::to_string(w.kernel) +
                     " pixels does not fit a picture of " + std::to_string(w.width) + " x " +
                     std::to_string(w.height));
  const std::size_t batch = input.shape()[0];
  const std::size_t picture = w.channels * w.height * w.width;
  if (input.size() != batch * picture)
    throw ShapeError("unfold: got " + to_string(input.shape()) + ", expected " +
                     std::to_string(picture) + " values a picture");
  Array<B> output =
      context.empty(Shape{batch, w.rows() * w.columns(), w.channels * w.kernel * w.kernel});
  context.backend().unfold(input, windows, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->unfold(context, input, windows, output);
  return output;
}

/// Each row divided by its Euclidean norm; same shape.
template <Backend B>
Array<B> l2_normalize(Context<B>& context, const Array<B>& input) {
  Array<B> output = context.empty(input.shape());
  context.backend().l2_normalize(input, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->l2_normalize(context, input, output);
  return output;
}

/// Writes source [batch or 1, tokens, width] into output [batch, T, width] from token `first` on,
/// and adds rows `first` and following of positions [P, width] where there are any.
template <Backend B>
void write_tokens(Context<B>& context, const Array<B>& source, const Array<B>& positions,
                  std::size_t first, Array<B>& output) {
  const Shape &from = source.shape(), &to = output.shape();
  if (from.rank() != 3 || to.rank() != 3 || from[2] != to[2] || first + from[1] > to[1] ||
      (from[0] != 1 && from[0] != to[0]))
    throw ShapeError("write_tokens: " + to_string(from) + " does not fit into " + to_string(to) +
                     " from token " + std::to_string(first) + " on");
  if (positions && (positions.shape().back() != to[2] || first + from[1] > positions.shape()[0]))
    throw ShapeError("write_tokens: positions " + to_string(positions.shape()) +
                     " are too few for " + to_string(to));
  context.backend().write_tokens(source, positions, first, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->write_tokens(context, source, positions, first, output);
}

/// input [rows, width] (outer extents folded), indices [n] -> [n, width]. Indices must be below
/// `rows`.
template <Backend B>
Array<B> gather_rows(Context<B>& context, const Array<B>& input, const Indices<B>& indices) {
  Array<B> output = context.empty(Shape{indices.size(), input.shape().back()});
  context.backend().gather_rows(input, indices, output);
  if (const auto* recorded = detail::recorded(context))
    recorded->gather_rows(context, input, indices, output);
  return output;
}

}  // namespace coca
