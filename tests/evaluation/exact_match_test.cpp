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

TEST_CASE("Captions match as they are read aloud", "[evaluation]") {
  using Words = std::vector<std::string>;
  CHECK(detail::spoken_words("man: medium-dark skin tone") ==
        Words{"man", "medium", "dark", "skin", "tone"});
  CHECK(detail::spoken_words("wizard's hat") == Words{"wizard", "s", "hat"});
  CHECK(detail::spoken_words("10 cents2go") == Words{"1", "0", "cents", "2", "go"});
  CHECK(detail::spoken_words("  ...\t\n!") == Words{});
  CHECK(detail::spoken_words("Café 東京") == Words{"café", "東京"});
}

TEST_CASE("What CLIP's tokenizer decodes has the words of the original", "[evaluation]") {
  CHECK(detail::spoken_words("man : medium - dark skin tone , 1 0 cents wizard 's hat ") ==
        detail::spoken_words("Man: medium-dark skin tone, 10 cents. Wizard's hat!"));
}
