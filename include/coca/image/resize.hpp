#pragma once
/// @file
/// Pillow's antialiased resampling, identical in every pixel: a filter that widens with the
/// scale, one pass per axis, 8-bit results rounded after each, weights as integers with 22
/// fractional bits (Pillow 13, src/libImaging/Resample.c). The horizontal pass comes first, except
/// if the height loses more than twice as many pixels as the width; before version 13 it always
/// came first, which moves some pixels of such pictures by a few levels.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/image/image.hpp"

namespace coca {

/// How values between pixels are interpolated.
enum class Interpolation { nearest, bilinear, bicubic };

/// A rectangle of a picture, in pixels.
struct PixelWindow {
  std::size_t left = 0;
  std::size_t top = 0;
  std::size_t width = 0;
  std::size_t height = 0;
};

/// Samples to be resized, [height, width, channels], 8 bits each.
struct Raster {
  std::span<const std::uint8_t> samples;
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t channels = 3;  ///< 1 to 4
};

namespace detail {

/// Half the width of the filter, in pixels of the smaller of input and output.
constexpr double filter_support(Interpolation interpolation) noexcept {
  return interpolation == Interpolation::bicubic ? 2.0 : 1.0;
}

/// Cubic convolution with a = -0.5: (a+2)|x|^3 - (a+3)|x|^2 + 1 up to 1, a(|x|^3 - 5|x|^2 + 8|x| -
/// 4) up to 2; in the order of operations of Pillow, for equal rounding.
inline double bicubic_filter(double x) noexcept {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

inline double bilinear_filter(double x) noexcept { return std::max(0.0, 1.0 - std::abs(x)); }

/// The inputs of each of some consecutive outputs along one axis, and their weights, which sum
/// to 1.
struct AxisWeights {
  struct Output {
    std::size_t first_input = 0;
    std::size_t first_weight = 0;
    std::size_t count = 0;
  };
  std::vector<Output> outputs;
  std::vector<double> weights;
};

/// One axis: `input` pixels become `output` pixels, of which a window is wanted.
struct AxisScale {
  std::size_t input = 0;
  std::size_t output = 0;
  Interpolation interpolation = Interpolation::bicubic;

  double scale() const noexcept {
    // Pillow keeps the box that it resizes in single precision.
    return static_cast<double>(static_cast<float>(input)) / static_cast<double>(output);
  }

  /// Weights of the outputs from `begin` on: `count` of them, fewer when they fill the memory meant
  /// for one table (pictures with sides of hundreds of thousands of pixels).
  AxisWeights weights(std::size_t begin, std::size_t count) const {
    constexpr std::size_t table_size = std::size_t{1} << 20;
    AxisWeights table;
    table.outputs.reserve(std::min(count, table_size));
    while (table.outputs.size() < count && table.weights.size() < table_size) {
      append(begin + table.outputs.size(), table);
    }
    return table;
  }

 private:
  void append(std::size_t index, AxisWeights& table) const {
    const double filter_scale = std::max(scale(), 1.0);
    const double support = filter_support(interpolation) * filter_scale;
    const double center = (static_cast<double>(index) + 0.5) * scale();
    const double size = static_cast<double>(input);
    const double low = std::trunc(std::clamp(center - support + 0.5, 0.0, size));
    const double high = std::trunc(std::clamp(center + support + 0.5, low, size));
    AxisWeights::Output out{static_cast<std::size_t>(low), table.weights.size(),
                            static_cast<std::size_t>(high - low)};
    double total = 0.0;
    for (std::size_t i = 0; i < out.count; ++i) {
      const double x = (static_cast<double>(i) + low - center + 0.5) * (1.0 / filter_scale);
      const double weight =
          interpolation == Interpolation::bicubic ? bicubic_filter(x) : bilinear_filter(x);
      table.weights.push_back(weight);
      total += weight;
    }
    for (std::size_t i = 0; total != 0.0 && i < out.count; ++i) {
      table.weights[out.first_weight + i] /= total;
    }
    table.outputs.push_back(out);
  }
};

inline constexpr int weight_bits = 32 - 8 - 2;  // 8 of the sample, 2 for overshoot of the filter

inline std::vector<std::int32_t> fixed_point(const std::vector<double>& weights) {
  std::vector<std::int32_t> fixed(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double scaled = weights[i] * (1 << weight_bits);
    fixed[i] = static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  }
  return fixed;
}

inline std::uint8_t round_sample(std::int32_t sum) noexcept {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

inline constexpr std::int32_t rounding = 1 << (weight_bits - 1);

/// Horizontal pass over some rows: [rows, width, Channels] to columns of [rows, columns, Channels].
template <std::size_t Channels>
void resample_columns(const Raster& in, const AxisWeights& table, std::uint8_t* out,
                      std::size_t out_stride) {
  const std::vector<std::int32_t> fixed = fixed_point(table.weights);
  for (std::size_t y = 0; y < in.height; ++y) {
    const std::uint8_t* row = in.samples.data() + y * in.width * Channels;
    std::uint8_t* target = out + y * out_stride;
    for (const AxisWeights::Output& output : table.outputs) {
      std::array<std::int32_t, Channels> sums;
      sums.fill(rounding);
      const std::int32_t* weight = fixed.data() + output.first_weight;
      const std::uint8_t* pixel = row + output.first_input * Channels;
      for (std::size_t i = 0; i < output.count; ++i) {
        for (std::size_t c = 0; c < Channels; ++c) sums[c] += weight[i] * pixel[i * Channels + c];
      }
      for (std::size_t c = 0; c < Channels; ++c) *target++ = round_sample(sums[c]);
    }
  }
}

inline void resample_columns(const Raster& in, const AxisWeights& table, std::uint8_t* out,
                             std::size_t out_stride) {
  switch (in.channels) {
    case 1:
      return resample_columns<1>(in, table, out, out_stride);
    case 2:
      return resample_columns<2>(in, table, out, out_stride);
    case 3:
      return resample_columns<3>(in, table, out, out_stride);
    default:
      return resample_columns<4>(in, table, out, out_stride);
  }
}

/// Vertical pass: rows of [height, row samples] to [outputs, row samples]; the table counts the
/// rows of a picture of which `in` begins at row `first_row`.
inline void resample_rows(const Raster& in, const AxisWeights& table, std::size_t first_row,
                          std::uint8_t* out) {
  const std::vector<std::int32_t> fixed = fixed_point(table.weights);
  const std::size_t row_size = in.width * in.channels;
  std::vector<std::int32_t> sums(row_size);
  for (const AxisWeights::Output& output : table.outputs) {
    std::fill(sums.begin(), sums.end(), rounding);
    for (std::size_t i = 0; i < output.count; ++i) {
      const std::int32_t weight = fixed[output.first_weight + i];
      const std::uint8_t* row = in.samples.data() + (output.first_input + i - first_row) * row_size;
      for (std::size_t x = 0; x < row_size; ++x) sums[x] += weight * row[x];
    }
    for (std::size_t x = 0; x < row_size; ++x) *out++ = round_sample(sums[x]);
  }
}

/// The two passes over 8-bit samples.
struct SamplePasses {
  /// Columns `left` to `left + count` of the scaled picture.
  static std::vector<std::uint8_t> scale_columns(const Raster& in, const AxisScale& axis,
                                                 std::size_t left, std::size_t count) {
    const std::size_t stride = count * in.channels;
    std::vector<std::uint8_t> out(in.height * stride);
    for (std::size_t done = 0; done < count;) {
      const AxisWeights table = axis.weights(left + done, count - done);
      resample_columns(in, table, out.data() + done * in.channels, stride);
      done += table.outputs.size();
    }
    return out;
  }

  /// Rows `top` to `top + count` of the scaled picture, of which `in` begins at row `first_row`.
  static std::vector<std::uint8_t> scale_rows(const Raster& in, const AxisScale& axis,
                                              std::size_t top, std::size_t count,
                                              std::size_t first_row) {
    const std::size_t stride = in.width * in.channels;
    std::vector<std::uint8_t> out(count * stride);
    for (std::size_t done = 0; done < count;) {
      const AxisWeights table = axis.weights(top + done, count - done);
      resample_rows(in, table, first_row, out.data() + done * stride);
      done += table.outputs.size();
    }
    return out;
  }
};

/// Input index of each wanted output; Pillow adds up the step instead of multiplying.
inline std::vector<std::size_t> nearest_indices(const AxisScale& axis, std::size_t begin,
                                                std::size_t count) {
  std::vector<std::size_t> indices(count);
  double position = axis.scale() * 0.5;
  for (std::size_t i = 0; i < begin + count; ++i, position += axis.scale()) {
    if (i >= begin) indices[i - begin] = static_cast<std::size_t>(position);
  }
  return indices;
}

inline std::vector<std::uint8_t> resize_nearest(const Raster& in, const AxisScale& columns,
                                                const AxisScale& rows, const PixelWindow& window) {
  const auto xs = nearest_indices(columns, window.left, window.width);
  const auto ys = nearest_indices(rows, window.top, window.height);
  std::vector<std::uint8_t> out(window.width * window.height * in.channels);
  std::uint8_t* target = out.data();
  for (const std::size_t y : ys) {
    for (const std::size_t x : xs) {
      // Positions that rounding moved outside the picture stay zero, as in Pillow.
      if (x < in.width && y < in.height) {
        std::copy_n(in.samples.data() + (y * in.width + x) * in.channels, in.channels, target);
      }
      target += in.channels;
    }
  }
  return out;
}

/// Cuts a window out of samples that keep their size.
inline std::vector<std::uint8_t> cut_window(const Raster& in, const PixelWindow& window) {
  std::vector<std::uint8_t> out(window.width * window.height * in.channels);
  for (std::size_t y = 0; y < window.height; ++y) {
    const std::size_t first = ((window.top + y) * in.width + window.left) * in.channels;
    std::copy_n(in.samples.data() + first, window.width * in.channels,
                out.data() + y * window.width * in.channels);
  }
  return out;
}

/// The rows of `in` that the vertical pass of a window reads, as first and count.
inline std::pair<std::size_t, std::size_t> rows_needed(const AxisScale& rows, std::size_t top,
                                                       std::size_t count) {
  if (rows.input == rows.output) return {top, count};
  const AxisWeights::Output first = rows.weights(top, 1).outputs[0];
  const AxisWeights::Output last = rows.weights(top + count - 1, 1).outputs[0];
  return {first.first_input, last.first_input + last.count - first.first_input};
}

/// Pillow 13's rule: whichever order makes the second pass cheap.
inline bool vertical_pass_first(const AxisScale& columns, const AxisScale& rows) noexcept {
  if (rows.output >= rows.input) return false;
  const std::size_t lost_rows = rows.input - rows.output;
  return columns.output >= columns.input || lost_rows > 2 * (columns.input - columns.output);
}

/// Both passes. An axis that keeps its size is not filtered, as in Pillow; it is only cropped.
template <typename Passes>
std::vector<std::uint8_t> resize_filtered(const Raster& in, const AxisScale& columns,
                                          const AxisScale& rows, const PixelWindow& window) {
  if (window.width == 0 || window.height == 0) return {};
  const auto scale_or_cut_columns = [&](const Raster& raster) {
    if (columns.input != columns.output) {
      return Passes::scale_columns(raster, columns, window.left, window.width);
    }
    return cut_window(raster, {window.left, 0, window.width, raster.height});
  };
  if (vertical_pass_first(columns, rows)) {
    const auto low = Passes::scale_rows(in, rows, window.top, window.height, 0);
    return scale_or_cut_columns({low, in.width, window.height, in.channels});
  }
  const auto [first_row, row_count] = rows_needed(rows, window.top, window.height);
  const std::size_t row_size = in.width * in.channels;
  std::vector<std::uint8_t> narrow =
      scale_or_cut_columns({in.samples.subspan(first_row * row_size, row_count * row_size),
                            in.width, row_count, in.channels});
  if (rows.input == rows.output) return narrow;
  return Passes::scale_rows({narrow, window.width, row_count, in.channels}, rows, window.top,
                            window.height, first_row);
}

/// @throws ArgumentError for empty extents, a window outside them, or samples that do not fit.
inline void check_resize(const Raster& in, std::size_t width, std::size_t height,
                         Interpolation interpolation, const PixelWindow& window) {
  const auto extents = [](std::size_t w, std::size_t h) {
    return std::to_string(w) + " x " + std::to_string(h);
  };
  // nearest_indices() takes time in proportion to the side, the filters in proportion to the
  // window.
  const std::size_t max_side =
      interpolation == Interpolation::nearest ? 0x7FFFFFFF : std::size_t{1} << 40;
  if (in.width == 0 || in.height == 0 || width == 0 || height == 0 || width > max_side ||
      height > max_side) {
    throw ArgumentError("a picture of " + extents(in.width, in.height) +
                        " pixels cannot be resized to " + extents(width, height));
  }
  if (in.channels < 1 || in.channels > 4 ||
      in.samples.size() != in.width * in.height * in.channels) {
    throw ArgumentError("resizing: " + counted(in.samples.size(), "sample") +
                        " are not a picture of " + extents(in.width, in.height) + " pixels of " +
                        counted(in.channels, "channel") + " (1 to 4)");
  }
  if (window.left > width || window.width > width - window.left || window.top > height ||
      window.height > height - window.top) {
    throw ArgumentError("a window of " + extents(window.width, window.height) + " pixels at (" +
                        std::to_string(window.left) + ", " + std::to_string(window.top) +
                        ") lies outside a picture of " + extents(width, height));
  }
}

template <typename Passes>
std::vector<std::uint8_t> resize_window_by(const Raster& in, std::size_t width, std::size_t height,
                                           Interpolation interpolation, const PixelWindow& window) {
  check_resize(in, width, height, interpolation, window);
  const AxisScale columns{in.width, width, interpolation};
  const AxisScale rows{in.height, height, interpolation};
  if (width == in.width && height == in.height) return cut_window(in, window);
  if (interpolation == Interpolation::nearest) return resize_nearest(in, columns, rows, window);
  return resize_filtered<Passes>(in, columns, rows, window);
}

}  // namespace detail

/// A window of the picture resized to width x height: what resizing all of it and cutting would
/// give, without computing the rest.
/// @return [window.height, window.width, channels]
/// @throws ArgumentError for extents, windows or samples that do not fit together.
inline std::vector<std::uint8_t> resize_window(const Raster& in, std::size_t width,
                                               std::size_t height, Interpolation interpolation,
                                               const PixelWindow& window) {
  return detail::resize_window_by<detail::SamplePasses>(in, width, height, interpolation, window);
}

/// The picture resized to width x height. @throws ArgumentError if one of the extents is zero.
inline Image resize(const Image& image, std::size_t width, std::size_t height,
                    Interpolation interpolation = Interpolation::bicubic) {
  const Raster raster{image.pixels(), image.width(), image.height(), Image::channels};
  return Image(width, height,
               resize_window(raster, width, height, interpolation, {0, 0, width, height}));
}

}  // namespace coca
