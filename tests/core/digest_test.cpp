#include "coca/core/digest.hpp"

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
