#pragma once
/// @file
/// Cases of windows of pictures and of depthwise convolution, and of their gradients.

#include <cstddef>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr coca::Unfold window_cases[] = {
    {.channels = 3, .height = 32, .width = 32, .kernel = 16, .stride = 16},
    {.channels = 3, .height = 14, .width = 21, .kernel = 7, .stride = 7},
    {.channels = 1, .height = 5, .width = 6, .kernel = 1, .stride = 1},
    {.channels = 2, .height = 5, .width = 6, .kernel = 3, .stride = 1, .padding = 1},
    {.channels = 3, .height = 9, .width = 8, .kernel = 3, .stride = 2, .padding = 1},
    {.channels = 4, .height = 7, .width = 10, .kernel = 4, .stride = 3, .padding = 2},
    {.channels = 1, .height = 2, .width = 2, .kernel = 5, .stride = 1, .padding = 2},
    {.channels = 2, .height = 9, .width = 9, .kernel = 2, .stride = 3},     // gaps
    {.channels = 3, .height = 17, .width = 19, .kernel = 4, .stride = 4}};  // a rest is left out

/// Calls take(windows, shape of pictures, shape of windows) for each of them.
template <class Function>
void for_each_window_case(const Function& take) {
  for (coca::Unfold windows : window_cases)
    for (const bool channels_last : {false, true})
      for (const std::size_t batch : {1, 3}) {
        const coca::Unfold& w = windows;
        windows.channels_last = channels_last;
        take(windows,
             channels_last ? Shape{batch, w.height, w.width, w.channels}
                           : Shape{batch, w.channels, w.height, w.width},
             Shape{batch * w.rows() * w.columns(), w.channels * w.kernel * w.kernel});
      }
}

template <>
struct Cases<Judged<ops::Unfold>> {
  static void each(const Take<Judged<ops::Unfold>>& take) {
    Arguments with(9);
    for_each_window_case([&](const coca::Unfold& windows, const Shape& shape, const Shape& rows) {
      take({.input = with.normals(shape), .windows = windows, .output = with.out(rows)}, exactly);
    });
  }
};

template <>
struct Cases<Judged<ops::UnfoldGradient>> {
  static void each(const Take<Judged<ops::UnfoldGradient>>& take) {
    Arguments with(56);
    for_each_window_case([&](const coca::Unfold& windows, const Shape& shape, const Shape& rows) {
      take({.output_gradient = with.normals(rows),
            .windows = windows,
            .input_gradient = with.add(shape)},
           within_sum(25));
    });
  }
};

/// Calls take(windows, batch) for pictures whose channels are last.
template <class Function>
void for_each_depthwise_case(const Function& take) {
  for (coca::Unfold windows : window_cases)
    for (const std::size_t channels : {1, 5, 16, 33})
      for (const std::size_t batch : {1, 2}) {
        windows.channels = channels;
        windows.channels_last = true;
        take(windows, batch);
      }
}

template <>
struct Cases<Judged<ops::DepthwiseConvolution>> {
  static void each(const Take<Judged<ops::DepthwiseConvolution>>& take) {
    Arguments with(130);
    for_each_depthwise_case([&](const coca::Unfold& w, std::size_t batch) {
      take({.input = with.normals({batch, w.height * w.width, w.channels}),
            .weight = with.normals({w.channels, w.kernel, w.kernel}),
            .windows = w,
            .output = with.out({batch, w.rows() * w.columns(), w.channels})},
           within_sum(w.kernel * w.kernel));
    });
  }
};

template <>
struct Cases<Judged<ops::DepthwiseConvolutionGradient>> {
  static void each(const Take<Judged<ops::DepthwiseConvolutionGradient>>& take) {
    Arguments with(131);
    for (unsigned present = 0; present < 4; ++present)
      for_each_depthwise_case([&](const coca::Unfold& w, std::size_t batch) {
        take({.input = with.normals({batch, w.height * w.width, w.channels}),
              .weight = with.normals({w.channels, w.kernel, w.kernel}),
              .windows = w,
              .output_gradient = with.normals({batch, w.rows() * w.columns(), w.channels}),
              .input_gradient =
                  with.add((present & 1) != 0, {batch, w.height * w.width, w.channels}),
              .weight_gradient = with.add((present & 2) != 0, {w.channels, w.kernel, w.kernel})},
             within_sum(batch * w.rows() * w.columns() + w.kernel * w.kernel));
      });
  }
};

}  // namespace coca::testing
