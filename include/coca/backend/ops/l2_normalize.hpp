#pragma once
/// @file
/// Rows normalised to length 1.

#include "coca/backend/operands.hpp"

namespace coca::ops {

/// With y = x / norm: d x = (d y - y (y · d y)) / norm; if the norm is below 1e-12, which
/// replaces it, d y / 1e-12.
template <class T, class M>
struct L2NormalizeGradient {
  static constexpr const char* name = "l2_normalize_gradient";
  In<T, M> input;               ///< [..., width]
  In<T, M> output_gradient;     ///< as input
  Update<T, M> input_gradient;  ///< as input; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    expect_shape(output_gradient, input.shape(), "l2_normalize_gradient: output gradient");
    if (input_gradient)
      expect_shape(input_gradient, input.shape(), "l2_normalize_gradient: input gradient");
  }
};

/// Each row divided by its Euclidean norm (at least 1e-12, as torch.nn.functional.normalize).
template <class T, class M>
struct L2Normalize {
  static constexpr const char* name = "l2_normalize";
  In<T, M> input;      ///< [..., width]
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  void check() const {}

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(L2NormalizeGradient<T, M>{input, g.of(output), g.update(input)});
  }
};

}  // namespace coca::ops
