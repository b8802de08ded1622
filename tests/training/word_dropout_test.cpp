#include "coca/training/word_dropout.hpp"

#include <cctype>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace {

/// Records with captions and no pictures.
struct Captions {
  std::vector<std::vector<std::string>> texts;

  std::size_t size() const { return texts.size(); }
  Record record(std::size_t i) const { return {std::to_string(i), texts[i], {}}; }
  std::vector<std::uint8_t> read(std::size_t) const { return {}; }
};

// "tone" 99 times, the others once each.
Captions captions() {
  Captions data;
  for (int i = 0; i < 99; ++i) data.texts.push_back({"tone"});
  data.texts.push_back({"giraffe, turtle", "élan: umbrella"});
  return data;
}

RandomDraws draws(std::uint64_t index) { return RandomDraws({.seed = 1, .index = index}, "words"); }

}  // namespace

TEST_CASE("the rarer a word, the more likely it is replaced", "[training]") {
  const WordDropout dropout(captions(), {.chance = 0.6, .count = 99});
  CHECK(dropout.chance(U"unseen") == Approx(0.6));
  CHECK(dropout.chance(U"tone") == Approx(0.3));
  CHECK(dropout.chance(U"Tone") == dropout.chance(U"tone"));
  CHECK(dropout.chance(U"giraffe") == Approx(0.594));
  CHECK(dropout.chance(U"Élan") == dropout.chance(U"élan"));
  constexpr std::uint64_t texts = 4000;
  int tones = 0, unseen = 0;
  for (std::uint64_t i = 0; i < texts; ++i) {
    const std::string read = dropout("tone unseen", draws(i));
    tones += read.substr(0, read.find(' ')) != "tone";
    unseen += read.substr(read.find(' ') + 1) != "unseen";
  }
  // Of 0.3 and 0.6, four of five: halves of one word, of five, are a word of the captions.
  CHECK(std::abs(tones / double{texts} - 0.24) < 0.03);
  CHECK(std::abs(unseen / double{texts} - 0.48) < 0.03);
}

TEST_CASE("made-up words are halves of two words, and none of the captions", "[training]") {
  const WordDropout dropout(captions(), {.chance = 0.9, .count = 1000});
  const std::set<std::string> possible{"giraan",  "giraella", "girane", "giratle", "toan",
                                       "toella",  "toffe",    "totle",  "turan",   "turella",
                                       "turffe",  "turne",    "umbran", "umbrffe", "umbrne",
                                       "umbrtle", "élella",   "élffe",  "élne",    "éltle"};
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < 500; ++i) seen.insert(dropout("unseen", draws(i)));
  seen.erase("unseen");  // what would have been a word of the captions
  CHECK(seen == possible);
}

TEST_CASE("what is between words is unchanged, and so is everything with probability 0",
          "[training]") {
  const std::string text = "  giraffe,turtle:  (tone)!\n";
  const WordDropout never(captions(), {.chance = 0});
  CHECK(never(text, draws(0)) == text);
  CHECK(never("", draws(0)).empty());
  const WordDropout often(captions(), {.chance = 0.99, .count = 100000});
  const std::string read = often(text, draws(3));
  CHECK(read != text);
  std::string between;
  for (const char c : read)
    if (static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) == 0)
      between += c;
  CHECK(between == "  ,:  ()!\n");
  CHECK(often("\u201c \u2014 \u201d", draws(3)) == "\u201c \u2014 \u201d");
  CHECK(often(text, draws(3)) == read);
  CHECK(often(text, draws(4)) != read);
}

TEST_CASE("captions without words to make others from are unchanged", "[training]") {
  const WordDropout none(Captions{{{"a b", "of it"}, {}}}, {.chance = 0.99, .count = 1000});
  for (std::uint64_t i = 0; i < 20; ++i) CHECK(none("of what", draws(i)) == "of what");
}

TEST_CASE("word dropout refuses shares and counts out of range", "[training]") {
  const auto make = [](WordDropoutOptions options) { return WordDropout(captions(), options); };
  CHECK_THROWS_WITH(make({.chance = 1}),
                    "word_dropout is 1.000000, expected at least 0 and below 1");
  CHECK_THROWS_WITH(make({.chance = std::nan("")}),
                    "word_dropout is nan, expected at least 0 and below 1");
  CHECK_THROWS_WITH(make({.chance = 0.1, .count = 0}),
                    "word_dropout_count is 0, expected at least 1");
}
