#pragma once
/// @file
/// Losses, each with the gradient that it leaves in place of the logits, and their learnt
/// temperature.

#include <cstddef>
#include <cstdint>

#include "coca/backend/operands.hpp"

namespace coca {

/// What a cross-entropy over rows of logits computes.
struct CrossEntropy {
  std::int32_t ignored_label = -1;  ///< rows with this label count for nothing
  float label_smoothing = 0.0f;     ///< as torch.nn.functional.cross_entropy
  float weight = 1.0f;              ///< factor of the loss and of its gradient
};

/// What SigLIP's loss (arXiv 2303.15343) computes: row r belongs to column first_positive + r.
struct SigmoidLoss {
  std::size_t first_positive = 0;
  float weight = 1.0f;  ///< factor of the loss and of its gradient
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

/// Each logit x says separately whether its class is right, with probability t = its target: loss
/// += weight * sum of max(x, 0) - x t + log(1 + e^-|x|), logits = weight (1 / (1 + e^-x) - t).
template <class T, class M>
struct BinaryCrossEntropy {
  static constexpr const char* name = "binary_cross_entropy";
  InOut<T, M> logits;  ///< [rows, classes], turned into their gradient
  In<T, M> targets;    ///< as logits, 0 to 1
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
    expect_shape(targets, logits.shape(), "binary_cross_entropy: targets");
    expect_shape(loss, {1}, "binary_cross_entropy: loss");
  }
};

/// With y = z (logits + bias), z = 1 for pairs and -1 for others: loss += weight * sum of log(1 +
/// e^-y), logits = d = -weight z / (1 + e^y), bias gradient += sum of d.
template <class T, class M>
struct SigmoidLoss {
  static constexpr const char* name = "sigmoid_loss";
  InOut<T, M> logits;  ///< [rows, columns], turned into their gradient
  In<T, M> bias;       ///< [1]
  coca::SigmoidLoss options;
  Add<T, M> loss;           ///< [1]
  Add<T, M> bias_gradient;  ///< [1]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("logits", self.logits...);
    visit("bias", self.bias...);
    visit("options", self.options...);
    visit("loss", self.loss...);
    visit("bias_gradient", self.bias_gradient...);
  }

  void check() const {
    expect_one(bias, "sigmoid_loss: bias");
    expect_shape(loss, {1}, "sigmoid_loss: loss");
    if (bias_gradient) expect_one(bias_gradient, "sigmoid_loss: bias gradient");
  }
};

/// input gradient = e^exponent output gradient;
/// exponent gradient += sum of e^exponent input output gradient.
template <class T, class M>
struct ScaleByExpGradient {
  static constexpr const char* name = "scale_by_exp_gradient";
  In<T, M> input;
  In<T, M> exponent;            ///< [1]
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed
  Add<T, M> exponent_gradient;  ///< [1]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("exponent", self.exponent...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
    visit("exponent_gradient", self.exponent_gradient...);
  }

  void check() const {
    expect_one(exponent, "scale_by_exp_gradient: exponent");
    if (exponent_gradient)
      expect_one(exponent_gradient, "scale_by_exp_gradient: exponent gradient");
    expect_gradients(*this, input.shape());
  }
};

/// output = e^exponent input.
template <class T, class M>
struct ScaleByExp {
  static constexpr const char* name = "scale_by_exp";
  using Gradients = OperationList<ScaleByExpGradient<T, M>>;
  In<T, M> input;
  In<T, M> exponent;   ///< [1]
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("exponent", self.exponent...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const { expect_one(exponent, "scale_by_exp: exponent"); }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(ScaleByExpGradient<T, M>{.input = input,
                                   .exponent = exponent,
                                   .output_gradient = g.of(output),
                                   .input_gradient = g.update(input),
                                   .exponent_gradient = g.add(exponent)});
  }
};

/// What a backend that trains runs of these.
template <class B>
using LossOperations =
    OperationList<On<B, CrossEntropy>, On<B, SoftCrossEntropy>, On<B, BinaryCrossEntropy>,
                  On<B, SigmoidLoss>, On<B, ScaleByExp>>;

}  // namespace ops
}  // namespace coca
