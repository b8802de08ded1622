#include "coca/text/ptb_tokenizer.hpp"

#include <fstream>
#include <string>

#include "catch.hpp"
#include "coca/io/json.hpp"

using namespace coca;

namespace {

std::string ptb_words(const std::string& caption) {
  static PtbTokenizer tokenizer;
  std::string joined;
  for (const std::string& word : tokenizer(caption)) joined += (joined.empty() ? "" : " ") + word;
  return joined;
}

}  // namespace

TEST_CASE("Tokens are those of Stanford's PTBTokenizer", "[text]") {
  std::ifstream file(COCA_TEST_DATA "/evaluation/ptb_tokens.jsonl");
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const Json row = parse_json(line, "ptb_tokens.jsonl");
    INFO(line);
    CHECK(ptb_words(row["text"].get<std::string>()) == row["tokens"].get<std::string>());
  }
  CHECK(lines == 484);
}

TEST_CASE("Tokens that the program finds in other texts", "[text]") {
  CHECK(ptb_words("it'sa no.5 No. x7 wash. Wash. x") == "it sa no. 5 no x7 wash wash. x");
  CHECK(ptb_words("a-b-c/d-e-f-g so'and nor'easter") == "a-b-c/d-e-f g so'and nor'easter");
  CHECK(ptb_words("\u2019em \u2019n\u2019 \u2019"
                  "80s y\u2019all") ==
        "\u2019em \u2019n\u2019 \u2019"
        "80s y\u2019 all");
  CHECK(ptb_words("<a b c='d e'> <a b=c> R&amp;B &lt;") ==
        "<a\u00A0"
        "b\u00A0"
        "c='d\u00A0"
        "e'> < a b = c > r&b <");
  CHECK(ptb_words("x[1] :[ H\u2082O \u2167 10\u00B2") == "x -lsb- 1 -rsb- :[ h \u2082 o 10 \u00B2");
}

TEST_CASE("Line breaks of all kinds are spaces", "[text]") {
  CHECK(ptb_words("a\nb\r\nc\vd\fe") == "a b c d e");
  CHECK(ptb_words("a\u2028"
                  "b\u0085"
                  "c") == "a b c");
}

TEST_CASE("Any bytes have tokens", "[text]") {
  CHECK(ptb_words("") == "");
  CHECK(ptb_words("a\xff"
                  "b\xc3") == "a b");
  CHECK(ptb_words(std::string("a\0b", 3)) == "a b");
  std::string hostile;
  for (int i = 0; i < 2000; ++i) hostile += "<!x ";  // would never end if all of it were looked at
  CHECK(ptb_words(hostile).size() > 2000);
}
