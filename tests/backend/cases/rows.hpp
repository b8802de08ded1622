#pragma once
/// @file
/// Cases of operations that move rows, and of their gradients.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t row_widths[] = {1, 3, 17, 33, 65, 130, 768};

// One rounding.
template <>
struct Cases<ops::EmbedOn<Judge>> {
  static void each(const Take<ops::EmbedOn<Judge>>& take) {
    Arguments with(8);
    for (const std::size_t width : {1, 7, 48, 129})
      for (const std::size_t first : {0, 3})
        take({.ids = with.ids({0, 10, 5, 5, 1, 2, 3, 4, 10, 0, 9, 7}, {3, 4}),
              .table = with.stored({11, width}),
              .positions = with.normals({first + 4, width}),
              .first = first,
              .output = with.out({3, 4, width})},
             within(16 * u));
  }
};

template <>
struct Cases<Judged<ops::EmbedGradient>> {
  static void each(const Take<Judged<ops::EmbedGradient>>& take) {
    Arguments with(55);
    for (const std::size_t width : row_widths)
      for (const std::size_t first : {0, 3})
        for (const bool with_table : {true, false})
          for (const bool with_positions : {true, false})
            take({.ids = with.ids_below(10, {5, 7}),
                  .output_gradient = with.normals({5, 7, width}),
                  .first = first,
                  .table_gradient = with.add(with_table, {11, width}),
                  .positions_gradient = with.add(with_positions, {first + 7 + 2, width})},
                 within_sum(5));
  }
};

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

// What is not written stays NaN; a sum is one rounding.
template <>
struct Cases<Judged<ops::WriteTokens>> {
  static void each(const Take<Judged<ops::WriteTokens>>& take) {
    Arguments with(10);
    for (const std::size_t width : {1, 7, 48})
      for (const std::size_t sources : {1, 3})
        for (const std::size_t tokens : {1, 4})
          for (const std::size_t first : {0, 2})
            for (const bool with_positions : {false, true}) {
              const HostArray positions =
                  with_positions ? with.normals({first + tokens, width}) : HostArray();
              take({.source = with.normals({sources, tokens, width}),
                    .positions = positions,
                    .first = first,
                    .output = ops::InOut(with.out({3, 7, width}).tensor())},
                   within(16 * u));
            }
  }
};

template <>
struct Cases<Judged<ops::WriteTokensGradient>> {
  static void each(const Take<Judged<ops::WriteTokensGradient>>& take) {
    Arguments with(57);
    for (const std::size_t width : row_widths)
      for (const std::size_t sources : {0, 1, 3})
        for (const std::size_t tokens : {1, 4})
          for (const std::size_t first : {0, 2})
            for (const bool with_positions : {false, true})
              take({.output_gradient = with.normals({3, 7, width}),
                    .first = first,
                    .tokens = tokens,
                    .source_gradient = with.add(sources != 0, {sources, tokens, width}),
                    .positions_gradient = with.add(with_positions, {7, width})},
                   within_sum(3));
  }
};

template <>
struct Cases<Judged<ops::GatherRows>> {
  static void each(const Take<Judged<ops::GatherRows>>& take) {
    Arguments with(11);
    for (const std::size_t width : {1, 5, 16, 129})
      take({.input = with.normals({6, width}),
            .indices = with.ids({5, 0, 3, 3, 2, 5, 0, 1, 4}, {9}),
            .output = with.out({9, width})},
           exactly);
  }
};

template <>
struct Cases<Judged<ops::GatherRowsGradient>> {
  static void each(const Take<Judged<ops::GatherRowsGradient>>& take) {
    Arguments with(59);
    for (const std::size_t width : row_widths)
      take({.output_gradient = with.normals({9, width}),
            .indices = with.ids({5, 0, 3, 3, 2, 5, 0, 1, 5}, {9}),  // 4 is not read
            .input_gradient = with.add({6, width})},
           within_sum(3));
  }
};

// Other rows stay NaN.
template <>
struct Cases<Judged<ops::ScatterRows>> {
  static void each(const Take<Judged<ops::ScatterRows>>& take) {
    Arguments with(12);
    for (const std::size_t width : {1, 5, 16, 129})
      for (const std::size_t first : {std::size_t{0}, std::size_t{3}, width})
        take({.input = {with.normals({4, first + width + 2}), first, width},
              .indices = with.ids({8, 0, 5, 2}, {4}),
              .output = ops::InOut(with.out({9, width}).tensor())},
             exactly);
  }
};

}  // namespace coca::testing
