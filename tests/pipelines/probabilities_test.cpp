#include "coca/pipelines/probabilities.hpp"

#include <cmath>
#include <span>
#include <vector>

#include "catch.hpp"

using namespace coca;

TEST_CASE("a softmax on the host does not overflow, and keeps small probabilities") {
  const std::vector<float> logits{1000, 1001, 0};
  const std::vector<double> probabilities = softmax_probabilities(std::span<const float>(logits));
  REQUIRE(probabilities.size() == 3);
  CHECK(std::abs(probabilities[0] - 1 / (1 + std::exp(1.0))) <= 1e-15);  // few roundings
  CHECK(std::abs(probabilities[1] - 1 / (1 + std::exp(-1.0))) <= 1e-15);
  CHECK(probabilities[2] == 0);
  CHECK(softmax_probabilities(std::span<const float>()).empty());
}

TEST_CASE("an order is by value, and of equal values by place") {
  const std::vector<double> values{0.25, 1, -3, 1, 0.25};
  CHECK(descending_order(std::span<const double>(values)) ==
        std::vector<std::size_t>{1, 3, 0, 4, 2});
  CHECK(descending_order(std::span<const double>()).empty());
}
