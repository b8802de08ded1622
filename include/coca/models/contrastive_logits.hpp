#pragma once
/// @file
/// Turns cosine similarities of embeddings into the logits of a contrastive loss.

#include <optional>

#include "coca/nn/parameter.hpp"

namespace coca {

/// logits = e^logit_scale * similarity, as in CLIP (arXiv 2103.00020), or, with SigLIP's bias
/// (arXiv 2303.15343), e^logit_scale * similarity + logit_bias.
template <Backend B>
class ContrastiveLogits {
 public:
  /// Without bias.
  ContrastiveLogits()
      : scale_("logit_scale", Shape{}, Initializer::constant(2.6592600f),  // ln(1 / 0.07)
               ParameterRole::scale) {}

  /// What `initialize` gives the scale from now on.
  void set_initial_scale(float logarithm) {
    scale_.set_initializer(Initializer::constant(logarithm));
  }

  /// Logarithm of the factor, a scalar.
  const Array<B>& scale() const { return scale_.value(); }

  bool has_bias() const noexcept { return bias_.has_value(); }

  /// A scalar. @throws Error if there is none.
  const Array<B>& bias() const {
    if (!bias_)
      throw Error(
          "the model has no logit_bias, which SigLIP's loss needs: call add_logit_bias() first");
    return bias_->value();
  }

  /// Adds a bias of -10, if there is none yet. From now on `initialize` also sets the scale as
  /// OpenCLIP does with --siglip, to ln 10.
  void add_bias(const B& backend) {
    if (bias_) return;
    scale_.set_initializer(Initializer::constant(2.3025851f));
    bias_.emplace("logit_bias", Shape{}, Initializer::constant(-10.0f), ParameterRole::bias);
    bias_->load(backend, initial_values(*bias_, 0));
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.scale_, self.bias_);
  }

 private:
  ArrayParameter<B> scale_;
  std::optional<ArrayParameter<B>> bias_;
};

}  // namespace coca
