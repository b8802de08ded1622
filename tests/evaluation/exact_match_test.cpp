#include "coca/evaluation/exact_match.hpp"

#include "catch.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

TEST_CASE("A caption matches one of its references, or does not", "[evaluation]") {
  const std::vector<JudgedCaption> captions{{"a frog", {"toad", "A frog."}},
                                            {"frog", {"A frog."}},
                                            {"1 0 cents", {"10 cents"}},
                                            {"", {"a frog"}}};
  CHECK(exact_match(captions) == 0.5);
}

TEST_CASE("Exact matches of nothing are an error", "[evaluation]") {
  CHECK(testing::error_of([] { exact_match({}); }) == "there are no captions to evaluate");
}
