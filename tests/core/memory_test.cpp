#include "coca/core/memory.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using coca::Buffer;
using coca::HostMemory;
using coca::Pool;

// Host memory that counts what is allocated and released. `Tag` gives each test its own
// counters.
template <int Tag>
struct CountingMemory {
  template <class T>
  using Pointer = T*;

  static inline std::atomic<int> allocations{0};
  static inline std::atomic<int> releases{0};

  static std::byte* allocate(std::size_t bytes) {
    ++allocations;
    return HostMemory::allocate(bytes);
  }
  static void release(std::byte* pointer) noexcept {
    ++releases;
    HostMemory::release(pointer);
  }
  template <class T>
  static T* at(std::byte* base, std::size_t offset) noexcept {
    return HostMemory::at<T>(base, offset);
  }
};

struct WithoutRelease {
  template <class T>
  using Pointer = T*;
  static std::byte* allocate(std::size_t);
  template <class T>
  static T* at(std::byte*, std::size_t);
};

struct WrongPointer {
  template <class T>
  using Pointer = T*;
  static void* allocate(std::size_t);
  static void release(std::byte*);
  template <class T>
  static T* at(std::byte*, std::size_t);
};

}  // namespace

TEST_CASE("memory allocates, releases and addresses elements", "[memory]") {
  STATIC_REQUIRE(coca::Memory<HostMemory>);
  STATIC_REQUIRE(coca::Memory<CountingMemory<0>>);
  STATIC_REQUIRE_FALSE(coca::Memory<WithoutRelease>);
  STATIC_REQUIRE_FALSE(coca::Memory<WrongPointer>);
  STATIC_REQUIRE_FALSE(coca::Memory<int>);
}

TEST_CASE("host memory is aligned to cache lines", "[memory]") {
  for (const std::size_t bytes : {1, 7, 64, 1000}) {
    const auto buffer = Buffer<HostMemory>::allocate(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.at<float>(0)) % 64 == 0);
    CHECK(buffer.at<std::byte>(0) + 12 == reinterpret_cast<std::byte*>(buffer.at<float>(12)));
  }
}

TEST_CASE("a buffer lives as long as its last owner", "[memory]") {
  using Counting = CountingMemory<1>;
  {
    auto first = Buffer<Counting>::allocate(100);
    CHECK(Counting::allocations == 1);
    CHECK(first.bytes() == 100);
    auto second = first;                    // copied
    const auto third = std::move(first);    // moved
    CHECK_FALSE(static_cast<bool>(first));  // NOLINT: what is left is empty
    CHECK(first.bytes() == 0);
    CHECK(second.at<int>(0) == third.at<int>(0));
    auto& alias = second;
    second = alias;  // assigned to itself
    CHECK(Counting::releases == 0);
    second = Buffer<Counting>();
    CHECK(Counting::releases == 0);
    CHECK(third.bytes() == 100);
  }
  CHECK(Counting::allocations == 1);
  CHECK(Counting::releases == 1);
}

TEST_CASE("assigning to the last owner releases what it held", "[memory]") {
  using Counting = CountingMemory<2>;
  auto buffer = Buffer<Counting>::allocate(10);
  buffer = Buffer<Counting>::allocate(20);
  CHECK(Counting::allocations == 2);
  CHECK(Counting::releases == 1);
  CHECK(buffer.bytes() == 20);
}

TEST_CASE("borrowed memory is never released", "[memory]") {
  using Counting = CountingMemory<3>;
  alignas(float) std::byte storage[16] = {};
  {
    const auto buffer = Buffer<Counting>::borrow(storage, sizeof storage);
    const auto copy = buffer;
    CHECK(copy.at<std::byte>(4) == storage + 4);
    CHECK(copy.bytes() == 16);
  }
  CHECK(Counting::allocations == 0);
  CHECK(Counting::releases == 0);
}

