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

inline void run(const ops::EmbedGradient<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t tokens = op.ids.shape().back();
  if (op.ids.size() == 0) return;
  const std::size_t width = op.output_gradient.size() / op.ids.size();
  const auto add_range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const float* from = op.output_gradient.data() + i * width;
      const auto id = static_cast<std::size_t>(op.ids.data()[i]);
      if (op.table_gradient)
        add_columns(from, op.table_gradient.data() + id * width, begin, end, context.set);
      if (op.positions_gradient)
        add_columns(from, op.positions_gradient.data() + (op.first + i % tokens) * width, begin,
                    end, context.set);
    }
  };
  for_columns(op.ids.size(), width, context, add_range);
}

inline void run(const ops::WriteTokensGradient<float, HostMemory>& op, const CpuContext& context) {
  if (!op.source_gradient && !op.positions_gradient) return;
  const std::size_t batch = op.output_gradient.shape()[0], length = op.output_gradient.shape()[1];
  const std::size_t width = op.output_gradient.shape()[2];
  const std::size_t tokens = op.tokens;
  const bool shared = op.source_gradient && op.source_gradient.shape()[0] == 1;
  const auto add_range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < batch * tokens; ++i) {
      const std::size_t b = i / tokens, t = i % tokens;
      const float* from = op.output_gradient.data() + (b * length + op.first + t) * width;
      if (op.source_gradient)
        add_columns(from, op.source_gradient.data() + (shared ? t : i) * width, begin, end,
                    context.set);
      if (op.positions_gradient)
        add_columns(from, op.positions_gradient.data() + (op.first + t) * width, begin, end,
                    context.set);
    }
  };
  for_columns(batch * tokens, width, context, add_range);
}

inline void run(const ops::GatherRowsGradient<float, HostMemory>& op, const CpuContext& context) {
  if (!op.input_gradient) return;
  const std::size_t width = op.input_gradient.shape().back();
  const auto add_range = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      add_columns(op.output_gradient.data() + i * width,
                  op.input_gradient.data() + static_cast<std::size_t>(op.indices.data()[i]) * width,
                  begin, end, context.set);
  };
  for_columns(op.indices.size(), width, context, add_range);
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

inline void run(const ops::UnfoldGradient<float, HostMemory>& op, const CpuContext& context) {
  if (!op.input_gradient) return;
  const std::size_t picture = op.windows.channels * op.windows.height * op.windows.width;
  const std::size_t unfolded = op.windows.rows() * op.windows.columns() * op.windows.channels *
                               op.windows.kernel * op.windows.kernel;
  if (picture == 0) return;
  parallel_for(worthwhile_threads(context.threads, op.output_gradient.size()),
               op.input_gradient.size() / picture, [&](std::size_t begin, std::size_t end) {
                 for (std::size_t i = begin; i < end; ++i)
                   Folder(op.windows, op.input_gradient.data() + i * picture)
                       .add(op.output_gradient.data() + i * unfolded);
               });
}

}  // namespace coca::detail
