#pragma once
/// @file
/// Layer normalisation with weight and bias, epsilon 1e-5.

#include <cstddef>
#include <string>

#include "coca/autograd/operations.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

template <Backend B>
class LayerNorm {
 public:
  /// @param path prefix of ".weight" and ".bias"
  LayerNorm(const std::string& path, std::size_t width)
      : weight_(path + ".weight", {width}, Initializer::constant(1)),
        bias_(path + ".bias", {width}, Initializer::constant(0)) {}

  /// input [..., width] -> [..., width]
  Array<B> operator()(Context<B>& context, const Array<B>& input) const {
    return layer_norm(context, input, weight_.value(), bias_.value());
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.weight_, self.bias_);
  }

 private:
  ArrayParameter<B> weight_;
  ArrayParameter<B> bias_;
};

}  // namespace coca
