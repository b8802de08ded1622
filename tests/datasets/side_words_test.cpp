#include "coca/data/side_words.hpp"

#include "catch.hpp"

using namespace coca;

namespace side_words_test {

TEST_CASE("Sentences that name a side must not be mirrored", "[data]") {
  for (const char* sentence :
       {"What is left of the dog?", "LEFT", "the right-hand side", "is it on the (right)?",
        "the leftmost bird", "a left", "What is to the\nRight?"})
    CHECK(names_a_side(sentence));
  for (const char* sentence :
       {"", "a bright day", "an upright piano", "a cleft", "lef", "righ", "above", "the ri ght"})
    CHECK_FALSE(names_a_side(sentence));
}

}  // namespace side_words_test
