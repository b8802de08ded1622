#pragma once
/// @file
/// The gradients of the operations in rows.hpp: rows are added where they came from.
///
/// Several rows may have come from one place, so threads share columns, not rows: each adds all
/// rows in order to its own columns.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// Calls function(begin, end) for ranges of columns, whole cache lines of them.
template <class Function>
void for_columns(std::size_t rows, std::size_t width, const CpuContext& context,
                 const Function& function) {
  constexpr std::size_t line = 16;
  const std::size_t lines = (width + line - 1) / line;
  parallel_for(worthwhile_threads(context.threads, rows * width / 4), lines,
               [&](std::size_t begin, std::size_t end) {
                 function(begin * line, std::min(width, end * line));
               });
}

/// Columns [begin, end) of `to` += those of `from`.
inline void add_columns(const float* from, float* to, std::size_t begin, std::size_t end,
                        InstructionSet set) {
  dispatch<EachVectorKernel<AddStep>>(set, AddStep{from, to}, begin, end);
}

/// See DifferentiableBackend's embed_gradient.
inline void embed_gradient(const Tensor<std::int32_t>& ids, const Tensor<float>& output_gradient,
                           std::size_t first, const Tensor<float>& table_gradient,
                           const Tensor<float>& positions_gradient, const CpuContext& context) {
  const std::size_t tokens = ids.shape().back();
  if (ids.size() == 0) return;
  const std::size_t width = output_gradient.size() / ids.size();
  const auto add_range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const float* from = output_gradient.data() + i * width;
      const auto id = static_cast<std::size_t>(ids.data()[i]);
      if (table_gradient)
        add_columns(from, table_gradient.data() + id * width, begin, end, context.set);
      if (positions_gradient)
        add_columns(from, positions_gradient.data() + (first + i % tokens) * width, begin, end,
                    context.set);
    }
  };
  for_columns(ids.size(), width, context, add_range);
}

/// See DifferentiableBackend's write_tokens_gradient. Without a gradient of the source the tokens
/// are those that positions and output both have.
inline void write_tokens_gradient(const Tensor<float>& output_gradient, std::size_t first,
                                  const Tensor<float>& source_gradient,
                                  const Tensor<float>& positions_gradient,
                                  const CpuContext& context) {
  if (!source_gradient && !positions_gradient) return;
  const std::size_t batch = output_gradient.shape()[0], length = output_gradient.shape()[1];
  const std::size_t width = output_gradient.shape()[2];
  const std::size_t tokens = source_gradient
                                 ? source_gradient.shape()[1]
                                 : std::min(length, positions_gradient.size() / width) - first;
  const bool shared = source_gradient && source_gradient.shape()[0] == 1;
  const auto add_range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < batch * tokens; ++i) {
      const std::size_t b = i / tokens, t = i % tokens;
      const float* from = output_gradient.data() + (b * length + first + t) * width;
      if (source_gradient)
        add_columns(from, source_gradient.data() + (shared ? t : i) * width, begin, end,
                    context.set);
      if (positions_gradient)
        add_columns(from, positions_gradient.data() + (first + t) * width, begin, end, context.set);
    }
  };
  for_columns(batch * tokens, width, context, add_range);
}

/// Input gradient row indices[i] += output gradient row i.
inline void gather_rows_gradient(const Tensor<float>& output_gradient,
                                 const Tensor<std::int32_t>& indices,
                                 const Tensor<float>& input_gradient, const CpuContext& context) {
  if (!input_gradient) return;
  const std::size_t width = input_gradient.shape().back();
  const auto add_range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < indices.size(); ++i)
      add_columns(output_gradient.data() + i * width,
                  input_gradient.data() + static_cast<std::size_t>(indices.data()[i]) * width,
                  begin, end, context.set);
  };
  for_columns(indices.size(), width, context, add_range);
}

/// Adds windows back to where Unfolder took them from.
class Folder {
 public:
  Folder(const Unfold& windows, float* picture_gradient) : w_(windows), to_(picture_gradient) {}

  /// All windows of one picture, [rows * columns, channels * kernel * kernel].
  void add(const float* from) const {
    for (std::size_t row = 0; row < w_.rows(); ++row)
      for (std::size_t column = 0; column < w_.columns(); ++column)
        for (std::size_t channel = 0; channel < w_.channels; ++channel)
          for (std::size_t ky = 0; ky < w_.kernel; ++ky) {
            add_line(from, channel, row * w_.stride + ky, column * w_.stride);
            from += w_.kernel;
          }
  }

 private:
  // One line of a window; coordinates count the padding.
  void add_line(const float* from, std::size_t channel, std::size_t padded_y,
                std::size_t padded_x) const {
    const std::size_t y = padded_y - w_.padding;  // wraps around above the picture
    if (padded_y < w_.padding || y >= w_.height) return;
    const std::size_t pixel = w_.channels_last ? w_.channels : 1;
    float* line = w_.channels_last ? to_ + y * w_.width * pixel + channel
                                   : to_ + (channel * w_.height + y) * w_.width;
    for (std::size_t kx = 0; kx < w_.kernel; ++kx) {
      const std::size_t x = padded_x + kx - w_.padding;
      if (padded_x + kx >= w_.padding && x < w_.width) line[x * pixel] += from[kx];
    }
  }

  Unfold w_;
  float* to_;
};

/// See DifferentiableBackend's unfold_gradient.
inline void unfold_gradient(const Tensor<float>& output_gradient, const Unfold& windows,
                            const Tensor<float>& input_gradient, const CpuContext& context) {
  if (!input_gradient) return;
  const std::size_t picture = windows.channels * windows.height * windows.width;
  const std::size_t unfolded =
      windows.rows() * windows.columns() * windows.channels * windows.kernel * windows.kernel;
  if (picture == 0) return;
  parallel_for(worthwhile_threads(context.threads, output_gradient.size()),
               input_gradient.size() / picture, [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   Folder(windows, input_gradient.data() + i * picture)
                       .add(output_gradient.data() + i * unfolded);
               });
}

}  // namespace coca::detail
