#include "coca/evaluation/retrieval.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "catch.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using Ranks = std::vector<std::size_t>;

namespace {

// Angles in degrees as embeddings [count, 2], of different lengths.
std::vector<float> directions(const std::vector<double>& degrees) {
  std::vector<float> values;
  for (std::size_t i = 0; i < degrees.size(); ++i) {
    const double angle = degrees[i] * 3.14159265358979 / 180, length = 1 + static_cast<double>(i);
    values.push_back(static_cast<float>(length * std::cos(angle)));
    values.push_back(static_cast<float>(length * std::sin(angle)));
  }
  return values;
}

}  // namespace

TEST_CASE("Ranks count the candidates before the first that fits", "[evaluation]") {
  const auto images = directions({0, 50, 90}), texts = directions({4, 10, 60, 80, 40});
  const Ranks image_groups{0, 1, 2}, text_groups{7, 0, 2, 2, 1};
  const GroupedEmbeddings left{images, image_groups}, right{texts, text_groups};
  // From 0: 4 (wrong), then 10. From 50: 60 and 40 are equally near or so. From 90: 80 fits.
  CHECK(retrieval_ranks(left, right)[0] == 1);
  CHECK(retrieval_ranks(left, right)[2] == 0);
  CHECK(retrieval_ranks(right, left) == Ranks{never_found, 0, 1, 0, 0});
}

TEST_CASE("A caption of several pictures, a picture of several captions", "[evaluation]") {
  const auto images = directions({0, 90, 100}), texts = directions({2, 45, 95});
  const Ranks image_groups{0, 1, 1}, text_groups{0, 0, 1};
  CHECK(retrieval_ranks({images, image_groups}, {texts, text_groups}) == Ranks{0, 0, 0});
  CHECK(retrieval_ranks({texts, text_groups}, {images, image_groups})[2] == 0);
}

TEST_CASE("Equally near is not nearer, and NaN finds nothing", "[evaluation]") {
  const std::vector<float> same(8, 1.0f);
  const Ranks groups{0, 1, 2, 3};
  CHECK(retrieval_ranks({same, groups}, {same, groups}) == Ranks{3, 3, 3, 3});
  std::vector<float> broken = directions({0, 30, 60, 90});
  broken[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(retrieval_ranks({broken, groups}, {directions({0, 30, 60, 90}), groups})[0] == never_found);
  CHECK(retrieval_ranks({std::vector<float>(8, 0.0f), groups}, {same, groups})[0] == 3);
}

TEST_CASE("Equally near may be in order", "[evaluation]") {
  const std::vector<float> same(8, 1.0f);
  const Ranks groups{0, 1, 2, 1};
  CHECK(retrieval_ranks({same, groups}, {same, groups}, Ties::in_order) == Ranks{0, 1, 2, 1});
  const std::vector<float> none(8, -1.0f);
  CHECK(retrieval_ranks({same, groups}, {none, groups}, Ties::in_order) == Ranks{0, 1, 2, 1});
}

TEST_CASE("Ranks do not depend on which queries are computed together", "[evaluation]") {
  std::vector<double> degrees;
  Ranks groups;
  for (std::size_t i = 0; i < 21; ++i) {
    degrees.push_back(static_cast<double>(i * i * 37 % 360));
    groups.push_back(i % 7);
  }
  const auto values = directions(degrees);
  const Ranks together = retrieval_ranks({values, groups}, {values, groups});
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::span<const float> query(values.data() + 2 * i, 2);
    const Ranks group{groups[i]};
    CHECK(retrieval_ranks({query, group}, {values, groups}) == Ranks{together[i]});
  }
}

TEST_CASE("Recall at 1, 5 and 10", "[evaluation]") {
  const Recall found = recall(Ranks{0, 1, 4, 5, 9, 10, never_found, 0});
  CHECK(found.at_1 == 2.0 / 8);
  CHECK(found.at_5 == 4.0 / 8);
  CHECK(found.at_10 == 6.0 / 8);
  CHECK(testing::error_of([] { recall({}); }) == "recall needs at least one query");
}

TEST_CASE("Retrieval goes both ways", "[evaluation]") {
  const auto images = directions({0, 90}), texts = directions({1, 2, 3, 88});
  const Ranks image_groups{0, 1}, text_groups{0, 0, 1, 1};
  const RetrievalScores scores = retrieval({images, image_groups}, {texts, text_groups});
  CHECK(scores.image_to_text.at_1 == 1.0);
  CHECK(scores.text_to_image.at_1 == 0.75);
  CHECK(scores.text_to_image.at_5 == 1.0);
}

TEST_CASE("Embeddings of wrong sizes are reported", "[evaluation]") {
  const std::vector<float> six(6, 1.0f), eight(8, 1.0f);
  const Ranks two{0, 1}, four{0, 1, 2, 3};
  CHECK(testing::error_of([&] {
          retrieval_ranks({six, four}, {eight, four});
        }) ==
        "the queries have 6 values for 4 embeddings, expected the same number for each, and at "
        "least one");
  CHECK(testing::error_of([&] {
          retrieval_ranks({six, two}, {eight, four});
        }) == "the queries have width 3, the candidates 2");
  CHECK(testing::error_of([&] {
          retrieval_ranks({six, two}, {});
        }) ==
        "the candidates have 0 values for 0 embeddings, expected the same number for each, and at "
        "least one");
}
