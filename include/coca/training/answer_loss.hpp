#pragma once
/// @file
/// The loss of a classifier over answers, several of which may be right to a degree.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/losses/binary_cross_entropy.hpp"
#include "coca/losses/cross_entropy.hpp"

namespace coca {

/// Which loss.
enum class AnswerLoss : std::uint8_t {
  /// The binary cross-entropy of each answer, summed over answers (bottom-up-attention-vqa, ViLT).
  binary,
  /// Cross-entropy over all answers, the targets divided by their sum; questions to which no known
  /// answer is right teach nothing.
  softmax,
};

/// How right answers are, 0 to 1, by their number; the others are wrong.
using AnswerTargets = std::map<std::size_t, double>;

namespace detail {

/// [rows, answers], the sum of each row 1 if it is to be
template <Backend B>
Array<B> dense_targets(Context<B>& context, std::span<const AnswerTargets* const> rows,
                       std::size_t answers, bool sum_to_one) {
  std::vector<typename B::value_type> values(rows.size() * answers);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    double sum = 0;
    for (const auto& [answer, target] : *rows[row]) sum += target;
    for (const auto& [answer, target] : *rows[row])
      values[row * answers + answer] =
          static_cast<typename B::value_type>(sum_to_one ? target / sum : target);
  }
  return context.to_device(values, Shape{rows.size(), answers});
}

}  // namespace detail

/// Which loss, and what its mean is over.
struct AnswerLossOptions {
  AnswerLoss kind = AnswerLoss::binary;
  double questions = 1;  ///< of all parts and processes
};

/// Adds the loss of questions, divided by their number.
/// @param logits  [rows, answers]
/// @param targets one per row
template <DifferentiableBackend B>
void answer_loss(Context<B>& context, const Array<B>& logits,
                 std::span<const AnswerTargets> targets, const AnswerLossOptions& options,
                 const Array<B>& loss) {
  const bool softmax = options.kind == AnswerLoss::softmax;
  const std::size_t answers = logits.shape().back();
  const float weight = 1 / static_cast<float>(options.questions);
  std::vector<const AnswerTargets*> chosen;
  std::vector<std::int32_t> rows;
  for (std::size_t row = 0; row < targets.size(); ++row) {
    if (softmax && targets[row].empty()) continue;
    chosen.push_back(&targets[row]);
    rows.push_back(static_cast<std::int32_t>(row));
  }
  if (chosen.empty()) return;
  const Array<B> dense = detail::dense_targets(
      context, std::span<const AnswerTargets* const>(chosen), answers, softmax);
  if (!softmax) return binary_cross_entropy(context, logits, dense, weight, loss);
  soft_cross_entropy(context,
                     gather_rows(context, logits, context.to_device(rows, Shape{rows.size()})),
                     dense, weight, loss);
}

/// @throws ShapeError for another number of targets than of questions; ArgumentError for those of
/// an answer beyond the list or outside of 0 to 1.
inline void expect_targets(std::span<const AnswerTargets> targets, std::size_t questions,
                           std::size_t answers) {
  if (targets.size() != questions)
    throw ShapeError("a training step needs targets for each question, got " +
                     std::to_string(questions) + " questions and " +
                     std::to_string(targets.size()) + " targets");
  for (const AnswerTargets& each : targets)
    for (const auto& [answer, target] : each)
      if (answer >= answers || !(target > 0 && target <= 1))
        throw ArgumentError("answer " + std::to_string(answer) + " of " + std::to_string(answers) +
                            " has the target " + std::to_string(target) +
                            ", expected a number above 0, at most 1");
}

}  // namespace coca
