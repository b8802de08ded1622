#pragma once
/// @file
/// Windows of pictures as rows.

#include <cstddef>
#include <string>

#include "coca/backend/operands.hpp"
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
      throw ShapeError("unfold: a window of " + std::to_string(w.kernel) +
                       " pixels does not fit a picture of " + std::to_string(w.width) + " x " +
                       std::to_string(w.height));
    const std::size_t picture = w.channels * w.height * w.width;
    if (input.size() != input.shape()[0] * picture)
      throw ShapeError("unfold: got " + to_string(input.shape()) + ", expected " +
                       std::to_string(picture) + " values a picture");
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(UnfoldGradient<T, M>{g.of(output), windows, g.add(input)});
  }
};

}  // namespace ops
}  // namespace coca
