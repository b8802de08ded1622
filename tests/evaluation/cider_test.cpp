#include "coca/evaluation/cider.hpp"

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using testing::first_difference;

TEST_CASE("CIDEr-D equals pycocoevalcap's", "[evaluation]") {
  for (const std::string& corpus : testing::corpora) {
    INFO(corpus);
    const Json& expected = testing::expected_scores(corpus);
    const CiderScore score = cider(testing::judged_captions(corpus));
    CHECK(testing::close(score.mean, expected["cider"].get<double>(), 1e-12));
    CHECK(first_difference(score.each, expected["cider_each"].get<std::vector<double>>(), 1e-12) ==
          "");
  }
}

TEST_CASE("CIDEr-D of long perfect captions is 10", "[evaluation]") {
  const std::vector<JudgedCaption> captions{
      {"green frogs like small ponds", {"Green frogs like small ponds."}},
      {"one man wears his hat", {"one man wears his hat"}}};
  const CiderScore score = cider(captions);
  CHECK(testing::close(score.mean, 10, 1e-12));
  CHECK(first_difference(score.each, std::vector<double>{10, 10}, 1e-12) == "");
}

TEST_CASE("CIDEr-D of nothing is an error", "[evaluation]") {
  CHECK(testing::error_of([] { cider({}); }) == "there are no captions to evaluate");
  const std::vector<JudgedCaption> captions{{"a frog", {}}};
  CHECK(testing::error_of([&] { cider(captions); }) ==
        "caption 0, \"a frog\", has no reference to compare with");
}
