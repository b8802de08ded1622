#include "coca/core/counted.hpp"

#include "catch.hpp"

namespace counted_test {

using coca::counted;
using coca::there_are;

TEST_CASE("one is singular, every other number is plural") {
  CHECK(counted(0, "step") == "0 steps");
  CHECK(counted(1, "step") == "1 step");
  CHECK(counted(2, "step") == "2 steps");
  CHECK(counted(1, "class", "classes") == "1 class");
  CHECK(counted(0, "class", "classes") == "0 classes");
  CHECK(counted(18446744073709551615u, "GIF picture") == "18446744073709551615 GIF pictures");
  CHECK(counted(-1, "thread") == "-1 threads");
}

TEST_CASE("the verb agrees with the number") {
  CHECK(there_are(1, "class", "classes") == "there is 1 class");
  CHECK(there_are(0, "score") == "there are 0 scores");
  CHECK(there_are(3, "score") == "there are 3 scores");
}

}  // namespace counted_test
