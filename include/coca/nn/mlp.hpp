#pragma once
/// @file
/// The two-layer perceptron of a transformer block.

#include <cstddef>
#include <string>

#include "coca/nn/linear.hpp"

namespace coca {

/// Sizes of a transformer block and of its initial weights.
struct BlockOptions {
  std::size_t width = 0;
  std::size_t heads = 0;
  std::size_t mlp_width = 0;
  Activation activation = Activation::gelu;
  bool layer_scale = false;  ///< with ls_1.gamma and ls_2.gamma
  float layer_scale_init = 1e-5f;
  double norm_epsilon = 1e-5;
  float in_deviation = 0.02f;
  float out_deviation = 0.02f;
  float mlp_deviation = 0.02f;
  MatrixUse use = MatrixUse::many_rows;
};

/// width -> mlp_width -> width
template <Backend B>
class Mlp {
 public:
  /// @param path prefix of ".c_fc" and ".c_proj"
  Mlp(const ParameterPath& path, const BlockOptions& options)
      : activation_(options.activation),
        in_(path + ".c_fc", {.in = options.width,
                             .out = options.mlp_width,
                             .deviation = options.mlp_deviation,
                             .use = options.use}),
        out_(path + ".c_proj", {.in = options.mlp_width,
                                .out = options.width,
                                .deviation = options.out_deviation,
                                .use = options.use}) {}

  /// input [..., width] -> [..., width]
  Array<B> operator()(Context<B>& context, const Array<B>& input,
                      const LinearEnd<B>& end = {}) const {
    const Array<B> hidden = in_(context, input, {.activation = activation_});
    return out_(context, hidden, end);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.in_, self.out_);
  }

 private:
  Activation activation_;
  Linear<B> in_;
  Linear<B> out_;
};

}  // namespace coca
