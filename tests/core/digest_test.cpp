#include "coca/core/digest.hpp"

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"

using coca::Digest;

TEST_CASE("digests are those of FNV-1a") {
  const auto of = [](std::string_view bytes) {
    Digest digest;
    digest.add(bytes);
    return digest.text();
  };
  // Of the authors' test vectors.
  CHECK(of("") == "cbf29ce484222325");
  CHECK(of("a") == "af63dc4c8601ec8c");
  CHECK(of("foobar") == "85944171f73967e8");
}

TEST_CASE("texts do not run into each other in a digest") {
  const auto of = [](std::string_view a, std::string_view b) {
    Digest digest;
    digest.add_text(a);
    digest.add_text(b);
    return digest.value();
  };
  CHECK(of("a", "bc") != of("ab", "c"));
  CHECK(of("a", "bc") == of("a", "bc"));
}

TEST_CASE("each bit of each number changes a digest of floats, and so do pairs of signs") {
  std::vector<float> values{0.0f, 1.0f, -2.5f, 1e-30f, 0.0f};
  const auto of = [](const std::vector<float>& some) {
    coca::FloatDigest digest;
    digest.add(some);
    return digest.text();
  };
  const std::string whole = of(values);
  CHECK(whole.size() == 16);
  for (float& value : values)
    for (int bit = 0; bit < 32; ++bit) {
      const auto flip = [&] {
        value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^ std::uint32_t{1} << bit);
      };
      flip();
      CHECK(of(values) != whole);
      flip();
    }
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    std::vector<float> other = values;
    other[i] = -other[i];
    other[i + 1] = -other[i + 1];
    CHECK(of(other) != whole);
  }
  CHECK(of({0.0f}) != of({0.0f, 0.0f}));
  coca::FloatDigest parts;  // does not depend on how the numbers are passed
  parts.add(std::span(values).first(2));
  parts.add(std::span(values).subspan(2));
  CHECK(parts.text() == whole);
}
