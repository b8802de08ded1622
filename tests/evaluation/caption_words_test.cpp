#include "coca/evaluation/caption_words.hpp"

#include "catch.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using Words = std::vector<std::string>;

TEST_CASE("Captions fall into lower-case words", "[evaluation]") {
  CHECK(caption_words("A red Apple.") == Words{"a", "red", "apple"});
  CHECK(caption_words("man: medium-dark skin tone") ==
        Words{"man", "medium", "dark", "skin", "tone"});
  CHECK(caption_words("wizard's hat") == Words{"wizard", "s", "hat"});
  CHECK(caption_words("10 cents2go") == Words{"1", "0", "cents", "2", "go"});
  CHECK(caption_words("  ...\t\n!") == Words{});
  CHECK(caption_words("") == Words{});
  CHECK(caption_words("Café 東京") == Words{"café", "東京"});
}

TEST_CASE("What CLIP's tokenizer decodes has the words of the original", "[evaluation]") {
  CHECK(caption_words("man : medium - dark skin tone , 1 0 cents wizard 's hat ") ==
        caption_words("Man: medium-dark skin tone, 10 cents. Wizard's hat!"));
}

TEST_CASE("Words are those that pycocoevalcap was given", "[evaluation]") {
  for (const std::string& corpus : testing::corpora) {
    const auto captions = testing::judged_captions(corpus);
    for (std::size_t i = 0; i < captions.size(); ++i) {
      std::string joined;
      for (const std::string& word : caption_words(captions[i].candidate))
        joined += (joined.empty() ? "" : " ") + word;
      CHECK(joined == testing::expected_scores(corpus)["words"][i].get<std::string>());
    }
  }
}

TEST_CASE("Runs of one to four words are counted", "[evaluation]") {
  const detail::NgramCounts counts = detail::count_ngrams({"a", "b", "a", "b", "a"});
  CHECK(counts.at({"a"}) == 3);
  CHECK(counts.at({"a", "b"}) == 2);
  CHECK(counts.at({"b", "a", "b"}) == 1);
  CHECK(counts.at({"b", "a", "b", "a"}) == 1);
  CHECK(counts.size() == 2 + 2 + 2 + 2);
  CHECK(detail::count_ngrams({}).empty());
}
