#pragma once
/// @file
/// Binary cross-entropy, for tasks in which any number of classes may be right, such as the answers
/// to a question.

#include "coca/autograd/operations.hpp"

namespace coca {

/// weight * the sum over all logits of the binary cross-entropy of sigmoid(logit) with its target,
/// added to `loss`. The logits are left unchanged.
/// @param logits  [rows, classes]
/// @param targets [rows, classes], probabilities; a row may have any sum
/// @param weight  1 / rows for the mean over rows of the sums over classes
/// @throws ShapeError for targets of another shape.
template <DifferentiableBackend B>
void binary_cross_entropy(Context<B>& context, const Array<B>& logits, const Array<B>& targets,
                          float weight, const Array<B>& loss) {
  expect_shape(targets, logits.shape(), "binary_cross_entropy: targets");
  const B& backend = context.backend();
  const Array<B> gradient = context.empty(logits.shape());
  backend.run(ops::On<B, ops::Copy>{.input = logits, .output = ops::Out(gradient)});
  backend.run(ops::On<B, ops::BinaryCrossEntropy>{.logits = ops::InOut(gradient),
                                                  .targets = targets,
                                                  .weight = weight,
                                                  .loss = ops::Add(loss)});
  if (Tape<B>* tape = detail::tape_for(context, logits)) tape->give(logits, gradient);
}

}  // namespace coca
