#pragma once
/// @file
/// Products with a matrix on the reference backend.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/elementwise.hpp"
#include "coca/backend/reference/gradient_sums.hpp"
#include "coca/backend/reference/matrix.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Matrix products as plain loops; sums are kept in double.
template <class T>
class ReferenceProducts {
 public:
  /// input [rows, in], weight [out, in] -> output [rows, out], see Epilogue.
  void run(const ops::Matmul<T, HostMemory, ReferenceMatrix<T>>& op) const {
    const std::size_t out = op.weight.out_features(), in = op.weight.in_features();
    for (std::size_t r = 0; r < op.input.size() / in; ++r) {
      for (std::size_t o = 0; o < out; ++o) {
        double sum = op.epilogue.bias ? op.epilogue.bias.data()[o] : 0.0;
        for (std::size_t i = 0; i < in; ++i)
          sum += double{op.input.data()[r * in + i]} * double{op.weight.at(o, i)};
        double value = detail::reference_activation(sum, op.epilogue.activation);
        if (op.epilogue.scale) value *= op.epilogue.scale.data()[o];
        if (op.epilogue.residual) value += op.epilogue.residual.data()[r * out + o];
        op.output.data()[r * out + o] = static_cast<T>(value);
      }
    }
  }

  /// d input[r, i] = sum_o d output[r, o] weight[o, i].
  /// @throws ArgumentError if the weight is packed.
  void run(const ops::MatmulInputGradient<T, HostMemory, ReferenceMatrix<T>>& op) const {
    if (!op.weight.values())
      throw ArgumentError(
          "matmul_input_gradient: weights that are packed for inference have no gradients");
    if (!op.input_gradient) return;
    const std::size_t out = op.weight.out_features(), in = op.weight.in_features();
    std::vector<double> sums(in);  // of a row, so that the innermost loop goes along the weight's
    for (std::size_t r = 0; r < op.output_gradient.size() / out; ++r) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t o = 0; o < out; ++o)
        for (std::size_t i = 0; i < in; ++i)
          sums[i] += double{op.output_gradient.data()[r * out + o]} * double{op.weight.at(o, i)};
      for (std::size_t i = 0; i < in; ++i)
        detail::write_gradient(op.input_gradient.data()[r * in + i], sums[i],
                               op.input_gradient.write);
    }
  }

  /// d weight[o, i] = (or +=) sum_r d output[r, o] input[r, i].
  void run(const ops::MatmulWeightGradient<T, HostMemory>& op) const {
    if (!op.weight_gradient) return;
    const std::size_t out = op.weight_gradient.shape()[0], in = op.weight_gradient.shape()[1];
    std::vector<double> sums(in);  // of a row, so that the innermost loop goes along the input's
    for (std::size_t o = 0; o < out; ++o) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t r = 0; r < op.input.size() / in; ++r)
        for (std::size_t i = 0; i < in; ++i)
          sums[i] +=
              double{op.output_gradient.data()[r * out + o]} * double{op.input.data()[r * in + i]};
      for (std::size_t i = 0; i < in; ++i)
        detail::write_gradient(op.weight_gradient.data()[o * in + i], sums[i],
                               op.weight_gradient.write);
    }
  }
};

}  // namespace coca
