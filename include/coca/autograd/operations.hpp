#pragma once
/// @file
/// The operations that layers are written in: each checks its shapes, takes its result from the
/// context's workspace, runs one primitive of the backend and records it for the backward pass
/// if the context has a tape. Layers call nothing below these, so that they are written once for
/// every backend, for inference and for training.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/autograd/context.hpp"
#include "coca/autograd/recorded.hpp"
#include "coca/backend/backend.hpp"

namespace coca {

/// What a linear layer does after its product, see Epilogue.
template <Backend B>
using LinearOptions = Epilogue<typename B::value_type, typename B::memory_type>;

/// Runs an operation, the library's or a custom one, and records it.
/// @throws ShapeError as the operation's check() does, or for an output of another size.
template <Backend B, class Operation>
void run(Context<B>& context, const Operation& operation) {
  operation.check();
  if constexpr (requires { operation.output_shape(); })
    if (operation.output.size() != operation.output_shape().size())
      throw ShapeError(std::string(Operation::name) + ": output: got " +
                       to_string(operation.output.shape()) + ", expected " +
                       to_string(operation.output_shape()));
  context.backend().run(operation);
  detail::record(context, operation);
}

/// The same for an operation without its output, which is taken from the context's workspace.
template <Backend B, class Operation>
Array<B> apply(Context<B>& context, Operation operation) {
  operation.check();
  Array<B> output = context.empty(operation.output_shape());
  operation.output = ops::Out(output);
  context.backend().run(operation);
  detail::record(context, operation);
  return output;
}

/// input [..., in], weight [out, in] -> [..., out]
/// @throws ShapeError if the widths or the epilogue do not fit.
template <Backend B>
Array<B> linear(Context<B>& context, const Array<B>& input, const typename B::Matrix& weight,
                const LinearOptions<B>& options = {}) {
  const ops::MatmulOn<B> product{.input = input, .weight = weight, .epilogue = options};
  product.check();
  if (const Tape<B>* tape = context.tape();
      tape != nullptr && detail::follows_input(*tape, product))
    return tape->operations().linear(context, product);
  return apply(context, product);
}

/// input [..., width], weight [width], bias [width] or nothing -> [..., width].
template <Backend B>
Array<B> layer_norm(Context<B>& context, const Array<B>& input, const Array<B>& weight,
                    const Array<B>& bias, double epsilon = 1e-5) {
  return apply(context, ops::On<B, ops::LayerNorm>{
                            .input = input, .weight = weight, .bias = bias, .epsilon = epsilon});
}

/// input [..., width], weight [width] -> [..., width]: each row divided by the root of its mean
/// square, times the weight.
template <Backend B>
Array<B> rms_norm(Context<B>& context, const Array<B>& input, const Array<B>& weight,
                  double epsilon = 1e-6) {
  return apply(context,
               ops::On<B, ops::RmsNorm>{.input = input, .weight = weight, .epsilon = epsilon});
}

/// -> [batch, query_tokens, width], see AttentionArguments.
/// @throws ShapeError if columns, rows or heads do not fit.
template <Backend B>
Array<B> attention(
    Context<B>& context,
    const AttentionArguments<typename B::value_type, typename B::memory_type>& arguments) {
  return apply(context, ops::On<B, ops::Attention>{.arguments = arguments});
}

/// ids [batch, tokens], table [vocabulary, width], positions [P, width] -> [batch, tokens, width]:
/// the word's row plus the row of its position, counted from `first`. Ids must be below the
/// vocabulary: they are checked where they come from, on the host.
template <Backend B>
Array<B> embed(Context<B>& context, const Indices<B>& ids,
               const Tensor<typename B::weight_type, typename B::memory_type>& table,
               const Array<B>& positions, std::size_t first = 0) {
  return apply(context,
               ops::EmbedOn<B>{.ids = ids, .table = table, .positions = positions, .first = first});
}

/// input [batch, channels, height, width] (or channels last)
/// -> [batch, rows * columns, channels * kernel * kernel]: the windows of a convolution.
/// @throws ShapeError if the windows do not fit the picture.
template <Backend B>
Array<B> unfold(Context<B>& context, const Array<B>& input, const Unfold& windows) {
  return apply(context, ops::On<B, ops::Unfold>{.input = input, .windows = windows});
}

/// Each channel of input [batch, height * width, channels] convolved with its own weight [channels,
/// kernel, kernel] -> [batch, rows * columns, channels].
/// @throws ShapeError if they do not fit.
template <Backend B>
Array<B> depthwise_convolution(Context<B>& context, const Array<B>& input, const Array<B>& weight,
                               const Unfold& windows) {
  return apply(context, ops::On<B, ops::DepthwiseConvolution>{
                            .input = input, .weight = weight, .windows = windows});
}

/// Each row divided by its Euclidean norm; same shape.
template <Backend B>
Array<B> l2_normalize(Context<B>& context, const Array<B>& input) {
  return apply(context, ops::On<B, ops::L2Normalize>{.input = input});
}

/// Writes source [batch or 1, tokens, width] into output [batch, T, width] from token `first` on,
/// and adds rows `first` and following of positions [P, width] where there are any.
template <Backend B>
void write_tokens(Context<B>& context, const Array<B>& source, const Array<B>& positions,
                  std::size_t first, Array<B>& output) {
  run(context,
      ops::On<B, ops::WriteTokens>{
          .source = source, .positions = positions, .first = first, .output = ops::InOut(output)});
}

/// input [rows, width] (outer extents folded), indices [n] -> [n, width]. Indices must be below
/// `rows`.
template <Backend B>
Array<B> gather_rows(Context<B>& context, const Array<B>& input, const Indices<B>& indices) {
  return apply(context, ops::On<B, ops::GatherRows>{.input = input, .indices = indices});
}

/// Tokens [first, first + tokens) of input [batch, T, width] -> [batch, tokens, width].
template <Backend B>
Array<B> slice_tokens(Context<B>& context, const Array<B>& input, std::size_t first,
                      std::size_t tokens) {
  return apply(context,
               ops::On<B, ops::SliceTokens>{.input = input, .first = first, .tokens = tokens});
}

/// The tokens of `left` [batch, n, width] followed by those of `right` [batch or 1, m, width]
/// -> [batch, n + m, width].
/// @throws ShapeError if they do not fit.
template <Backend B>
Array<B> concatenate_tokens(Context<B>& context, const Array<B>& left, const Array<B>& right) {
  const std::size_t tokens = left.shape()[1];
  Array<B> output =
      context.empty(Shape{left.shape()[0], tokens + right.shape()[1], left.shape().back()});
  write_tokens(context, left, Array<B>(), 0, output);
  write_tokens(context, right, Array<B>(), tokens, output);
  return output;
}

/// The mean of the tokens of input [batch, tokens, width] -> [batch, width], except those that
/// `hidden` [batch, tokens] marks with 1.
template <Backend B>
Array<B> mean_tokens(Context<B>& context, const Array<B>& input,
                     const Tensor<std::uint8_t, typename B::memory_type>& hidden = {}) {
  return apply(context, ops::On<B, ops::MeanTokens>{.input = input, .hidden = hidden});
}

/// Each row's e^x / sum of e^x; same shape.
template <Backend B>
Array<B> softmax(Context<B>& context, const Array<B>& input) {
  return apply(context, ops::On<B, ops::Softmax>{.input = input});
}

/// activation(input); same shape.
template <Backend B>
Array<B> activate(Context<B>& context, const Array<B>& input, Activation activation) {
  return apply(context, ops::On<B, ops::Activate>{.input = input, .activation = activation});
}

/// Dropout of single elements or of groups, as `dropping` says; the input itself at a rate of 0.
/// @throws ArgumentError for a rate outside [0, 1).
template <DifferentiableBackend B>
Array<B> dropout(Context<B>& context, const Array<B>& input, const Dropping& dropping) {
  if (dropping.rate == 0) return input;
  return apply(context, ops::On<B, ops::Dropout>{.input = input, .dropping = dropping});
}

/// Stochastic depth (arXiv 1603.09382): whole samples of a branch [batch, ...] dropped.
template <DifferentiableBackend B>
Array<B> drop_samples(Context<B>& context, const Array<B>& branch, Dropping dropping) {
  dropping.group = branch.size() / branch.shape()[0];
  return dropout(context, branch, dropping);
}

/// left [..., width] + right, of the same shape or a row [width] -> as left.
/// @throws ShapeError if they do not fit.
template <Backend B>
Array<B> sum(Context<B>& context, const Array<B>& left, const Array<B>& right) {
  return apply(context, ops::On<B, ops::Sum>{.left = left, .right = right});
}

/// left [..., width] * right, element by element, of the same shape or a row [width] -> as left.
/// @throws ShapeError if they do not fit.
template <Backend B>
Array<B> product(Context<B>& context, const Array<B>& left, const Array<B>& right) {
  return apply(context, ops::On<B, ops::Product>{.left = left, .right = right});
}

/// The same elements in memory of their own; same shape.
template <Backend B>
Array<B> copy(Context<B>& context, const Array<B>& input) {
  return apply(context, ops::On<B, ops::Copy>{.input = input});
}

/// A linear layer, step by step as far as the backward pass needs what lies between: the
/// activation's input and the scale's.
template <Backend B>
Array<B> detail::linear_in_steps(Context<B>& context, const ops::MatmulOn<B>& product) {
  const LinearOptions<B>& end = product.epilogue;
  if constexpr (DifferentiableBackend<B>) {
    const bool activated = end.activation != Activation::none;
    const bool scaled = static_cast<bool>(end.scale);
    LinearOptions<B> plain{.bias = end.bias};
    if (!activated && !scaled) plain.residual = end.residual;
    Array<B> value = apply(context, ops::MatmulOn<B>{product.input, product.weight, plain});
    if (activated) value = activate(context, value, end.activation);
    if (scaled)
      value = apply(context, ops::On<B, ops::Product>{
                                 .left = value, .right = end.scale, .residual = end.residual});
    else if (activated && end.residual)
      value = sum(context, value, end.residual);
    return value;
  } else {
    return apply(context, product);
  }
}

}  // namespace coca
