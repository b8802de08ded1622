#include "coca/text/clip_vocabulary.hpp"

#include <algorithm>

#include "catch.hpp"

TEST_CASE("CLIP's merges are all there, in literals that every compiler takes") {
  std::ptrdiff_t lines = 0;
  for (const std::string_view chunk : coca::detail::clip_merges) {
    CHECK(chunk.size() < 60'000);
    CHECK(chunk.ends_with('\n'));
    lines += std::count(chunk.begin(), chunk.end(), '\n');
  }
  CHECK(lines == 48'894);
  CHECK(coca::detail::clip_merges.front().starts_with("i n\nt h\na n\n"));
  CHECK(coca::detail::clip_merges.back().ends_with("\njeky ll</w>\n"));
}
