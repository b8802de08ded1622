#pragma once
/// @file
/// Activations on their own.

#include "coca/backend/operands.hpp"
#include "coca/core/activation.hpp"

namespace coca::ops {

/// input gradient = output gradient activation'(input).
template <class T, class M>
struct ActivationGradient {
  static constexpr const char* name = "activation_gradient";
  In<T, M> input;
  Activation activation;
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("activation", self.activation...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    expect_shape(output_gradient, input.shape(), "activation_gradient: output gradient");
    if (input_gradient)
      expect_shape(input_gradient, input.shape(), "activation_gradient: input gradient");
  }
};

/// output = activation(input).
template <class T, class M>
struct Activate {
  static constexpr const char* name = "activate";
  In<T, M> input;
  Activation activation;
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("activation", self.activation...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {}

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(ActivationGradient<T, M>{input, activation, g.of(output), g.update(input)});
  }
};

}  // namespace coca::ops
