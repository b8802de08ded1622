#include "comparison.hpp"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace coca::testing;

namespace {
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
}  // namespace

TEST_CASE("close accepts up to the tolerance and no further", "[comparison]") {
  CHECK(close(1.0, 1.5, 0.5));
  CHECK(close(1.5, 1.0, 0.5));
  CHECK_FALSE(close(1.0, 1.5, 0.49));
  CHECK_FALSE(close(1.5, 1.0, 0.49));
  CHECK(close(-2.0, -2.0, 0.0));
  CHECK_FALSE(close(2.0, 2.0, -1.0));
}

TEST_CASE("NaN is close to nothing", "[comparison]") {
  CHECK_FALSE(close(no_number, 1.0, 10.0));
  CHECK_FALSE(close(1.0, no_number, 10.0));
  CHECK_FALSE(close(no_number, no_number, infinity));
  CHECK_FALSE(close(1.0, 1.0, no_number));
  CHECK_FALSE(close(infinity, infinity, no_number));
}

TEST_CASE("only an equal infinity is close to an infinity", "[comparison]") {
  CHECK(close(infinity, infinity, 0.0));
  CHECK(close(-infinity, -infinity, 0.0));
  CHECK_FALSE(close(infinity, -infinity, infinity));
  CHECK_FALSE(close(1e300, infinity, infinity));
  CHECK_FALSE(close(infinity, 1e300, infinity));
}

TEST_CASE("identical requires the same number, NaN for NaN", "[comparison]") {
  CHECK(identical(3.0, 3.0));
  CHECK(identical(no_number, no_number));
  CHECK_FALSE(identical(no_number, 3.0));
  CHECK_FALSE(identical(3.0, no_number));
  CHECK_FALSE(identical(3.0, 3.0000001));
}

TEST_CASE("the unit roundoff is half of epsilon", "[comparison]") {
  CHECK(unit_roundoff<float> == 0x1p-24);
  CHECK(unit_roundoff<double> == 0x1p-53);
}

TEST_CASE("first_difference names the first element that differs", "[comparison]") {
  const std::vector<double> expected{1, 2, 4};
  CHECK(first_difference(std::vector<float>{1, 2, 4}, expected, 0) == "");
  CHECK(first_difference(std::vector<float>{1, 2.5f, 9}, expected, 0.25) ==
        "element 1 of 3: got 2.5, expected 2 within 0.250000");
  CHECK(first_difference(std::vector<double>{1, 2, no_number}, expected, 1e9) ==
        "element 2 of 3: got nan, expected 4 within 1000000000.000000");
  CHECK(first_difference(std::vector<double>{1, 2}, expected, 1) == "got 2 elements, expected 3");
}

TEST_CASE("first_difference takes a tolerance for each element", "[comparison]") {
  const std::array<double, 2> expected{1, 1};
  const std::array<double, 2> actual{1.5, 1.5};
  CHECK(first_difference(actual, expected, std::vector<double>{0.5, 0.5}) == "");
  CHECK(first_difference(actual, expected, std::vector<double>{0.5, 0.1}) ==
        "element 1 of 2: got 1.5, expected 1 within 0.100000");
  CHECK(first_difference(actual, expected, std::vector<double>{0.5}) ==
        "element 1 of 2: got 1.5, expected 1 within nan");
}

TEST_CASE("first_inequality allows no difference at all", "[comparison]") {
  CHECK(first_inequality(std::vector<double>{1, no_number}, std::vector<double>{1, no_number}) ==
        "");
  CHECK(first_inequality(std::vector<double>{1, 2}, std::vector<double>{1, no_number}) ==
        "element 1 of 2: got 2, expected nan");
  CHECK(first_inequality(std::vector<double>{}, std::vector<double>{1}) ==
        "got 0 elements, expected 1");
}
