#pragma once
/// @file
/// The interface of matrix products: what every implementation offers, whatever its library and
/// layout.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/vectors.hpp"
#include "coca/core/activation.hpp"

namespace coca::detail {

/// output = residual + scale * activation(input weightᵀ + bias); absent parts are null.
struct GemmCall {
  const float* input = nullptr;  ///< [rows, in]
  std::size_t rows = 0;
  const float* bias = nullptr;  ///< [out]
  Activation activation = Activation::none;
  const float* scale = nullptr;     ///< [out]
  const float* residual = nullptr;  ///< [rows, out]; may be the output
  float* output = nullptr;          ///< [rows, out]
  int threads = 1;

  bool has_epilogue() const {
    return bias != nullptr || activation != Activation::none || scale != nullptr ||
           residual != nullptr;
  }
};

/// A block of a weight to be packed into a layout: element (o, i) of the block is
/// values[o * out_stride + i * in_stride].
struct WeightBlock {
  std::size_t first_out = 0, out = 0;
  std::size_t first_in = 0, in = 0;
  const float* values = nullptr;
  std::size_t out_stride = 0, in_stride = 0;
};

/// One weight [out, in] in the layout of one implementation. Filled once, then constant.
class GemmWeight {
 public:
  GemmWeight(std::size_t out, std::size_t in) : out_(out), in_(in) {}
  GemmWeight(const GemmWeight&) = delete;
  GemmWeight& operator=(const GemmWeight&) = delete;
  virtual ~GemmWeight() = default;

  std::size_t out_features() const { return out_; }
  std::size_t in_features() const { return in_; }

  /// Packs a part of the values; the parts of a weight do not overlap.
  virtual void set(const WeightBlock& block) = 0;
  /// Called when all parts are packed.
  virtual void finish() {}
  /// Rows [first, first + count) as floats [count, in].
  virtual void unpack(std::size_t first, std::size_t count, float* rows) const = 0;
  virtual void multiply(const GemmCall& call) const = 0;

 private:
  std::size_t out_, in_;
};

/// Columns [first, first + count) of one row of products, to be written to the output.
struct EpilogueRow {
  const GemmCall* call = nullptr;
  std::size_t out = 0;  ///< width of the output
  std::size_t row = 0, first = 0, count = 0;
  const float* products = nullptr;  ///< [count]
};

namespace simd {

template <class S>
[[gnu::always_inline]] inline void activate_inplace(typename S::F& x, Activation activation) {
  typename S::F factor;
  switch (activation) {
    case Activation::none:
      return;
    case Activation::gelu:
      return gelu_inplace<S>(x);
    case Activation::quick_gelu:
      return quick_gelu_inplace<S>(x);
    case Activation::gelu_tanh:
      gelu_tanh_factor<S>(factor, x);
      x = x * factor;
      return;
    case Activation::relu:
      factor = typename S::F{};
      x = x < factor ? factor : x;
      return;
    case Activation::silu:
      factor = x;
      sigmoid_inplace<S>(factor);
      x = x * factor;
      return;
    case Activation::tanh:
      return tanh_inplace<S>(x);
    case Activation::sigmoid:
      return sigmoid_inplace<S>(x);
  }
}

/// `count` <= S::width columns from `column` on, at `place` of the output.
template <class S>
[[gnu::always_inline]] inline void finish_vector(const float* products, const GemmCall& call,
                                                 std::size_t column, std::size_t place,
                                                 std::size_t count) {
  typename S::F x, y;
  load_up_to<S>(x, products, count);
  if (call.bias != nullptr) {
    load_up_to<S>(y, call.bias + column, count);
    x = x + y;
  }
  activate_inplace<S>(x, call.activation);
  if (call.scale != nullptr) {
    load_up_to<S>(y, call.scale + column, count);
    x = x * y;
  }
  if (call.residual != nullptr) {
    load_up_to<S>(y, call.residual + place, count);
    x = x + y;
  }
  store_up_to<S>(call.output + place, x, count);
}

template <class S>
[[gnu::always_inline]] inline void finish_row(const EpilogueRow& part) {
  for (std::size_t i = 0; i < part.count; i += S::width) {
    const std::size_t column = part.first + i, place = part.row * part.out + column;
    finish_vector<S>(part.products + i, *part.call, column, place,
                     std::min(S::width, part.count - i));
  }
}

}  // namespace simd

/// The epilogue of a tile: `rows` rows of products, `stride` apart.
struct EpilogueKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const EpilogueRow& first, std::size_t rows,
                                                std::size_t stride) {
    EpilogueRow part = first;
    for (std::size_t r = 0; r < rows; ++r) {
      simd::finish_row<S>(part);
      ++part.row;
      part.products += stride;
    }
  }
};

}  // namespace coca::detail
