#include "coca/pipelines/class_probabilities.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace class_probabilities_test {

TEST_CASE("classes are ranked by their probabilities") {
  const std::vector<std::string> names{"a", "b", "c"};
  // softmax of 0, log 2, log 5: 1/8, 2/8, 5/8
  const std::vector<float> logits{0, std::log(2.0f), std::log(5.0f)};
  const auto ranked = ranked_classes(logits, names);
  REQUIRE(ranked.size() == 3);
  CHECK(ranked[0].label == "c");
  CHECK(ranked[1].label == "b");
  CHECK(ranked[2].label == "a");
  // the logarithms are floats: 6e-8 of their size, which is below 2
  CHECK(std::abs(ranked[0].probability - 0.625f) <= 2e-7f);
  CHECK(std::abs(ranked[2].probability - 0.125f) <= 2e-7f);
  // Far apart and far from 0 nothing overflows, and equal ones keep their order.
  const auto far = ranked_classes(std::vector<float>{-2e38f, 1e30f, 1e30f}, names);
  CHECK(far[0].label == "b");
  CHECK(far[0].probability == 0.5f);
  CHECK(far[2].probability == 0);
  CHECK_THROWS_WITH(ranked_classes(std::vector<float>{1, 2}, names),
                    "there are 2 logits for 3 classes");
}

}  // namespace class_probabilities_test
