#pragma once
/// @file
/// Weights on large pages: reading them from front to back is then not slowed down by address
/// translation, nor by the prefetcher, which stops at the end of every page.
///
/// Most weights are smaller than a large page, so they share chunks of memory, one after the other
/// in the order in which they are packed, which is about the order in which they are read.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <tuple>
#include <utility>

#include "coca/core/memory.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace coca::detail {

/// A piece of a chunk, which lives as long as one of its pieces.
class LargeBlock {
 public:
  LargeBlock() = default;
  LargeBlock(std::shared_ptr<std::byte> chunk, std::size_t offset, std::size_t bytes)
      : chunk_(std::move(chunk)), offset_(offset), bytes_(bytes) {}
  LargeBlock(LargeBlock&&) = default;
  LargeBlock& operator=(LargeBlock&& other) noexcept {
    std::swap(chunk_, other.chunk_);
    std::swap(offset_, other.offset_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~LargeBlock();

  explicit operator bool() const noexcept { return chunk_ != nullptr; }
  std::size_t bytes() const noexcept { return bytes_; }
  /// The elements of type T that start `offset` bytes into the piece.
  template <class T>
  T* at(std::size_t offset) const noexcept {
    return HostMemory::at<T>(chunk_.get(), offset_ + offset);
  }

 private:
  std::shared_ptr<std::byte> chunk_;
  std::size_t offset_ = 0;
  std::size_t bytes_ = 0;
};

/// Hands out pieces of chunks.
class LargeMemory {
 public:
  /// The one of this process.
  static LargeMemory& instance() {
    static LargeMemory& memory = *new LargeMemory;  // weights of static models would outlive it
    return memory;
  }

  /// During its lifetime, this thread's pieces get separate chunks: temporary memory
  /// must not pin the memory of permanent weights.
  class Separate {
   public:
    Separate() { ++depth(); }
    ~Separate() { --depth(); }
    Separate(const Separate&) = delete;
    Separate& operator=(const Separate&) = delete;

    static int& depth() {
      static thread_local int value = 0;
      return value;
    }
  };

  /// Memory for `bytes`, aligned to cache lines, with unspecified content.
  LargeBlock allocate(std::size_t bytes) {
    if (bytes == 0) return {};
    if (bytes >= chunk_size / 2 || Separate::depth() > 0) {
      const auto [chunk, first] = make_chunk(bytes);
      return LargeBlock(chunk, first, bytes);
    }
    const std::lock_guard lock(mutex_);
    const std::size_t size = (bytes + line - 1) / line * line;
    if (end_ - next_ < size) {
      std::tie(chunk_, next_) = make_chunk(chunk_size);
      end_ = next_ + chunk_size;
    }
    next_ += size;
    return LargeBlock(chunk_, next_ - size, bytes);
  }

  /// Releases the chunk being filled when the last of its pieces has been freed.
  void release_unused() {
    const std::lock_guard lock(mutex_);
    if (chunk_.use_count() != 1) return;
    chunk_ = {};
    next_ = end_ = 0;
  }

 private:
  static constexpr std::size_t line = 64, large_page = std::size_t{1} << 21,
                               chunk_size = std::size_t{32} << 20;

  // Pages directly from the system: the heap keeps what is freed in between, and grows.
  static std::shared_ptr<std::byte> make_pages(std::size_t bytes) {
#if defined(__linux__)
    void* pages =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return {static_cast<std::byte*>(pages), [bytes](std::byte* p) { ::munmap(p, bytes); }};
#else
    return {HostMemory::allocate(bytes), HostMemory::release};
#endif
  }

  // Memory that begins with a large page, and its address.
  static std::pair<std::shared_ptr<std::byte>, std::size_t> make_chunk(std::size_t bytes) {
    const bool large = bytes >= large_page;
    std::shared_ptr<std::byte> chunk = make_pages(bytes + (large ? large_page : 0));
    if (!large) return {chunk, 0};
    const auto address = reinterpret_cast<std::uintptr_t>(chunk.get());
    const std::size_t first = (large_page - address % large_page) % large_page;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // A hint: if it is refused, ordinary pages serve as well. The part after the last whole
    // large page stays on ordinary ones, so that no memory is taken that is not used.
    static_cast<void>(
        ::madvise(chunk.get() + first, bytes / large_page * large_page, MADV_HUGEPAGE));
#endif
    return {chunk, first};
  }

  std::mutex mutex_;
  std::shared_ptr<std::byte> chunk_;
  std::size_t next_ = 0, end_ = 0;
};

inline LargeBlock::~LargeBlock() {
  if (!chunk_) return;
  chunk_ = {};
  LargeMemory::instance().release_unused();
}

}  // namespace coca::detail
