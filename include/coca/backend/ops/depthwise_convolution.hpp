#pragma once
/// @file
/// Convolution of each channel with separate weights.

#include <cstddef>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/backend/ops/unfold.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// input gradient[pixel, c] += sum over the windows that it is in of output gradient[window, c]
/// weight[c, its place]; weight gradient[c, place] += sum of output gradient[window, c]
/// input[pixel at the place, c].
template <class T, class M>
struct DepthwiseConvolutionGradient {
  static constexpr const char* name = "depthwise_convolution_gradient";
  In<T, M> input;             ///< [batch, height * width, channels]
  In<T, M> weight;            ///< [channels, kernel, kernel]
  coca::Unfold windows;       ///< channels last
  In<T, M> output_gradient;   ///< [batch, rows * columns, channels]
  Add<T, M> input_gradient;   ///< as input; nothing: not computed
  Add<T, M> weight_gradient;  ///< as weight; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("windows", self.windows...);
    visit("output_gradient", self.output_gradient...);
    visit("input_gradient", self.input_gradient...);
    visit("weight_gradient", self.weight_gradient...);
  }

  void check() const {
    if (input_gradient)
      expect_shape(input_gradient, input.shape(), "depthwise_convolution_gradient: input gradient");
    if (weight_gradient)
      expect_shape(weight_gradient, weight.shape(),
                   "depthwise_convolution_gradient: weight gradient");
  }
};

/// output[window, c] = sum over places of the window of input[pixel at the place, c]
/// weight[c, place]; outside the picture it is 0.
template <class T, class M>
struct DepthwiseConvolution {
  static constexpr const char* name = "depthwise_convolution";
  In<T, M> input;        ///< [batch, height * width, channels]
  In<T, M> weight;       ///< [channels, kernel, kernel]
  coca::Unfold windows;  ///< channels last
  Out<T, M> output{};    ///< [batch, rows * columns, channels]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("weight", self.weight...);
    visit("windows", self.windows...);
    visit("output", self.output...);
  }

  Shape output_shape() const {
    return {input.shape()[0], windows.rows() * windows.columns(), windows.channels};
  }

  /// @throws ShapeError if the windows or the weight do not fit the pictures.
  void check() const {
    const coca::Unfold& w = windows;
    if (!w.channels_last || w.kernel == 0 || w.stride == 0 || w.kernel > w.height + 2 * w.padding ||
        w.kernel > w.width + 2 * w.padding)
      throw ShapeError("depthwise_convolution: a window of " + std::to_string(w.kernel) +
                       " pixels does not fit a picture of " + std::to_string(w.width) + " x " +
                       std::to_string(w.height) + ", channels last");
    expect_shape(input, {input.shape()[0], w.height * w.width, w.channels},
                 "depthwise_convolution: input");
    expect_shape(weight, {w.channels, w.kernel, w.kernel}, "depthwise_convolution: weight");
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(DepthwiseConvolutionGradient<T, M>{.input = input,
                                             .weight = weight,
                                             .windows = windows,
                                             .output_gradient = g.of(output),
                                             .input_gradient = g.add(input),
                                             .weight_gradient = g.add(weight)});
  }
};

}  // namespace coca::ops
