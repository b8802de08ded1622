#pragma once
/// @file
/// Cross-entropies. A loss adds its value to a number on the device and, where the context has a
/// tape, its gradient to those of its inputs at once: it is where the backward pass starts, so that
/// nothing of it needs to be kept. Several losses compose by adding to the same number.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/core/counted.hpp"

namespace coca {

/// A scalar that losses add to, [1], starting at zero.
template <DifferentiableBackend B>
Array<B> make_loss(Context<B>& context) {
  Array<B> loss = context.empty(Shape{1});
  context.backend().run(ops::On<B, ops::Fill>{.output = ops::Out(loss)});
  return loss;
}

/// Options of linear_cross_entropy.
struct LinearCrossEntropyOptions {
  CrossEntropy loss{};
  std::size_t rows_at_once = 128;  ///< rows of logits computed at a time
};

/// What makes logits of features: a matrix [classes, width] and, if there is one, a bias for each
/// class. A matrix without bias is one too.
template <DifferentiableBackend B>
struct ClassProjection {
  ClassProjection(const typename B::Matrix& matrix, const Array<B>& class_bias = {})
      : weight(matrix), bias(class_bias) {}

  typename B::Matrix weight;
  Array<B> bias;  ///< [classes] or nothing
};

/// Cross-entropy of logits = input weightᵀ + bias without storing them: projection, softmax and
/// gradients go through a few rows at a time. Rows whose label is ignored cost nothing.
/// @param input  [rows, width] (outer extents folded)
/// @param labels one per row
/// @param loss   [1], loss.weight times the sum of the rows' losses is added
/// @throws ShapeError if the numbers of rows or the widths differ; ArgumentError for a label
/// that is
///         not a class.
template <DifferentiableBackend B>
void linear_cross_entropy(Context<B>& context, const Array<B>& input,
                          const std::type_identity_t<ClassProjection<B>>& projection,
                          const std::vector<std::int32_t>& labels,
                          const LinearCrossEntropyOptions& options, const Array<B>& loss);

/// The same for given logits [rows, classes], which are left unchanged.
template <DifferentiableBackend B>
void cross_entropy(Context<B>& context, const Array<B>& logits,
                   const std::vector<std::int32_t>& labels, const CrossEntropy& options,
                   const Array<B>& loss);

/// Cross-entropy against probabilities: targets [rows, classes], like the logits.
/// @param weight factor of the loss: 1 / rows for the mean
template <DifferentiableBackend B>
void soft_cross_entropy(Context<B>& context, const Array<B>& logits, const Array<B>& targets,
                        float weight, const Array<B>& loss);

namespace detail {

inline void expect_labels(const std::vector<std::int32_t>& labels, std::size_t rows,
                          std::size_t classes, std::int32_t ignored) {
  if (labels.size() != rows)
    throw ShapeError("cross_entropy: got " + counted(labels.size(), "label") + " for " +
                     counted(rows, "row"));
  for (const std::int32_t label : labels)
    if (label != ignored && (label < 0 || static_cast<std::size_t>(label) >= classes))
      throw ArgumentError("cross_entropy: label " + std::to_string(label) + " is none of the " +
                          counted(classes, "class", "classes"));
}

/// The rows whose label is not ignored, and their labels.
struct LabelledRows {
  std::vector<std::int32_t> rows, labels;

