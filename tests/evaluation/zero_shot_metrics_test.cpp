#include "coca/evaluation/zero_shot_metrics.hpp"

#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace zero_shot_metrics_test {
using coca_test::message_of;

namespace {

// Cosines with the classes (1,0), (0,1), (1,0): the first and the last are equally near.
const std::vector<float> classes{1, 0, 0, 2, 3, 0};
const std::vector<float> images{5, 0, 0, 1, 0.6f, 0.8f};

}  // namespace

TEST_CASE("Scores of classes are cosines") {
  const std::vector<float> scores = class_scores({images, 2}, {classes, 2});
  const std::vector<float> expected{1, 0, 1, 0, 1, 0, 0.6f, 0.8f, 0.6f};
  REQUIRE(scores.size() == expected.size());
  for (std::size_t i = 0; i < scores.size(); ++i)
    CHECK(std::abs(scores[i] - expected[i]) <= 1e-6f);  // a few roundings of numbers below 1
  std::vector<float> many;
  for (int i = 0; i < 70; ++i) many.insert(many.end(), {1, static_cast<float>(i)});
  const std::vector<float> tiles = class_scores({many, 2}, {classes, 2});
  REQUIRE(tiles.size() == 210);
  CHECK(tiles[3 * 65] == class_scores({std::vector<float>{1, 65}, 2}, {classes, 2})[0]);
  CHECK(message_of([] {
          class_scores({images, 2}, {classes, 3});
        }) == "the pictures have width 2, the classes 3");
}

TEST_CASE("Equally near classes rank by their order") {
  const Metrics metrics = single_label_metrics({images, 2}, {classes, 2}, {2, 1, 1});
  REQUIRE(metrics.size() == 3);
  CHECK(metrics[0] == std::pair<std::string, std::optional<double>>("acc1", 2.0 / 3));
  CHECK_FALSE(metrics[1].second);  // fewer than five classes
  CHECK(metrics[2].first == "mean_per_class_recall");
  CHECK(metrics[2].second == 0.5);  // of the classes 1 and 2; the class 0 has no pictures
  CHECK(single_label_metrics({images, 2}, {classes, 2}, {0, 1, 1})[0].second == 1.0);
}

TEST_CASE("Top-5 exists from five classes on") {
  const std::vector<float> five{1, 0, 0.9f, 0.1f, 0.8f, 0.2f, 0.7f, 0.3f, 0.6f, 0.4f, 0, 1};
  const Metrics metrics =
      single_label_metrics({std::vector<float>{1, 0, 1, 0}, 2}, {five, 2}, {4, 5});
  CHECK(metrics[0].second == 0.0);
  CHECK(metrics[1].second == 0.5);
}

TEST_CASE("Pictures with several classes have a mean average precision") {
  // Class 0: its pictures are first and third: (1 + 2/3) / 2. Class 1: second of three by 0.8: the
  // picture 1 is first. Class 2 is ranked as class 0, and only the third picture has it: 1/2.
  const Metrics metrics = multi_label_metrics({images, 2}, {classes, 2}, {{0}, {1}, {0, 2}});
  REQUIRE(metrics.size() == 1);
  CHECK(metrics[0].first == "mean_average_precision");
  CHECK(std::abs(*metrics[0].second - (1.0 + 1.0 + 0.5) / 3) <= 1e-12);
  CHECK(message_of([] {
          multi_label_metrics({images, 2}, {classes, 2}, {{0}, {3}, {}});
        }) == "picture 1 is of class 3, but there are 3 classes");
}

}  // namespace zero_shot_metrics_test
