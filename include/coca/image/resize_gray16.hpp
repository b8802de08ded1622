#pragma once
/// @file
/// Pillow's resampling of 16-bit gray (mode I;16): the same filters as in resize.hpp, summed in
/// double precision. Only preprocessing exactly as in OpenCLIP needs it.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "coca/image/resize.hpp"

namespace coca {

namespace detail {

/// Samples that lie `step` bytes apart.
struct Gray16Input {
  const std::uint8_t* first;
  std::size_t step;
};

/// One output: the weighted sum of its inputs, rounded and clipped to 16 bits.
inline void resample_gray16(const Gray16Input& input, const double* weights, std::size_t count,
                            std::uint8_t* out) {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* sample = input.first + i * input.step;
    sum += (sample[0] | sample[1] << 8) * weights[i];
  }
  const auto rounded = static_cast<unsigned>(std::clamp(std::floor(sum + 0.5), 0.0, 65535.0));
  out[0] = static_cast<std::uint8_t>(rounded & 0xFF);
  out[1] = static_cast<std::uint8_t>(rounded >> 8);
}

/// The two passes over little-endian 16-bit samples, which a Raster holds as two channels.
struct Gray16Passes {
  static std::vector<std::uint8_t> scale_columns(const Raster& in, const AxisScale& axis,
                                                 std::size_t left, std::size_t count) {
    std::vector<std::uint8_t> out(in.height * count * 2);
    for (std::size_t done = 0; done < count;) {
      const AxisWeights table = axis.weights(left + done, count - done);
      for (std::size_t y = 0; y < in.height; ++y) {
        std::uint8_t* target = &out[(y * count + done) * 2];
        for (const AxisWeights::Output& output : table.outputs) {
          const std::size_t first = y * in.width + output.first_input;
          resample_gray16({&in.samples[first * 2], 2}, &table.weights[output.first_weight],
                          output.count, target);
          target += 2;
        }
      }
      done += table.outputs.size();
    }
    return out;
  }

  static std::vector<std::uint8_t> scale_rows(const Raster& in, const AxisScale& axis,
                                              std::size_t top, std::size_t count,
                                              std::size_t first_row) {
    std::vector<std::uint8_t> out(count * in.width * 2);
    std::uint8_t* target = out.data();
    for (std::size_t done = 0; done < count;) {
      const AxisWeights table = axis.weights(top + done, count - done);
      for (const AxisWeights::Output& output : table.outputs) {
        for (std::size_t x = 0; x < in.width; ++x) {
          const std::size_t first = (output.first_input - first_row) * in.width + x;
          resample_gray16({&in.samples[first * 2], in.width * 2},
                          &table.weights[output.first_weight], output.count, target);
          target += 2;
        }
      }
      done += table.outputs.size();
    }
    return out;
  }
};

}  // namespace detail

/// Like resize_window, for little-endian 16-bit gray: `in` has 2 "channels", the two bytes of a
/// sample.
/// @throws ArgumentError like resize_window.
inline std::vector<std::uint8_t> resize_gray16_window(const Raster& in, std::size_t width,
                                                      std::size_t height,
                                                      Interpolation interpolation,
                                                      const PixelWindow& window) {
  if (in.channels != 2) throw ArgumentError("a 16-bit gray picture has 2 bytes per pixel");
  return detail::resize_window_by<detail::Gray16Passes>(in, width, height, interpolation, window);
}

}  // namespace coca
