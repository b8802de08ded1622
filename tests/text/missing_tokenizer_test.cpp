#include "coca/text/missing_tokenizer.hpp"

#include <string>

#include "catch.hpp"

using namespace coca;

TEST_CASE("A missing tokenizer says which it is as soon as a text is read") {
  const MissingTokenizer tokenizer("bert-base-uncased", 32000);
  CHECK(tokenizer.vocab_size() == 32000);
  const std::string sentence =
      "the model reads texts with the tokenizer bert-base-uncased, which is not part of it; "
      "--tokenizer FILE gives it";
  CHECK_THROWS_WITH(tokenize(tokenizer, "a cow", 5), sentence);
  CHECK_THROWS_WITH(tokenizer.start_id(), sentence);
}
