#include "coca/evaluation/rouge.hpp"

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

TEST_CASE("ROUGE-L takes the best precision and the best recall of any reference", "[evaluation]") {
  // Precision 2/3 from the first, recall 1 from the second.
  const std::vector<JudgedCaption> captions{{"a b x", {"a b c d", "x"}}};
  const double p = 2.0 / 3, r = 1, b = 1.2 * 1.2;
  CHECK(testing::close(rouge_l(captions).mean, (1 + b) * p * r / (r + b * p), 1e-12));
}

TEST_CASE("ROUGE-L of an empty caption", "[evaluation]") {
  CHECK(rouge_l(std::vector<JudgedCaption>{{"", {"a dog"}}}).mean == 0);
  CHECK(rouge_l(std::vector<JudgedCaption>{{".", {"!"}}}).mean == 1);
}

TEST_CASE("Words count in their order", "[evaluation]") {
  CHECK(detail::longest_common({"a", "b", "c", "d"}, {"b", "a", "d", "c", "d"}) == 3);
  CHECK(detail::longest_common({"a"}, {}) == 0);
}

TEST_CASE("ROUGE-L of nothing is an error", "[evaluation]") {
  CHECK(testing::error_of([] { rouge_l({}); }) == "there are no captions to evaluate");
}
