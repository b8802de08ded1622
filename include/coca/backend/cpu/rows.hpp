#pragma once
/// @file
/// Moving rows: embedding, windows of pictures, tokens, gather and scatter.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu_context.hpp"
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

template <class Stored>
void run(const ops::Embed<float, HostMemory, Stored>& op, const CpuContext& context) {
  const std::size_t width = op.table.shape()[1], tokens = op.ids.shape().back();
  parallel_for(worthwhile_threads(context.threads, op.ids.size() * width / 4), op.ids.size(),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) {
                   const auto id = static_cast<std::size_t>(op.ids.data()[i]);
                   const Stored* word = op.table.data() + id * width;
                   const float* position = op.positions.data() + (op.first + i % tokens) * width;
                   dispatch<AddRowKernel<Stored>>(context.set, word, position,
                                                  op.output.data() + i * width, width);
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

inline void run(const ops::Unfold<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t batch =
      op.input.size() / (op.windows.channels * op.windows.height * op.windows.width);
  const std::size_t row =
      op.windows.columns() * op.windows.channels * op.windows.kernel * op.windows.kernel;
  const Unfolder unfolder(op.windows, op.input.data());
  parallel_for(worthwhile_threads(context.threads, op.output.size()), batch * op.windows.rows(),
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   unfolder.row_of_windows(i / op.windows.rows(), i % op.windows.rows(),
                                           op.output.data() + i * row);
               });
}

inline void run(const ops::WriteTokens<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t batch = op.output.shape()[0], length = op.output.shape()[1];
  const std::size_t tokens = op.source.shape()[1], width = op.output.shape()[2];
  const auto write = [&](std::size_t b, std::size_t t) {
    const float* from = op.source.data() + (op.source.shape()[0] == 1 ? t : b * tokens + t) * width;
    float* to = op.output.data() + (b * length + op.first + t) * width;
    if (op.positions)
      dispatch<AddRowKernel<float>>(context.set, from, op.positions.data() + (op.first + t) * width,
                                    to, width);
    else
      std::copy_n(from, width, to);
  };
  parallel_for(worthwhile_threads(context.threads, batch * tokens * width / 4), batch * tokens,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i) write(i / tokens, i % tokens);
               });
}

inline void run(const ops::GatherRows<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t width = op.input.shape().back();
  parallel_for(worthwhile_threads(context.threads, op.indices.size() * width / 4),
               op.indices.size(), [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   std::copy_n(
                       op.input.data() + static_cast<std::size_t>(op.indices.data()[i]) * width,
                       width, op.output.data() + i * width);
               });
}

/// Serial: if an index occurs twice,
/// the later row wins, as in the reference.
inline void run(const ops::ScatterRows<float, HostMemory>& op, const CpuContext&) {
  const std::size_t stride = op.input.rows.shape().back();
  for (std::size_t i = 0; i < op.indices.size(); ++i)
    std::copy_n(op.input.rows.data() + i * stride + op.input.first, op.input.width,
                op.output.data() + static_cast<std::size_t>(op.indices.data()[i]) * op.input.width);
}

}  // namespace coca::detail
