#pragma once
/// @file
/// A weight that is read in place, for products while its values change.

#include <algorithm>
#include <cstddef>
#include <utility>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/product.hpp"
#include "coca/core/error.hpp"
#include "coca/core/tensor.hpp"

namespace coca::detail {

/// values [out, in] or, transposed, [in, out]. Nothing of them is kept between calls.
class ViewWeight final : public GemmWeight {
 public:
  ViewWeight(Tensor<float> values, bool transposed, const ProductOptions& options)
      : GemmWeight(values.shape()[transposed ? 1 : 0], values.shape()[transposed ? 0 : 1]),
        values_(std::move(values)),
        transposed_(transposed),
        options_(options) {}

  const Tensor<float>& values() const { return values_; }
  bool transposed() const { return transposed_; }

  /// @throws ArgumentError; a view's values are set in place.
  void set(const WeightBlock&) override {
    throw ArgumentError("a view of a weight cannot be filled: its values are set in place");
  }

  void unpack(std::size_t first, std::size_t count, float* rows) const override {
    const Operand all = weight();
    for (std::size_t o = first; o < first + count; ++o)
      for (std::size_t i = 0; i < in_features(); ++i)
        *rows++ = all.values[o * all.row_stride + i * all.column_stride];
  }

  void multiply(const GemmCall& call) const override {
    ProductCall product;
    product.result = call;
    product.columns = out_features();
    product.depth = in_features();
    product.left = {call.input, in_features(), 1};
    product.right = weight().transposed();
    multiply_matrices(product, options_);
  }

  /// input gradient [rows, in] = or += output gradient [rows, out] weight.
  void input_gradient(const float* output_gradient, std::size_t rows, Write write,
                      float* input_gradient, int threads) const {
    ProductCall product;
    product.result.rows = rows;
    product.result.output = input_gradient;
    product.result.residual = write == Write::add ? input_gradient : nullptr;
    product.result.threads = threads;
    product.columns = in_features();
    product.depth = out_features();
    product.left = {output_gradient, out_features(), 1};
    product.right = weight();
    multiply_matrices(product, options_);
  }

 private:
  // [out, in]
  Operand weight() const {
    return transposed_ ? Operand{values_.data(), 1, out_features()}
                       : Operand{values_.data(), in_features(), 1};
  }

  Tensor<float> values_;
  bool transposed_;
  ProductOptions options_;
};

inline void run(const ops::MatmulWeightGradient<float, HostMemory>& op, int threads,
                const ProductOptions& options) {
  const ops::Update<float, HostMemory>& gradient = op.weight_gradient;
  if (gradient.size() == 0) return;
  const std::size_t out = gradient.shape()[0], in = gradient.shape()[1];
  ProductCall product;
  product.result.rows = out;
  product.result.output = gradient.data();
  product.result.residual = gradient.write == Write::add ? gradient.data() : nullptr;
  product.result.threads = threads;
  product.columns = in;
  product.depth = op.input.size() / in;
  product.left = Operand{op.output_gradient.data(), out, 1}.transposed();
  product.right = {op.input.data(), in, 1};
  multiply_matrices(product, options);
}

}  // namespace coca::detail
