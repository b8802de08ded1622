#pragma once
/// @file
/// Windows of pictures on the reference backend.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

namespace coca {

namespace detail {

/// Calls `use(index in the array of pictures)` for the pixel at a place of the padded picture,
/// unless that is padding.
template <class Use>
void visit_pixel(const Unfold& windows, std::size_t b, std::size_t channel, std::size_t padded_y,
                 std::size_t padded_x, const Use& use) {
  if (padded_y < windows.padding || padded_x < windows.padding) return;
  const std::size_t y = padded_y - windows.padding, x = padded_x - windows.padding;
  if (y >= windows.height || x >= windows.width) return;
  use(windows.channels_last
          ? ((b * windows.height + y) * windows.width + x) * windows.channels + channel
          : ((b * windows.channels + channel) * windows.height + y) * windows.width + x);
}

/// Calls `use(element of the unfolded rows, index of its pixel)` for all that have one.
template <class Use>
void visit_windows(const Unfold& windows, std::size_t batch, const Use& use) {
  std::size_t element = 0;
  for (std::size_t b = 0; b < batch; ++b)
    for (std::size_t row = 0; row < windows.rows(); ++row)
      for (std::size_t column = 0; column < windows.columns(); ++column)
        for (std::size_t channel = 0; channel < windows.channels; ++channel)
          for (std::size_t ky = 0; ky < windows.kernel; ++ky)
            for (std::size_t kx = 0; kx < windows.kernel; ++kx, ++element)
              visit_pixel(windows, b, channel, row * windows.stride + ky,
                          column * windows.stride + kx,
                          [&](std::size_t index) { use(element, index); });
}

}  // namespace detail

/// Unfolded windows and depthwise convolution as plain loops; sums are kept in double.
template <class T>
class ReferenceConvolutions {
 public:
  /// -> output [batch * rows * columns, channels * kernel * kernel], columns ordered channel, y, x.
  void run(const ops::Unfold<T, HostMemory>& op) const {
    const std::size_t batch =
        op.input.size() / (op.windows.channels * op.windows.height * op.windows.width);
    std::fill_n(op.output.data(), op.output.size(), T{0});
    detail::visit_windows(op.windows, batch, [&](std::size_t element, std::size_t pixel) {
      op.output.data()[element] = op.input.data()[pixel];
    });
  }

  /// d pixel += d output of every window that it is in.
  void run(const ops::UnfoldGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t batch =
        op.input_gradient.size() / (op.windows.channels * op.windows.height * op.windows.width);
    detail::visit_windows(op.windows, batch, [&](std::size_t element, std::size_t pixel) {
      op.input_gradient.data()[pixel] += op.output_gradient.data()[element];
    });
  }

  /// output[window, c] = sum over the window of input[pixel, c] weight[c, place].
  void run(const ops::DepthwiseConvolution<T, HostMemory>& op) const {
    const std::size_t window = op.windows.kernel * op.windows.kernel;
    std::vector<double> sums(op.output.size());
    detail::visit_windows(op.windows, op.input.shape()[0], [&](std::size_t i, std::size_t pixel) {
      // Of the unfolded windows: element i is place i % window of channel i / window.
      const std::size_t channel = i / window % op.windows.channels;
      sums[i / window] +=
          double{op.input.data()[pixel]} * double{op.weight.data()[channel * window + i % window]};
    });
    for (std::size_t i = 0; i < sums.size(); ++i) op.output.data()[i] = static_cast<T>(sums[i]);
  }

  /// d input[pixel, c] += d output[window, c] weight[c, place], d weight in the same way.
  void run(const ops::DepthwiseConvolutionGradient<T, HostMemory>& op) const {
    const std::size_t window = op.windows.kernel * op.windows.kernel;
    std::vector<double> inputs(op.input.size()), weights(op.weight.size());
    detail::visit_windows(op.windows, op.input.shape()[0], [&](std::size_t i, std::size_t pixel) {
      const std::size_t place = i / window % op.windows.channels * window + i % window;
      const double gradient = op.output_gradient.data()[i / window];
      inputs[pixel] += gradient * op.weight.data()[place];
      weights[place] += gradient * op.input.data()[pixel];
    });
    detail::add_sums(inputs, op.input_gradient);
    detail::add_sums(weights, op.weight_gradient);
  }
};

}  // namespace coca
