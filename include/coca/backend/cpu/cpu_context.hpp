#pragma once
/// @file
/// What the CPU backend's operations have in common. Each is a function run(operation, context),
/// next to its kernels.

#include "coca/backend/cpu/instruction_set.hpp"
#include "coca/core/tensor.hpp"

namespace coca::detail {

/// What an operation runs with.
struct CpuContext {
  InstructionSet set = InstructionSet::baseline;
  int threads = 1;
};

/// The first element, or null if there is no tensor.
template <class T>
T* data_of(const Tensor<T>& tensor) {
  return tensor ? tensor.data() : nullptr;
}

}  // namespace coca::detail
