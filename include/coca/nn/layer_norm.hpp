#pragma once
/// @file
/// Layer normalisation with a weight and, by default, a bias.

#include <cstddef>
#include <optional>
#include <string>

#include "coca/autograd/operations.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

/// Choices of a layer norm.
struct LayerNormOptions {
  double epsilon = 1e-5;  ///< added to the variance: CLIP 1e-5, SigLIP 1e-6, BERT 1e-12
  bool bias = true;
};

template <Backend B>
class LayerNorm {
 public:
  /// @param path prefix of ".weight" and ".bias"
  LayerNorm(const ParameterPath& path, std::size_t width, const LayerNormOptions& options = {})
      : weight_(path + ".weight", {width}, Initializer::constant(1), ParameterRole::norm),
        epsilon_(options.epsilon) {
    if (options.bias)
      bias_.emplace(path + ".bias", Shape{width}, Initializer::constant(0), ParameterRole::norm);
  }

  /// input [..., width] -> [..., width]
  Array<B> operator()(Context<B>& context, const Array<B>& input) const {
    return layer_norm(context, input, weight_.value(), bias_ ? bias_->value() : Array<B>(),
                      epsilon_);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.weight_, self.bias_);
  }

 private:
  ArrayParameter<B> weight_;
  std::optional<ArrayParameter<B>> bias_;
  double epsilon_;
};

}  // namespace coca
