#pragma once
/// @file
/// Tensors in host memory with given values.

#include <algorithm>
#include <vector>

#include "coca/core/tensor.hpp"

namespace coca::testing {

/// A copy of values under a shape.
template <class T>
Tensor<T> host_tensor(const std::vector<T>& values, const Shape& shape) {
  const Tensor<T> made(Buffer<HostMemory>::allocate(shape.size() * sizeof(T)), shape);
  std::copy(values.begin(), values.end(), made.data());
  return made;
}

}  // namespace coca::testing
