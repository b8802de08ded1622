#pragma once
/// @file
/// Rows written to given positions.

#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// output[indices[i]] = the chosen columns of input row i; other rows stay. If an index occurs
/// twice, the later row wins.
template <class T, class M>
struct ScatterRows {
  static constexpr const char* name = "scatter_rows";
  Columns<T, M> input;          ///< n rows
  In<std::int32_t, M> indices;  ///< [n]
  InOut<T, M> output;           ///< [rows, input.width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("indices", self.indices...);
    visit("output", self.output...);
  }

  void check() const {
    if (input.rows.shape().rows() < indices.size() || output.shape().back() != input.width)
      throw ShapeError("scatter_rows: " + std::to_string(indices.size()) + " rows of " +
                       std::to_string(input.width) + " columns of " +
                       to_string(input.rows.shape()) + " do not fit into " +
                       to_string(output.shape()));
  }
};

}  // namespace coca::ops
