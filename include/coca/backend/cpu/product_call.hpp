#pragma once
/// @file
/// A product of two matrices that are read in place.

#include <cstddef>

#include "coca/backend/cpu/gemm.hpp"

namespace coca::detail {

/// A matrix in an external array: element (r, c) is values[r * row_stride + c * column_stride], and
/// one of the strides is 1.
struct Operand {
  const float* values = nullptr;
  std::size_t row_stride = 0, column_stride = 0;

  Operand transposed() const { return {values, column_stride, row_stride}; }
};

/// output = residual + scale * activation(left right + bias), see GemmCall, whose `input` is not
/// used here. A residual that is the output means that products are added.
struct ProductCall {
  GemmCall result{};        ///< [result.rows, columns]
  std::size_t columns = 0;  ///< of the right side and the output
  std::size_t depth = 0;    ///< what is summed over
  Operand left{};           ///< [result.rows, depth]
  Operand right{};          ///< [depth, columns]
  bool left_is_transposed() const { return left.column_stride != 1; }
  bool right_is_transposed() const { return right.column_stride != 1; }

  std::size_t rows() const { return result.rows; }
  std::size_t work() const { return result.rows * columns * depth; }
  /// Whether products are only added to the output.
  bool only_adds() const {
    return result.residual == result.output && result.bias == nullptr && result.scale == nullptr &&
           result.activation == Activation::none;
  }
};

/// Columns [first, first + count) of all rows, to be written to the output.
/// @param products [rows, stride]
inline void finish_products(const ProductCall& call, std::size_t first, std::size_t count,
                            const float* products, std::size_t stride, InstructionSet set) {
  EpilogueRow row;
  row.call = &call.result;
  row.out = call.columns;
  row.first = first;
  row.count = count;
  row.products = products;
  dispatch<EpilogueKernel>(set, row, call.rows(), stride);
}

}  // namespace coca::detail
