#include "coca/evaluation/pair_scores.hpp"

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

TEST_CASE("Accuracy and consistency equal NLVR2's script's", "[evaluation]") {
  const std::string folder = COCA_TEST_DATA "/evaluation/formats/";
  const auto pairs = read_nlvr2(AnnotationFile(folder + "nlvr2_dev.json").text());
  const auto predictions = read_pair_predictions(
      coca_test::read_all(folder + "nlvr2_predictions.csv"), "nlvr2_predictions.csv");
  const PairScores scores = pair_scores(pairs, predictions);
  CHECK(testing::close(scores.accuracy, 2.0 / 3, 1e-12));
  CHECK(scores.consistency == 0.5);
  CHECK(scores.unanswered == 0);
}

TEST_CASE("A sentence is consistent if all its pairs are right", "[evaluation]") {
  const std::vector<PicturePair> pairs{{"d-1-0-0", "d-1-0", "", "", "", true},
                                       {"d-1-1-0", "d-1-0", "", "", "", false},
                                       {"d-2-0-0", "d-2-0", "", "", "", true}};
  const std::vector<PairPrediction> predictions{{"d-1-0-0", true}, {"d-1-1-0", true}, {"x", true}};
  const PairScores scores = pair_scores(pairs, predictions);
  CHECK(scores.accuracy == 0.5);
  CHECK(scores.consistency == 0);
  CHECK(scores.unanswered == 1);
  CHECK(scores.unknown == 1);
  CHECK(testing::error_of([&] { pair_scores(pairs, {}); }) == "none of the pairs has a prediction");
}
