#pragma once
/// @file
/// Large allocations on large pages: reading a weight from front to back is then not held up by the
/// translation of its addresses.

#include <cstddef>
#include <cstdint>

#include "coca/core/memory.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace coca::detail {

/// Memory for `bytes`, on large pages where it fills some and the system has them to give.
inline Buffer<HostMemory> allocate_large(std::size_t bytes) {
  Buffer<HostMemory> buffer = Buffer<HostMemory>::allocate(bytes);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::size_t page = 4096, large_page = std::size_t{1} << 21;
  if (bytes >= 2 * large_page) {
    auto* const first = buffer.at<std::byte>(0);
    const std::size_t skipped = (page - reinterpret_cast<std::uintptr_t>(first) % page) % page;
    // A wish: where it is refused, ordinary pages serve as well.
    static_cast<void>(::madvise(first + skipped, (bytes - skipped) / page * page, MADV_HUGEPAGE));
  }
#endif
  return buffer;
}

}  // namespace coca::detail
