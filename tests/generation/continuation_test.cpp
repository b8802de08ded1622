#include "coca/generation/continuation.hpp"

#include "catch.hpp"
#include "comparison.hpp"

using coca::detail::length_normalized;

TEST_CASE("length_normalized: score / length ^ penalty") {
  CHECK(length_normalized(-6, 3, 0) == -6.0f);
  CHECK(length_normalized(-6, 3, 1) == -2.0f);
  CHECK(length_normalized(-18, 3, 2) == -2.0f);
  CHECK(length_normalized(-6, 3, -1) == -18.0f);
  CHECK(coca::testing::close(double{length_normalized(-6, 4, 0.5f)}, -3, 1e-6));
  CHECK(length_normalized(-6, 1, 7) == -6.0f);
}

TEST_CASE("a continuation is initially empty") {
  const coca::Continuation continuation;
  CHECK(continuation.score == 0);
  CHECK(continuation.parent == 0);
  CHECK(continuation.token == 0);
}
