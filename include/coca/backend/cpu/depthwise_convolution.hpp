#pragma once
/// @file
/// Convolution of each channel with separate weights, a vector of channels at a time.

#include <algorithm>
#include <cstddef>

#include "coca/backend/cpu/columns.hpp"
#include "coca/backend/cpu/rows_gradient.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// Weights [channels, places] as [places, channels] in scratch memory, and back.
class DepthwiseWeights {
 public:
  DepthwiseWeights(std::size_t channels, std::size_t places)
      : channels_(channels),
        places_(places),
        values_(scratch<DepthwiseWeights>().get<float>(channels * places + 1)) {}

  float* at(std::size_t place) const { return values_ + place * channels_; }
  void read(const float* weight) const {
    for (std::size_t c = 0; c < channels_; ++c)
      for (std::size_t p = 0; p < places_; ++p) at(p)[c] = weight[c * places_ + p];
  }
  void add_to(float* gradient) const {
    for (std::size_t c = 0; c < channels_; ++c)
      for (std::size_t p = 0; p < places_; ++p) gradient[c * places_ + p] += at(p)[c];
  }

 private:
  std::size_t channels_, places_;
  float* values_;
};

/// Calls use(place, pixel of the picture) for all places of a window that are in the picture.
template <class Use>
void visit_window(const Unfold& w, std::size_t row, std::size_t column, const Use& use) {
  for (std::size_t ky = 0; ky < w.kernel; ++ky)
    for (std::size_t kx = 0; kx < w.kernel; ++kx) {
      const std::size_t y = row * w.stride + ky, x = column * w.stride + kx;  // with the padding
      if (y < w.padding || y - w.padding >= w.height) continue;
      if (x < w.padding || x - w.padding >= w.width) continue;
      use(ky * w.kernel + kx, (y - w.padding) * w.width + x - w.padding);
    }
}

/// output[c] += left[c] right[c] for channels [begin, end).
inline void multiply_add(const float* left, const float* right, float* output, std::size_t begin,
                         std::size_t end, InstructionSet set) {
  dispatch<EachVectorKernel<ProductStep>>(
      set, ProductStep{left, right, nullptr, output, Write::add}, begin, end);
}

inline void run(const ops::DepthwiseConvolution<float, HostMemory>& op, const CpuContext& context) {
  const Unfold& w = op.windows;
  const std::size_t channels = w.channels, picture = w.height * w.width * channels;
  const DepthwiseWeights weights(channels, w.kernel * w.kernel);
  weights.read(op.weight.data());
  const std::size_t columns = w.columns(), rows = w.rows();
  parallel_for(worthwhile_threads(context.threads, op.output.size() * w.kernel * w.kernel / 4),
               op.input.shape()[0] * rows, [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin * columns; i < end * columns; ++i) {
                   const float* input = op.input.data() + i / (rows * columns) * picture;
                   float* output = op.output.data() + i * channels;
                   std::fill_n(output, channels, 0.0f);
                   visit_window(w, i / columns % rows, i % columns,
                                [&](std::size_t place, std::size_t pixel) {
                                  multiply_add(input + pixel * channels, weights.at(place), output,
                                               0, channels, context.set);
                                });
                 }
               });
}

/// Threads share the channels, so that sums do not depend on their number.
inline void run(const ops::DepthwiseConvolutionGradient<float, HostMemory>& op,
                const CpuContext& context) {
  const Unfold& w = op.windows;
  const std::size_t channels = w.channels, picture = w.height * w.width * channels;
  const std::size_t columns = w.columns(), rows = w.rows();
  const std::size_t windows = op.input.shape()[0] * rows * columns;
  // Calls use(place, offset of the pixel, gradient of the window) for all windows.
  const auto for_each = [&](const auto& use) {
    for (std::size_t i = 0; i < windows; ++i)
      visit_window(w, i / columns % rows, i % columns, [&](std::size_t place, std::size_t pixel) {
        use(place, i / (rows * columns) * picture + pixel * channels,
            op.output_gradient.data() + i * channels);
      });
  };
  const DepthwiseWeights weights(channels, w.kernel * w.kernel);
  if (op.input_gradient) {
    weights.read(op.weight.data());
    for_columns(windows * w.kernel, channels, context, [&](std::size_t begin, std::size_t end) {
      for_each([&](std::size_t place, std::size_t pixel, const float* gradient) {
        multiply_add(gradient, weights.at(place), op.input_gradient.data() + pixel, begin, end,
                     context.set);
      });
    });
  }
  if (!op.weight_gradient) return;
  std::fill_n(weights.at(0), op.weight.size(), 0.0f);
  for_columns(windows * w.kernel, channels, context, [&](std::size_t begin, std::size_t end) {
    for_each([&](std::size_t place, std::size_t pixel, const float* gradient) {
      multiply_add(gradient, op.input.data() + pixel, weights.at(place), begin, end, context.set);
    });
  });
  weights.add_to(op.weight_gradient.data());
}

}  // namespace coca::detail
