#pragma once
/// @file
/// Moving rows: embedding, windows of pictures, tokens, gather and scatter.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/simd.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/dtype.hpp"

namespace coca::detail {

/// output = a + b, `count` elements; Stored is float or bfloat16; `b` may be null.
template <class Stored>
struct AddRowKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Stored* a, const float* b, float* output,
                                                std::size_t count) {
    typename S::F x, y;
    std::size_t i = 0;
    for (; i + S::width <= count; i += S::width) {
      float values[S::width];
      for (std::size_t lane = 0; lane < S::width; ++lane)
        values[lane] = static_cast<float>(a[i + lane]);
      simd::load<S>(x, values);
      simd::load<S>(y, b + i);
      x = x + y;
      simd::store<S>(output + i, x);
    }
    for (; i < count; ++i) output[i] = static_cast<float>(a[i]) + b[i];
  }
};

/// See Backend's embed: table[id] + positions[first + token].
template <class Stored>
void embed(const Tensor<std::int32_t>& ids, const Tensor<Stored>& table,
           const Tensor<float>& positions, std::size_t first, const Tensor<float>& output,
           InstructionSet set, int threads) {
  const std::size_t width = table.shape()[1], tokens = ids.shape().back();
  parallel_for(worthwhile_threads(threads, ids.size() * width / 4), ids.size(),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   const auto id = static_cast<std::size_t>(ids.data()[i]);
                   const Stored* word = table.data() + id * width;
                   const float* position = positions.data() + (first + i % tokens) * width;
                   dispatch<AddRowKernel<Stored>>(set, word, position, output.data() + i * width,
                                                  width);
                 }
               });
}

/// One row of windows of one channel and picture.
class Unfolder {
 public:
  Unfolder(const Unfold& windows, const float* input) : w_(windows), input_(input) {}

  /// All windows of one row of one picture, [columns, channels * kernel * kernel].
  void row_of_windows(std::size_t picture, std::size_t row, float* out) const {
    for (std::size_t column = 0; column < w_.columns(); ++column)
      for (std::size_t channel = 0; channel < w_.channels; ++channel)
        for (std::size_t ky = 0; ky < w_.kernel; ++ky) {
          line(picture, channel, row * w_.stride + ky, column * w_.stride, out);
          out += w_.kernel;
        }
  }

 private:
  // One line of a window; coordinates count the padding.
  void line(std::size_t picture, std::size_t channel, std::size_t padded_y, std::size_t padded_x,
            float* out) const {
    const std::size_t y = padded_y - w_.padding;  // wraps around above the picture
    if (padded_y < w_.padding || y >= w_.height) {
      std::fill_n(out, w_.kernel, 0.0f);
      return;
    }
    const std::size_t pixel = w_.channels_last ? w_.channels : 1;
    const float* from =
        w_.channels_last ? input_ + (picture * w_.height + y) * w_.width * pixel + channel
                         : input_ + ((picture * w_.channels + channel) * w_.height + y) * w_.width;
    for (std::size_t kx = 0; kx < w_.kernel; ++kx) {
      const std::size_t x = padded_x + kx - w_.padding;
      out[kx] = padded_x + kx < w_.padding || x >= w_.width ? 0.0f : from[x * pixel];
    }
  }

  Unfold w_;
  const float* input_;
};

/// See Backend's unfold.
inline void unfold(const Tensor<float>& input, const Unfold& windows, const Tensor<float>& output,
                   int threads) {
  const std::size_t batch = input.size() / (windows.channels * windows.height * windows.width);
  const std::size_t row = windows.columns() * windows.channels * windows.kernel * windows.kernel;
  const Unfolder unfolder(windows, input.data());
  parallel_for(worthwhile_threads(threads, output.size()), batch * windows.rows(),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   unfolder.row_of_windows(i / windows.rows(), i % windows.rows(),
                                           output.data() + i * row);
               });
}

/// See Backend's write_tokens.
inline void write_tokens(const Tensor<float>& source, const Tensor<float>& positions,
                         std::size_t first, const Tensor<float>& output, InstructionSet set,
                         int threads) {
  const std::size_t batch = output.shape()[0], length = output.shape()[1];
  const std::size_t tokens = source.shape()[1], width = output.shape()[2];
  const auto write = [&](std::size_t b, std::size_t t) {
    const float* from = source.data() + (source.shape()[0] == 1 ? t : b * tokens + t) * width;
    float* to = output.data() + (b * length + first + t) * width;
    if (positions)
      dispatch<AddRowKernel<float>>(set, from, positions.data() + (first + t) * width, to, width);
    else
      std::copy_n(from, width, to);
  };
  parallel_for(worthwhile_threads(threads, batch * tokens * width / 4), batch * tokens,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) write(i / tokens, i % tokens);
               });
}

/// output[i] = input row indices[i].
inline void gather_rows(const Tensor<float>& input, const Tensor<std::int32_t>& indices,
                        const Tensor<float>& output, int threads) {
  const std::size_t width = input.shape().back();
  parallel_for(worthwhile_threads(threads, indices.size() * width / 4), indices.size(),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   std::copy_n(input.data() + static_cast<std::size_t>(indices.data()[i]) * width,
                               width, output.data() + i * width);
               });
}

/// output row indices[i] = the chosen columns of input row i. Serial: if an index occurs twice,
/// the later row wins, as in the reference.
inline void scatter_rows(const Columns<float, HostMemory>& input,
                         const Tensor<std::int32_t>& indices, const Tensor<float>& output) {
  const std::size_t stride = input.rows.shape().back();
  for (std::size_t i = 0; i < indices.size(); ++i)
    std::copy_n(input.rows.data() + i * stride + input.first, input.width,
                output.data() + static_cast<std::size_t>(indices.data()[i]) * input.width);
}

}  // namespace coca::detail