  LabelledRows(const std::vector<std::int32_t>& all, std::int32_t ignored) {
    for (std::size_t row = 0; row < all.size(); ++row) {
      if (all[row] == ignored) continue;
      rows.push_back(static_cast<std::int32_t>(row));
      labels.push_back(all[row]);
    }
  }
};

}  // namespace detail

template <DifferentiableBackend B>
void linear_cross_entropy(Context<B>& context, const Array<B>& input,
                          const std::type_identity_t<ClassProjection<B>>& projection,
                          const std::vector<std::int32_t>& labels,
                          const LinearCrossEntropyOptions& options, const Array<B>& loss) {
  const typename B::Matrix& weight = projection.weight;
  const Array<B>& bias = projection.bias;
  const std::size_t width = input.shape().back(), classes = weight.out_features();
  if (width != weight.in_features())
    throw ShapeError("linear_cross_entropy: the input has shape " + to_string(input.shape()) +
                     ", the weight expects rows of " + std::to_string(weight.in_features()));
  if (bias) expect_shape(bias, {classes}, "linear_cross_entropy: bias");
  detail::expect_labels(labels, input.size() / width, classes, options.loss.ignored_label);
  const detail::LabelledRows labelled(labels, options.loss.ignored_label);
  const std::size_t rows = labelled.rows.size();
  if (rows == 0) return;
  const B& backend = context.backend();
  const Array<B> chosen =
      gather_rows(context, input, context.to_device(labelled.rows, Shape{rows}));  // [rows, width]
  const Indices<B> targets = context.to_device(labelled.labels, Shape{rows});
  Tape<B>* tape = detail::tape_for(context, chosen, weight.values(), bias);
  const std::size_t at_once = std::max<std::size_t>(1, options.rows_at_once);
  const Array<B> all_logits = context.empty(Shape{std::min(rows, at_once), classes});
  for (std::size_t first = 0; first < rows; first += at_once) {
    const std::size_t count = std::min(at_once, rows - first);
    const Array<B> some = chosen.slice(first, count), logits = all_logits.slice(0, count);
    backend.run(ops::MatmulOn<B>{
        .input = some, .weight = weight, .epilogue = {.bias = bias}, .output = ops::Out(logits)});
    backend.run(ops::On<B, ops::CrossEntropy>{.logits = ops::InOut(logits),
                                              .labels = targets.slice(first, count),
                                              .options = options.loss,
                                              .loss = ops::Add(loss)});
    if (tape == nullptr) continue;
    if (tape->follows(bias))
      backend.run(
          ops::On<B, ops::SumRows>{.input = logits, .output = ops::Add(tape->gradient(bias))});
    if (tape->follows(weight.values())) {
      const auto [gradient, write] = tape->gradient_to_write(weight.values());
      if (weight.transposed())
        backend.run(ops::On<B, ops::MatmulWeightGradient>{
            .output_gradient = some, .input = logits, .weight_gradient = {gradient, write}});
      else
        backend.run(ops::On<B, ops::MatmulWeightGradient>{
            .output_gradient = logits, .input = some, .weight_gradient = {gradient, write}});
    }
    if (tape->follows(chosen))
      backend.run(
          ops::MatmulInputGradientOn<B>{.output_gradient = logits,
                                        .weight = weight,
                                        .input_gradient = {tape->gradient(some), Write::add}});
  }
}

template <DifferentiableBackend B>
void cross_entropy(Context<B>& context, const Array<B>& logits,
                   const std::vector<std::int32_t>& labels, const CrossEntropy& options,
                   const Array<B>& loss) {
  const std::size_t classes = logits.shape().back(), rows = logits.size() / classes;
  detail::expect_labels(labels, rows, classes, options.ignored_label);
  const B& backend = context.backend();
  const Array<B> gradient = context.empty(logits.shape());
  backend.run(ops::On<B, ops::Copy>{.input = logits, .output = ops::Out(gradient)});
  backend.run(
      ops::On<B, ops::CrossEntropy>{.logits = ops::InOut(gradient.reshaped({rows, classes})),
                                    .labels = context.to_device(labels, Shape{rows}),
                                    .options = options,
                                    .loss = ops::Add(loss)});
  if (Tape<B>* tape = detail::tape_for(context, logits)) tape->give(logits, gradient);
}

template <DifferentiableBackend B>
void soft_cross_entropy(Context<B>& context, const Array<B>& logits, const Array<B>& targets,
                        float weight, const Array<B>& loss) {
  expect_shape(targets, logits.shape(), "soft_cross_entropy: targets");
  const B& backend = context.backend();
  const Array<B> gradient = context.empty(logits.shape());
  backend.run(ops::On<B, ops::Copy>{.input = logits, .output = ops::Out(gradient)});
  backend.run(ops::On<B, ops::SoftCrossEntropy>{.logits = ops::InOut(gradient),
                                                .targets = targets,
                                                .weight = weight,
                                                .loss = ops::Add(loss)});
  if (Tape<B>* tape = detail::tape_for(context, logits)) tape->give(logits, gradient);
}

}  // namespace coca
