#pragma once
/// @file
/// Storage that host code cannot dereference: the memory of the test backend Remote.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/core/memory.hpp"
#include "coca/core/tensor.hpp"

namespace coca::testing {

class RemoteMemory;

/// Where elements lie in remote storage. It can be kept and handed on, nothing else.
template <class T>
class RemotePointer {
 public:
  RemotePointer() = default;

 private:
  friend class RemoteMemory;
  RemotePointer(std::uint64_t allocation, std::size_t offset)
      : allocation_(allocation), offset_(offset) {}

  std::uint64_t allocation_ = 0;  // 0: none
  std::size_t offset_ = 0;        // in bytes
};

/// Storage of the remote device. New allocations are filled with 0xff, which is NaN in float, -1 in
/// int.
class RemoteMemory {
 public:
  template <class T>
  using Pointer = RemotePointer<T>;

  static RemotePointer<std::byte> allocate(std::size_t bytes) {
    Buffer<HostMemory> block = Buffer<HostMemory>::allocate(bytes);
    std::memset(block.at<std::byte>(0), 0xff, bytes);
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    all.blocks.emplace(++all.allocations, std::move(block));
    return {all.allocations, 0};
  }

  static void release(RemotePointer<std::byte> pointer) noexcept {
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    all.blocks.erase(pointer.allocation_);
  }

  template <class T>
  static RemotePointer<T> at(RemotePointer<std::byte> base, std::size_t offset) noexcept {
    return {base.allocation_, base.offset_ + offset};
  }

  /// How many allocations there have ever been: tests see with it that a second call makes none.
  static std::uint64_t allocations() {
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    return all.allocations;
  }

  /// How many of them have not been released.
  static std::size_t live() {
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    return all.blocks.size();
  }

 private:
  friend class Remote;

  struct Storage {
    std::mutex mutex;
    std::uint64_t allocations = 0;
    std::map<std::uint64_t, Buffer<HostMemory>> blocks;
  };

  // Never destroyed: tensors of static lifetime may be released after everything else.
  static Storage& storage() {
    static Storage& instance = *new Storage;
    return instance;
  }

  // What the device sees where the host has a handle.
  template <class T>
  static Tensor<T> resolve(const Tensor<T, RemoteMemory>& tensor) {
    if (!tensor) return {};
    const RemotePointer<T> pointer = tensor.data();
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    const auto found = all.blocks.find(pointer.allocation_);
    if (found == all.blocks.end())
      throw ArgumentError("remote block " + std::to_string(pointer.allocation_) +
                          " is used after its release");
    return Tensor<T>(found->second, tensor.shape(), pointer.offset_ / sizeof(T));
  }
};

}  // namespace coca::testing
