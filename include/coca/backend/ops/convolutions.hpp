#pragma once
/// @file
/// Windows of pictures, and convolutions of each channel separately.

#include <cstddef>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Windows of a picture as rows, so that a convolution is a matrix product.
struct Unfold {
  std::size_t channels = 0, height = 0, width = 0;
  std::size_t kernel = 1, stride = 1, padding = 0;
  bool channels_last = false;  ///< input [batch, height, width, channels] instead of channels first

  constexpr std::size_t rows() const { return (height + 2 * padding - kernel) / stride + 1; }
  constexpr std::size_t columns() const { return (width + 2 * padding - kernel) / stride + 1; }
};

namespace ops {

/// input gradient[pixel] += output gradient of every window that the pixel is in.
template <class T, class M>
struct UnfoldGradient {
  static constexpr const char* name = "unfold_gradient";
  In<T, M> output_gradient;  ///< as the output of Unfold
  coca::Unfold windows;
  Add<T, M> input_gradient;  ///< as the input of Unfold; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("windows", self.windows...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    const coca::Unfold& w = windows;
    const std::size_t window = w.channels * w.kernel * w.kernel;
    if (input_gradient && input_gradient.size() * w.rows() * w.columns() * window !=
                              output_gradient.size() * w.channels * w.height * w.width)
      throw ShapeError("unfold_gradient: gradients " + to_string(output_gradient.shape()) +
                       " and " + to_string(input_gradient.shape()) + " do not belong together");
  }
};

/// Each row of the output is a window, ordered by channel, y, x.
template <class T, class M>
struct Unfold {
  static constexpr const char* name = "unfold";
  using Gradients = OperationList<UnfoldGradient<T, M>>;
  In<T, M> input;  ///< [batch, channels, height, width], or channels last
  coca::Unfold windows;
  Out<T, M> output{};  ///< [batch, rows * columns, channels * kernel * kernel]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("windows", self.windows...);
    visit("output", self.output...);
  }

  Shape output_shape() const {
    return {input.shape()[0], windows.rows() * windows.columns(),
            windows.channels * windows.kernel * windows.kernel};
  }

  /// @throws ShapeError if the windows do not fit the picture.
  void check() const {
    const coca::Unfold& w = windows;
    if (w.kernel == 0 || w.stride == 0 || w.kernel > w.height + 2 * w.padding ||
        w.kernel > w.width + 2 * w.padding)
      throw ShapeError("unfold: a window of " + counted(w.kernel, "pixel") +
                       " does not fit a picture of " + std::to_string(w.width) + " x " +
                       std::to_string(w.height));
    const std::size_t picture = w.channels * w.height * w.width;
    if (input.size() != input.shape()[0] * picture)
      throw ShapeError("unfold: got " + to_string(input.shape()) + ", expected " +
                       counted(picture, "value") + " a picture");
  }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(UnfoldGradient<T, M>{g.of(output), windows, g.add(input)});
  }
};

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
    expect_shape(output_gradient,
                 {input.shape()[0], windows.rows() * windows.columns(), windows.channels},
                 "depthwise_convolution_gradient: output gradient");
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
  using Gradients = OperationList<DepthwiseConvolutionGradient<T, M>>;
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
      throw ShapeError("depthwise_convolution: a window of " + counted(w.kernel, "pixel") +
                       " does not fit a picture of " + std::to_string(w.width) + " x " +
                       std::to_string(w.height) + ", channels last");
    expect_shape(input, {input.shape()[0], w.height * w.width, w.channels},
                 "depthwise_convolution: input");
    expect_shape(weight, {w.channels, w.kernel, w.kernel}, "depthwise_convolution: weight");
  }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(DepthwiseConvolutionGradient<T, M>{.input = input,
                                             .weight = weight,
                                             .windows = windows,
                                             .output_gradient = g.of(output),
                                             .input_gradient = g.add(input),
                                             .weight_gradient = g.add(weight)});
  }
};

/// What every backend runs of these.
template <class B>
using ConvolutionOperations = OperationList<On<B, Unfold>, On<B, DepthwiseConvolution>>;

}  // namespace ops
}  // namespace coca
