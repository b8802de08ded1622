#include "coca/data/picture_cache.hpp"

#include "catch.hpp"

namespace {
coca::TransparentImage picture(std::size_t side, bool opaque = true) {
  return {coca::Image(side, side), std::vector<std::uint8_t>(opaque ? 0 : side * side)};
}
}  // namespace

TEST_CASE("Pictures are kept until the memory is full") {
  coca::PictureCache cache(1000);
  CHECK(cache.find(4) == nullptr);
  const auto kept = cache.keep(4, picture(10, false));  // 400 bytes
  CHECK(cache.find(4) == kept);
  CHECK(cache.keep(5, picture(15))->color.width() == 15);  // 675 bytes: handed back, not kept
  CHECK(cache.find(5) == nullptr);
  cache.keep(6, picture(14));  // 588 bytes
  CHECK(cache.find(6) != nullptr);
  CHECK(cache.find(4) == kept);
  CHECK(cache.size() == 2);
  CHECK(cache.bytes() == 988);
}

TEST_CASE("A picture that two threads decoded counts once") {
  coca::PictureCache cache(1000);
  const auto first = cache.keep(1, picture(10));
  cache.keep(1, picture(10));
  CHECK(cache.find(1) == first);
  CHECK(cache.bytes() == 300);
}

TEST_CASE("Without memory nothing is kept") {
  coca::PictureCache cache(0);
  CHECK(cache.keep(1, picture(1)) != nullptr);
  CHECK(cache.size() == 0);
  CHECK(cache.bytes() == 0);
}
