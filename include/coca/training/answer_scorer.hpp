#pragma once
/// @file
/// The accuracy of a classifier over answers, as validation in training measures it.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "coca/training/answer_loss.hpp"
#include "coca/training/named_numbers.hpp"

namespace coca {

/// The mean of how right the most probable answers are, with normalised answers of people. The
/// official script, which compares answers that all people gave alike as they are written, may
/// differ: see vqa_scores().
class AnswerScorer {
 public:
  /// @param logits [questions, answers]; a row with NaN or infinity is never right
  template <class T>
  void add(std::span<const T> logits, std::span<const AnswerTargets> targets) {
    const std::size_t answers = targets.empty() ? 0 : logits.size() / targets.size();
    for (std::size_t i = 0; i < targets.size(); ++i, ++questions_) {
      const auto row = logits.subspan(i * answers, answers);
      const auto best = std::max_element(row.begin(), row.end());
      const auto found = targets[i].find(static_cast<std::size_t>(best - row.begin()));
      const bool finite = std::all_of(row.begin(), row.end(), [](T logit) {
        return std::isfinite(static_cast<double>(logit));
      });
      if (finite && found != targets[i].end()) right_ += found->second;
    }
  }

  /// The same of a validation batch, see TrainingTask.
  template <Backend B, class Inputs, class Outputs>
  void add(Context<B>& context, const Inputs& inputs, const Outputs& outputs) {
    const auto logits = context.to_host(outputs.logits);
    add(std::span(logits), std::span<const AnswerTargets>(inputs.targets));
  }

  /// "accuracy.vqa", 0 to 1.
  NamedNumbers scores() const {
    if (questions_ == 0) return {};
    return {{"accuracy.vqa", right_ / static_cast<double>(questions_)}};
  }

 private:
  double right_ = 0;
  std::size_t questions_ = 0;
};

}  // namespace coca
