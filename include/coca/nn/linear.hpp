#pragma once
/// @file
/// Linear layer: x Wᵀ + b, with activation, layer scale and residual fused into the product.

#include <cstddef>
#include <string>

#include "coca/autograd/operations.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

/// Operations fused into a linear layer, in the same pass over memory.
template <Backend B>
struct LinearEnd {
  Activation activation = Activation::none;
  Array<B> scale{};     ///< [out], layer scale
  Array<B> residual{};  ///< [..., out], added last
};

/// Weight [out, in] and bias [out], like torch.nn.Linear.
template <Backend B>
class Linear {
 public:
  struct Options {
    std::size_t in = 0;
    std::size_t out = 0;
    float deviation = 0.02f;  ///< of the initial weights
    MatrixUse use = MatrixUse::many_rows;
  };

  /// @param path prefix of ".weight" and ".bias"
  Linear(const ParameterPath& path, const Options& options)
      : weight_(path + ".weight", {options.out, options.in}, Initializer::normal(options.deviation),
                {.use = options.use}),
        bias_(path + ".bias", {options.out}, Initializer::constant(0), ParameterRole::bias) {}

  /// input [..., in] -> [..., out]
  Array<B> operator()(Context<B>& context, const Array<B>& input,
                      const LinearEnd<B>& end = {}) const {
    return linear(context, input, weight_.value(),
                  LinearOptions<B>{.bias = bias_.value(),
                                   .activation = end.activation,
                                   .scale = end.scale,
                                   .residual = end.residual});
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.weight_, self.bias_);
  }

 private:
  MatrixParameter<B> weight_;
  ArrayParameter<B> bias_;
};

}  // namespace coca
