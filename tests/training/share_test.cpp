#include "coca/training/share.hpp"

#include <cmath>

#include "catch.hpp"

using namespace coca;

TEST_CASE("a share is at least 0 and below 1", "[training]") {
  CHECK_NOTHROW(expect_share(0, "patch_dropout"));
  CHECK_NOTHROW(expect_share(0.999, "patch_dropout"));
  for (const double share : {1.0, -0.001, 2.0, std::nan("")})
    CHECK_THROWS_AS(expect_share(share, "patch_dropout"), ArgumentError);
  CHECK_THROWS_WITH(expect_share(1, "patch_dropout"),
                    "patch_dropout is 1.000000, expected at least 0 and below 1");
}
