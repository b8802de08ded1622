#pragma once
/// @file
/// The weights of the reference backend.

#include <cstddef>
#include <utility>

#include "coca/core/tensor.hpp"

namespace coca {

/// A weight [out, in]: an owned array, or a view of one that is changed elsewhere.
template <class T>
class ReferenceMatrix {
 public:
  using Array = Tensor<T>;

  ReferenceMatrix() = default;
  /// A packed weight, which owns `values` [out, in].
  explicit ReferenceMatrix(Array values) : ReferenceMatrix(std::move(values), false) {
    packed_ = true;
  }
  /// A view of `values` [out, in] or, transposed, [in, out].
  ReferenceMatrix(Array values, bool transposed)
      : array_(std::move(values)),
        out_step_(transposed ? 1 : array_.shape()[1]),
        in_step_(transposed ? array_.shape()[1] : 1),
        transposed_(transposed) {}

  std::size_t out_features() const { return array_.shape()[transposed_ ? 1 : 0]; }
  std::size_t in_features() const { return array_.shape()[transposed_ ? 0 : 1]; }
  /// The weight from input feature `in` to output feature `out`.
  T at(std::size_t out, std::size_t in) const {
    return array_.data()[out * out_step_ + in * in_step_];
  }

  /// The array that a view reads; nothing for a packed weight.
  Array values() const { return packed_ ? Array() : array_; }
  /// Whether a view's array is [in, out].
  bool transposed() const { return transposed_; }

 private:
  Array array_;
  std::size_t out_step_ = 0, in_step_ = 0;
  bool transposed_ = false;
  bool packed_ = false;
};

}  // namespace coca
