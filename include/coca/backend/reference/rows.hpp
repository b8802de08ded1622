#pragma once
/// @file
/// Rows selected by index on the reference backend.

#include <algorithm>
#include <cstddef>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

namespace coca {

/// Embeddings, gathered and scattered rows as plain loops.
template <class T>
class ReferenceRows {
 public:
  /// ids [batch, tokens], table [vocabulary, width], positions [at least first + tokens, width]
  /// -> output [batch, tokens, width]: table[id] + positions[first + t].
  void run(const ops::Embed<T, HostMemory, T>& op) const {
    const std::size_t width = op.table.shape()[1], tokens = op.ids.shape().back();
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const T* word = op.table.data() + static_cast<std::size_t>(op.ids.data()[i]) * width;
      const T* position = op.positions.data() + (op.first + i % tokens) * width;
      for (std::size_t c = 0; c < width; ++c)
        op.output.data()[i * width + c] = word[c] + position[c];
    }
  }

  /// d table[ids[b, t]] += d output[b, t]; d positions[first + t] += d output[b, t].
  void run(const ops::EmbedGradient<T, HostMemory>& op) const {
    const std::size_t width = op.output_gradient.shape().back(), tokens = op.ids.shape().back();
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const T* gradient = op.output_gradient.data() + i * width;
      detail::add_row(gradient, width, op.table_gradient,
                      static_cast<std::size_t>(op.ids.data()[i]));
      detail::add_row(gradient, width, op.positions_gradient, op.first + i % tokens);
    }
  }

  /// output[i] = input row indices[i].
  void run(const ops::GatherRows<T, HostMemory>& op) const {
    const std::size_t width = op.input.shape().back();
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      std::copy_n(op.input.data() + static_cast<std::size_t>(op.indices.data()[i]) * width, width,
                  op.output.data() + i * width);
  }

  /// d input[indices[i]] += d output[i].
  void run(const ops::GatherRowsGradient<T, HostMemory>& op) const {
    const std::size_t width = op.output_gradient.shape().back();
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      detail::add_row(op.output_gradient.data() + i * width, width, op.input_gradient,
                      static_cast<std::size_t>(op.indices.data()[i]));
  }

  /// output row indices[i] = the chosen columns of input row i.
  void run(const ops::ScatterRows<T, HostMemory>& op) const {
    const std::size_t stride = op.input.rows.shape().back();
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      std::copy_n(
          op.input.rows.data() + i * stride + op.input.first, op.input.width,
          op.output.data() + static_cast<std::size_t>(op.indices.data()[i]) * op.input.width);
  }
};

}  // namespace coca
