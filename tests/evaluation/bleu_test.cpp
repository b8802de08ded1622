#include "coca/evaluation/bleu.hpp"

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using testing::first_difference;

TEST_CASE("BLEU equals pycocoevalcap's", "[evaluation]") {
  for (const std::string& corpus : testing::corpora) {
    INFO(corpus);
    const auto expected = testing::expected_scores(corpus)["bleu"].get<std::vector<double>>();
    CHECK(first_difference(bleu(testing::judged_captions(corpus)), expected, 1e-12) == "");
  }
}

TEST_CASE("BLEU of perfect captions is 1", "[evaluation]") {
  const std::vector<JudgedCaption> captions{{"a man with a red hat", {"A man with a red hat."}},
                                            {"two cats on a mat", {"dogs", "two cats on a mat"}}};
  CHECK(first_difference(bleu(captions), std::vector<double>(4, 1.0), 1e-8) == "");
}

TEST_CASE("BLEU counts a word as often as one reference has it", "[evaluation]") {
  const std::vector<JudgedCaption> captions{
      {"the the the the the the", {"the cat is on the mat", "the red hat of mine here"}}};
  CHECK(testing::close(bleu(captions)[0], 2.0 / 6, 1e-9));
}

TEST_CASE("BLEU of nothing is an error", "[evaluation]") {
  CHECK(testing::error_of([] { bleu({}); }) == "there are no captions to evaluate");
  const std::vector<JudgedCaption> captions{{"a", {"a"}}, {"a frog", {}}};
  CHECK(testing::error_of([&] { bleu(captions); }) ==
        "caption 1, \"a frog\", has no reference to compare with");
}
