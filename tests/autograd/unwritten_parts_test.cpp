#include "coca/autograd/unwritten_parts.hpp"

#include <utility>
#include <vector>

#include "catch.hpp"

using coca::UnwrittenParts;

namespace {

/// What settle() asks to be zeroed.
std::vector<std::pair<std::size_t, std::size_t>> settled(UnwrittenParts& parts, std::size_t first,
                                                         std::size_t size) {
  std::vector<std::pair<std::size_t, std::size_t>> zeroed;
  parts.settle(first, size,
               [&](std::size_t begin, std::size_t count) { zeroed.emplace_back(begin, count); });
  return zeroed;
}

}  // namespace

TEST_CASE("the first write of a whole part may assign", "[unwritten]") {
  UnwrittenParts parts({{0, 5}, {16, 8}, {32, 1}});
  CHECK(!parts.take(0, 5));  // there are zeros
  parts.forget();
  CHECK(parts.take(16, 8));
  CHECK(!parts.take(16, 8));
  CHECK(!parts.take(0, 4));
  CHECK(!parts.take(1, 4));
  CHECK(!parts.take(0, 16));
  CHECK(!parts.take(40, 1));
  CHECK(parts.take(0, 5));
  CHECK(settled(parts, 0, 33) == std::vector<std::pair<std::size_t, std::size_t>>{{32, 1}});
  CHECK(!parts.take(32, 1));
  parts.forget();
  parts.mark_written();
  CHECK(!parts.take(0, 5));
}

TEST_CASE("parts that are touched are zeroed once, and whole", "[unwritten]") {
  UnwrittenParts parts({{0, 5}, {16, 8}, {32, 1}});
  parts.forget();
  CHECK(settled(parts, 18, 2) == std::vector<std::pair<std::size_t, std::size_t>>{{16, 8}});
  CHECK(settled(parts, 18, 2).empty());
  CHECK(settled(parts, 6, 3).empty());  // between two parts
  CHECK(settled(parts, 4, 29) == std::vector<std::pair<std::size_t, std::size_t>>{{0, 5}, {32, 1}});
  UnwrittenParts none;
  none.forget();
  CHECK(settled(none, 0, 10).empty());
  CHECK(!none.take(0, 0));
}
