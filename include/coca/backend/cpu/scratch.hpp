#pragma once
/// @file
/// Working memory of kernels, kept by each thread so that only its first calls allocate.

#include <cstddef>

#include "coca/core/memory.hpp"

namespace coca::detail {

/// Memory that grows to the largest size requested, aligned like HostMemory.
class Scratch {
 public:
  /// At least `count` elements with unspecified content; invalidates what was returned before.
  template <class T>
  T* get(std::size_t count) {
    if (buffer_.bytes() < count * sizeof(T)) {
      buffer_ = {};
      buffer_ = Buffer<HostMemory>::allocate(count * sizeof(T) + count * sizeof(T) / 4);
    }
    return buffer_.template at<T>(0);
  }

 private:
  Buffer<HostMemory> buffer_;
};

/// The calling thread's scratch memory for one purpose (a type that names it).
template <class Purpose>
Scratch& scratch() {
  thread_local Scratch memory;
  return memory;
}

}  // namespace coca::detail
