#pragma once
/// @file
/// Cross-entropies, each with the gradient that it leaves in place of the logits.

#include <cstdint>

#include "coca/backend/operands.hpp"

namespace coca {

/// What a cross-entropy over rows of logits computes.
struct CrossEntropy {
  std::int32_t ignored_label = -1;  ///< rows with this label count for nothing
  float label_smoothing = 0.0f;     ///< as torch.nn.functional.cross_entropy
  float weight = 1.0f;              ///< factor of the loss and of its gradient
};

namespace ops {

/// With p = softmax(logits[r]) and q the target, (1 - smoothing) at the label plus smoothing /
/// classes everywhere: loss += weight * sum over rows and classes of -q log p, logits = weight (p -
/// q). Rows with the ignored label become 0.
template <class T, class M>
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  InOut<T, M> logits;          ///< [rows, classes], turned into their gradient
  In<std::int32_t, M> labels;  ///< [rows]
  coca::CrossEntropy options;
  Add<T, M> loss;  ///< [1]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("logits", self.logits...);
    visit("labels", self.labels...);
    visit("options", self.options...);
    visit("loss", self.loss...);
  }

  void check() const {
    expect_shape(labels, {logits.shape().rows()}, "cross_entropy: labels");
    expect_shape(loss, {1}, "cross_entropy: loss");
  }
};

/// The same with targets that are probabilities, q = targets[r].
template <class T, class M>
struct SoftCrossEntropy {
  static constexpr const char* name = "soft_cross_entropy";
  InOut<T, M> logits;  ///< [rows, classes], turned into their gradient
  In<T, M> targets;    ///< as logits
  float weight;
  Add<T, M> loss;  ///< [1]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("logits", self.logits...);
    visit("targets", self.targets...);
    visit("weight", self.weight...);
    visit("loss", self.loss...);
  }

  void check() const {
    expect_shape(targets, logits.shape(), "soft_cross_entropy: targets");
    expect_shape(loss, {1}, "soft_cross_entropy: loss");
  }
};

}  // namespace ops
}  // namespace coca
