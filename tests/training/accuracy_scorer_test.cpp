#include "coca/training/accuracy_scorer.hpp"

#include <cmath>
#include <limits>

#include "catch.hpp"

using namespace coca;

namespace {

std::size_t rank(const std::vector<float>& logits, std::size_t label) {
  return rank_of(std::span(logits), label);
}

NamedNumbers scores(const std::vector<float>& logits, const std::vector<std::int32_t>& labels) {
  AccuracyScorer scorer;
  scorer.add(std::span(logits), std::span(labels));
  return scorer.scores();
}

}  // namespace

TEST_CASE("classes are ranked as argmax and topk rank them") {
  CHECK(rank({3, 1, 2}, 0) == 0);
  CHECK(rank({3, 1, 2}, 1) == 2);
  CHECK(rank({3, 1, 2}, 2) == 1);
  CHECK(rank({-3, -1, -2}, 1) == 0);
  CHECK(rank({2, 2, 2}, 0) == 0);
  CHECK(rank({2, 2, 2}, 2) == 2);
}

TEST_CASE("a logit that is not finite is never right") {
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  CHECK(rank({nan, 1, 2}, 0) == 3);
  CHECK(rank({infinity, 1}, 0) == 2);
  CHECK(rank({-infinity, 1}, 0) == 2);
  CHECK(rank({nan, 1, 2}, 2) == 1);
  CHECK(rank({nan, nan}, 0) == 2);
  CHECK(rank({infinity, 1}, 1) == 1);
}

TEST_CASE("accuracy is a share of the pictures that have a label") {
  CHECK(scores({1, 0, 0, 1, 1, 0}, {0, 1, 1}) == NamedNumbers{{"accuracy.top_1", 2.0 / 3}});
  CHECK(scores({1, 0, 0, 1}, {no_label, 1}) == NamedNumbers{{"accuracy.top_1", 1.0}});
  CHECK(scores({1, 0}, {no_label}).empty());
  const std::vector<float> six{6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1};
  CHECK(scores(six, {4, 5}) == NamedNumbers{{"accuracy.top_1", 0}, {"accuracy.top_5", 0.5}});
}
