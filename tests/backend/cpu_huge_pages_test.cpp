#include <cstring>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/huge_pages.hpp"

using coca::detail::LargeBlock;
using coca::detail::LargeMemory;

TEST_CASE("pieces of large memory do not overlap and outlive each other") {
  std::vector<LargeBlock> blocks;
  const std::vector<std::size_t> sizes{1, 63, 64, 65, 5000, 3u << 20, 20u << 20, 40u << 20, 7};
  for (const std::size_t size : sizes) {
    blocks.push_back(LargeMemory::instance().allocate(size));
    REQUIRE(blocks.back().bytes() == size);
    REQUIRE(reinterpret_cast<std::uintptr_t>(blocks.back().at<std::byte>(0)) % 64 == 0);
    std::memset(blocks.back().at<std::byte>(0), static_cast<int>(blocks.size()), size);
  }
  blocks.erase(blocks.begin() + 2);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto mark = static_cast<unsigned char>(i < 2 ? i + 1 : i + 2);
    const auto* bytes = blocks[i].at<unsigned char>(0);
    CHECK(bytes[0] == mark);
    CHECK(bytes[blocks[i].bytes() - 1] == mark);
  }
}

TEST_CASE("weights that are only timed share no memory with permanent ones") {
  const LargeBlock before = LargeMemory::instance().allocate(64);
  LargeBlock timed;
  {
    const LargeMemory::Separate separate;
    timed = LargeMemory::instance().allocate(64);
  }
  const LargeBlock after = LargeMemory::instance().allocate(64);
  CHECK(after.at<std::byte>(0) == before.at<std::byte>(64));
  CHECK(timed.at<std::byte>(0) != before.at<std::byte>(64));
  CHECK(LargeMemory::instance().allocate(0).bytes() == 0);
}

TEST_CASE("a chunk is released with the last of its pieces") {
  auto first = std::make_unique<LargeBlock>(LargeMemory::instance().allocate(64));
  auto second = std::make_unique<LargeBlock>(LargeMemory::instance().allocate(64));
  const auto* place = second->at<std::byte>(0);
  first.reset();
  auto third = std::make_unique<LargeBlock>(LargeMemory::instance().allocate(64));
  CHECK(third->at<std::byte>(0) == place + 64);  // the chunk is reused while a piece is in use
  second.reset();
  third.reset();
  const LargeBlock fresh = LargeMemory::instance().allocate(64);
  CHECK(reinterpret_cast<std::uintptr_t>(fresh.at<std::byte>(0)) % (std::size_t{1} << 21) == 0);
}
