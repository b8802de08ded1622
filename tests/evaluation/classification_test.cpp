#include "coca/evaluation/classification.hpp"

#include <cmath>

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace {

const Json& classification_fixture() {
  static const Json fixture =
      read_json_file(COCA_TEST_DATA "/evaluation/classification_metrics.json");
  return fixture;
}

template <class T>
std::vector<T> flat(const Json& rows) {
  std::vector<T> values;
  for (const Json& row : rows)
    for (const Json& value : row) values.push_back(value.get<T>());
  return values;
}

}  // namespace

TEST_CASE("Classification metrics equal scikit-learn's", "[evaluation]") {
  const Json& expected = classification_fixture();
  const auto scores = flat<float>(expected["logits"]);
  const auto labels = expected["labels"].get<std::vector<std::size_t>>();
  const ClassificationScores found = classification_scores(scores, labels, 7);
  CHECK(testing::close(found.top_1, expected["acc1"].get<double>(), 1e-12));
  REQUIRE(found.top_5);
  CHECK(testing::close(*found.top_5, expected["acc5"].get<double>(), 1e-12));
  CHECK(
      testing::close(found.mean_per_class, expected["mean_per_class_recall"].get<double>(), 1e-12));
  CHECK(found.confusion == expected["confusion"].get<std::vector<std::vector<std::size_t>>>());
  for (std::size_t c = 0; c < 7; ++c) {
    const Json& row = expected["per_class"][std::to_string(c)];
    CHECK(testing::close(found.classes[c].precision, row["precision"].get<double>(), 1e-12));
    CHECK(testing::close(found.classes[c].recall, row["recall"].get<double>(), 1e-12));
    CHECK(testing::close(found.classes[c].f1, row["f1-score"].get<double>(), 1e-12));
    CHECK(found.classes[c].count == row["support"].get<std::size_t>());
  }
}

TEST_CASE("Mean average precision equals CLIP_benchmark's", "[evaluation]") {
  const Json& expected = classification_fixture()["multilabel"];
  const auto scores = flat<float>(expected["scores"]);
  const auto targets = flat<std::uint8_t>(expected["targets"]);
  CHECK(testing::first_difference(average_precisions(scores, targets, 3),
                                  expected["average_precision"].get<std::vector<double>>(),
                                  1e-12) == "");
  CHECK(testing::close(mean_average_precision(scores, targets, 3),
                       expected["mean_average_precision"].get<double>(), 1e-12));
  CHECK(average_precisions(std::vector<float>{1, 2}, std::vector<std::uint8_t>{0, 1}, 2) ==
        std::vector<double>{0, 1});
}

TEST_CASE("Equally high classes rank by their order, and few have no top five", "[evaluation]") {
  const std::vector<float> same{1, 1, 1, 1, 1, 1};
  CHECK(classification_scores(same, std::vector<std::size_t>{0}, 6).top_1 == 1);
  CHECK(classification_scores(same, std::vector<std::size_t>{1}, 6).top_1 == 0);
  CHECK(classification_scores(same, std::vector<std::size_t>{4}, 6).top_5 == 1.0);
  CHECK(classification_scores(same, std::vector<std::size_t>{5}, 6).top_5 == 0.0);
  CHECK_FALSE(classification_scores(std::vector<float>(4), std::vector<std::size_t>{0}, 4).top_5);
  CHECK(classification_scores(std::vector<float>{3}, std::vector<std::size_t>{0}, 1).top_1 == 1);
}

TEST_CASE("A confusion matrix is a table", "[evaluation]") {
  const std::vector<std::string> names{"cat", "a \"dog\", big"};
  CHECK(confusion_csv({{1, 2}, {0, 30}}, names) ==
        "true class,cat,\"a \"\"dog\"\", big\"\ncat,1,2\n\"a \"\"dog\"\", big\",0,30\n");
  CHECK(testing::error_of([] { confusion_csv({{1}}, {}); }) == "there are 0 names for 1 class");
}

TEST_CASE("Scores that do not fit are refused", "[evaluation]") {
  const std::vector<std::size_t> two{0, 2};
  CHECK(testing::error_of([&] { classification_scores(std::vector<float>(5), two, 3); }) ==
        "there are 5 scores, expected 2 pictures times 3 classes, and at least one");
  CHECK(testing::error_of([&] { classification_scores(std::vector<float>(4), two, 2); }) ==
        "picture 1 is of class 2, but there are 2 classes");
  std::vector<float> bad(6);
  bad[4] = std::nanf("");
  CHECK(testing::error_of([&] { classification_scores(bad, two, 3); }) ==
        "a score of picture 1 is not a number (NaN)");
  CHECK(testing::error_of([&] { classification_scores({}, {}, 3); }) ==
        "there are 0 scores, expected 0 pictures times 3 classes, and at least one");
  CHECK(testing::error_of([&] {
          average_precisions(std::vector<float>(2), std::vector<std::uint8_t>(3), 2);
        }) == "there are 3 targets for 2 scores");
}

TEST_CASE("Scores of very many classes have no confusion matrix", "[evaluation]") {
  // One picture of 5,000,000 classes: a matrix would have 25 million million elements.
  constexpr std::size_t classes = 5'000'000;
  std::vector<float> scores(classes);
  scores[7] = 1;
  const std::vector<std::size_t> label{7};
  const ClassificationScores found = classification_scores(scores, label, classes);
  CHECK(found.top_1 == 1);
  CHECK(found.mean_per_class == 1);
  CHECK(found.classes[7].precision == 1);
  CHECK(found.classes[8].count == 0);
  CHECK(found.confusion.empty());
  const std::vector<std::string> names(most_confused_classes + 1, "x");
  CHECK(testing::error_of([&] { confusion_csv({}, names); }) ==
        "there is no confusion matrix of 4097 classes, at most of 4096");
  const std::vector<float> few(most_confused_classes);
  CHECK(classification_scores(few, label, most_confused_classes).confusion.size() ==
        most_confused_classes);
}
