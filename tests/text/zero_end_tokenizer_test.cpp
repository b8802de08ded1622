#include "coca/text/zero_end_tokenizer.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/text/clip_tokenizer.hpp"

using namespace coca;

TEST_CASE("Texts end with token 0 in place of the end token") {
  const ZeroEndTokenizer tokenizer{ClipTokenizer()};
  CHECK(tokenizer.encode("a cow") == ClipTokenizer().encode("a cow"));
  CHECK(tokenizer.vocab_size() == 49408);
  const std::vector<std::int32_t> ids = tokenizer.encode("a cow");
  CHECK(tokenize(tokenizer, "a cow", 5).ids ==
        std::vector<std::int32_t>{49406, ids[0], ids[1], 0, 0});
  CHECK(tokenize(tokenizer, "a cow", 3).ids == std::vector<std::int32_t>{49406, ids[0], 0});
  CHECK(tokenizer.decode(ids) == ClipTokenizer().decode(ids));
}
