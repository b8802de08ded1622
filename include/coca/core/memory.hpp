#pragma once
/// @file
/// Where tensors live: a Memory is a kind of storage (host, a GPU), a Buffer a shared piece of it,
/// a Pool provides the buffers of a request and keeps them for the next one.

#include <atomic>
#include <concepts>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace coca {

/// A kind of storage. `Pointer<T>` is how kernels address it; code above the backends never
/// dereferences one.
template <class M>
concept Memory = requires(std::size_t bytes, typename M::template Pointer<std::byte> pointer) {
  { M::allocate(bytes) } -> std::same_as<typename M::template Pointer<std::byte>>;
  M::release(pointer);
  { M::template at<float>(pointer, bytes) } -> std::same_as<typename M::template Pointer<float>>;
};

/// Ordinary memory, aligned to cache lines.
struct HostMemory {
  template <class T>
  using Pointer = T*;

  static constexpr std::align_val_t alignment{64};

  static std::byte* allocate(std::size_t bytes) {
    return static_cast<std::byte*>(::operator new(bytes, alignment));
  }
  static void release(std::byte* pointer) noexcept { ::operator delete(pointer, alignment); }

  /// The elements of type T that start `offset` bytes after `base`.
  template <class T>
  static T* at(std::byte* base, std::size_t offset) noexcept {
    return reinterpret_cast<T*>(base + offset);
  }
};

namespace detail {

template <Memory M>
class PoolState;

/// One allocation and its reference count.
template <Memory M>
struct Block {
  typename M::template Pointer<std::byte> pointer{};
  std::size_t bytes = 0;
  bool owned = true;
  std::atomic<std::size_t> owners{0};
  std::shared_ptr<PoolState<M>> home;  // empty while the block waits in the pool

  Block(typename M::template Pointer<std::byte> where, std::size_t size, bool own)
      : pointer(where), bytes(size), owned(own) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    if (owned) M::release(pointer);
  }
};

template <Memory M>
class PoolState {
 public:
  /// The smallest free block that fits `bytes` without wasting more than half of itself, or
  /// nullptr.
  Block<M>* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    std::size_t best = free_.size();
    for (std::size_t i = 0; i < free_.size(); ++i) {
      const std::size_t size = free_[i]->bytes;
      const bool fits = size >= bytes && size / 2 <= bytes;
      if (fits && (best == free_.size() || size < free_[best]->bytes)) best = i;
    }
    if (best == free_.size()) return nullptr;
    std::swap(free_[best], free_.back());
    Block<M>* block = free_.back().release();
    free_.pop_back();
    return block;
  }

  void give_back(Block<M>* block) {
    const std::lock_guard lock(mutex_);
    free_.emplace_back(block);
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block<M>>> free_;
};

}  // namespace detail

/// A shared handle to a piece of memory; the last one frees it, or returns it to its pool.
template <Memory M>
class Buffer {
 public:
  Buffer() = default;

  /// A separate allocation, outside any pool (for weights).
  static Buffer allocate(std::size_t bytes) {
    return Buffer(new detail::Block<M>(M::allocate(bytes), bytes, true));
  }

  /// Memory owned and kept alive by something else.
  static Buffer borrow(typename M::template Pointer<std::byte> pointer, std::size_t bytes) {
    return Buffer(new detail::Block<M>(pointer, bytes, false));
  }

  Buffer(const Buffer& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_ == nullptr || block_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (const auto home = std::move(block_->home))
      home->give_back(block_);
    else
      delete block_;
  }

  std::size_t bytes() const noexcept { return block_ == nullptr ? 0 : block_->bytes; }
  explicit operator bool() const noexcept { return block_ != nullptr; }
  /// How many handles share it.
  std::size_t use_count() const noexcept { return block_ == nullptr ? 0 : block_->owners.load(); }
  /// Identifies this piece of memory among all that exist; nullptr if there is none.
  const void* id() const noexcept { return block_; }

  /// The elements of type T that start `offset` bytes into the buffer.
  template <class T>
  auto at(std::size_t offset) const noexcept {
    return M::template at<T>(block_->pointer, offset);
  }

 private:
  template <Memory N>
  friend class Pool;

  explicit Buffer(detail::Block<M>* block) : block_(block) { block_->owners.fetch_add(1); }

  detail::Block<M>* block_ = nullptr;
};

/// Buffers of one request, kept for reuse: after the first call of a model nothing is allocated.
/// Buffers may outlive the pool.
template <Memory M>
class Pool {
 public:
  Buffer<M> allocate(std::size_t bytes) {
    detail::Block<M>* block = state_->take(bytes);
    if (block == nullptr) block = new detail::Block<M>(M::allocate(bytes), bytes, true);
    block->home = state_;
    return Buffer<M>(block);
  }

 private:
  std::shared_ptr<detail::PoolState<M>> state_ = std::make_shared<detail::PoolState<M>>();
};

}  // namespace coca
