#include "coca/evaluation/caption_words.hpp"

#include "catch.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using Words = std::vector<std::string>;

TEST_CASE("Captions fall into Penn Treebank words", "[evaluation]") {
  CHECK(caption_words("A red Apple.") == Words{"a", "red", "apple"});
  CHECK(caption_words("man: medium-dark skin tone") == Words{"man", "medium-dark", "skin", "tone"});
  CHECK(caption_words("wizard's hat") == Words{"wizard", "'s", "hat"});
  CHECK(caption_words("") == Words{});
}

TEST_CASE("Words are those that pycocoevalcap compares", "[evaluation]") {
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