TEST_CASE("a pool allocates nothing the second time", "[memory]") {
  using Counting = CountingMemory<4>;
  {
    Pool<Counting> pool;
    for (int request = 0; request < 3; ++request) {
      const auto small = pool.allocate(100);
      const auto large = pool.allocate(5000);
      CHECK(small.at<char>(0) != large.at<char>(0));
      CHECK(small.bytes() >= 100);
      CHECK(large.bytes() >= 5000);
      CHECK(Counting::allocations == 2);
    }
    CHECK(Counting::releases == 0);
  }
  CHECK(Counting::releases == 2);
}

TEST_CASE("a pool never hands out a block that is in use", "[memory]") {
  using Counting = CountingMemory<5>;
  Pool<Counting> pool;
  const auto first = pool.allocate(100);
  auto second = pool.allocate(100);
  CHECK(first.at<char>(0) != second.at<char>(0));
  CHECK(Counting::allocations == 2);
  const auto copy = second;
  second = Buffer<Counting>();
  const auto third = pool.allocate(100);  // the copy still holds the second block
  CHECK(third.at<char>(0) != copy.at<char>(0));
  CHECK(Counting::allocations == 3);
}

TEST_CASE("a pool returns the smallest block that fits and wastes at most half", "[memory]") {
  using Counting = CountingMemory<6>;
  Pool<Counting> pool;
  char* middle = nullptr;
  {
    const auto large = pool.allocate(190), exact = pool.allocate(150), small = pool.allocate(99);
    middle = exact.at<char>(0);
  }
  const auto fitting = pool.allocate(100);
  CHECK(fitting.at<char>(0) == middle);
  CHECK(fitting.bytes() == 150);
  CHECK(Counting::allocations == 3);
  const auto tiny = pool.allocate(20);  // 99 and 190 bytes would be a waste
  CHECK(tiny.bytes() == 20);
  CHECK(Counting::allocations == 4);
}

TEST_CASE("buffers outlive their pool", "[memory]") {
  using Counting = CountingMemory<7>;
  {
    std::optional<Pool<Counting>> pool(std::in_place);
    auto kept = pool->allocate(64);
    { const auto returned = pool->allocate(64); }
    pool.reset();
    kept.at<int>(0)[3] = 7;
    CHECK(kept.at<int>(0)[3] == 7);
    CHECK(Counting::releases ==
          0);  // the block waiting in the pool's state is freed with the last buffer
  }
  CHECK(Counting::allocations == 2);
  CHECK(Counting::releases == 2);
}

TEST_CASE("copies of a pool share its blocks", "[memory]") {
  using Counting = CountingMemory<8>;
  Pool<Counting> pool;
  Pool<Counting> copy = pool;
  { const auto buffer = pool.allocate(64); }
  const auto buffer = copy.allocate(64);
  CHECK(Counting::allocations == 1);
}

TEST_CASE("threads share buffers and pools", "[memory]") {
  using Counting = CountingMemory<9>;
  std::atomic<int> damaged{0};
  {
    Pool<Counting> pool;
    auto shared = pool.allocate(256);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&pool, &damaged, t, mine = shared] {
        for (int i = 0; i < 2000; ++i) {
          const auto copy = mine;
          const auto own = pool.allocate(64 * sizeof(int));
          int* values = own.at<int>(0);
          for (int k = 0; k < 64; ++k) values[k] = t * 10000 + i;
          for (int k = 0; k < 64; ++k) damaged += values[k] != t * 10000 + i;
        }
      });
    shared = Buffer<Counting>();
    for (std::thread& thread : threads) thread.join();
    // Each thread held at most one block at a time, in addition to the shared one.
    CHECK(Counting::allocations <= 5);
    CHECK(Counting::releases == 0);
  }
  CHECK(damaged == 0);
  CHECK(Counting::releases == Counting::allocations);
}

TEST_CASE("a buffer of no bytes is a buffer", "[memory]") {
  Pool<HostMemory> pool;
  const auto buffer = pool.allocate(0);
  CHECK(static_cast<bool>(buffer));
  CHECK(buffer.bytes() == 0);
}
