#pragma once
/// @file
/// Arrays times a learnt factor that is kept as its logarithm.

#include "coca/backend/operands.hpp"

namespace coca::ops {

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
    expect_shape(output_gradient, input.shape(), "scale_by_exp_gradient: output gradient");
    if (input_gradient)
      expect_shape(input_gradient, input.shape(), "scale_by_exp_gradient: input gradient");
  }
};

/// output = e^exponent input.
template <class T, class M>
struct ScaleByExp {
  static constexpr const char* name = "scale_by_exp";
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

  void check() const {
    if (exponent.size() != 1)
      throw ShapeError("scale_by_exp: one exponent expected, got " + to_string(exponent.shape()));
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(ScaleByExpGradient<T, M>{.input = input,
                                   .exponent = exponent,
                                   .output_gradient = g.of(output),
                                   .input_gradient = g.update(input),
                                   .exponent_gradient = g.add(exponent)});
  }
};

}  // namespace coca::ops
