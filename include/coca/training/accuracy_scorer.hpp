#pragma once
/// @file
/// How often the right class is the most probable one, or among the first five.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/data/batch.hpp"
#include "coca/training/named_numbers.hpp"

namespace coca {

/// The place of a class among all by its logit, 0 for the largest; of equal ones the lower class
/// comes first, as for argmax. A logit that is not finite is never right.
template <class T>
std::size_t rank_of(std::span<const T> logits, std::size_t label) {
  if (!std::isfinite(static_cast<double>(logits[label]))) return logits.size();
  std::size_t rank = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (i == label) continue;
    const bool lower = i < label ? logits[i] < logits[label] : logits[i] <= logits[label];
    rank += lower ? 0 : 1;
  }
  return rank;
}

/// Counts pictures.
class AccuracyScorer {
 public:
  /// @param logits [batch, classes]; pictures of no_label do not count
  template <class T>
  void add(std::span<const T> logits, std::span<const std::int32_t> labels) {
    if (labels.empty()) return;
    classes_ = logits.size() / labels.size();
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == no_label) continue;
      const std::size_t rank =
          rank_of(logits.subspan(i * classes_, classes_), static_cast<std::size_t>(labels[i]));
      top_1_ += rank == 0;
      top_5_ += rank < 5;
      ++pictures_;
    }
  }

  /// The same of a validation batch, see TrainingTask.
  template <Backend B, class Inputs, class Outputs>
  void add(Context<B>& context, const Inputs& inputs, const Outputs& outputs) {
    const auto logits = context.to_host(outputs.logits);
    add(std::span(logits), std::span(inputs.labels));
  }

  /// "accuracy.top_1", and "accuracy.top_5" if there are more than five classes: shares, 0 to 1.
  NamedNumbers scores() const {
    if (pictures_ == 0) return {};
    const auto share = [this](std::size_t right) {
      return static_cast<double>(right) / static_cast<double>(pictures_);
    };
    NamedNumbers scores{{"accuracy.top_1", share(top_1_)}};
    if (classes_ > 5) scores.push_back({"accuracy.top_5", share(top_5_)});
    return scores;
  }

 private:
  std::size_t classes_ = 0, pictures_ = 0, top_1_ = 0, top_5_ = 0;
};

}  // namespace coca
