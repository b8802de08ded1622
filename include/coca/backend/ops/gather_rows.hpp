#pragma once
/// @file
/// Rows selected by index.

#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// input gradient[indices[i]] += output gradient[i]; indices may repeat.
template <class T, class M>
struct GatherRowsGradient {
  static constexpr const char* name = "gather_rows_gradient";
  In<T, M> output_gradient;     ///< [n, width]
  In<std::int32_t, M> indices;  ///< [n]
  Add<T, M> input_gradient;     ///< [rows, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("indices", self.indices...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    if (output_gradient.shape().rows() != indices.size())
      throw ShapeError("gather_rows_gradient: a gradient of " + to_string(output_gradient.shape()) +
                       " for " + std::to_string(indices.size()) + " rows");
  }
};

/// output[i] = input[indices[i]]. Indices must be below `rows`.
template <class T, class M>
struct GatherRows {
  static constexpr const char* name = "gather_rows";
  In<T, M> input;               ///< [rows, width], outer extents folded
  In<std::int32_t, M> indices;  ///< [n]
  Out<T, M> output{};           ///< [n, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("indices", self.indices...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {indices.size(), input.shape().back()}; }

  void check() const {}

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(GatherRowsGradient<T, M>{g.of(output), indices, g.add(input)});
  }
};

}  // namespace coca::ops
