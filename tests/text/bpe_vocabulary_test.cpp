#include "coca/text/bpe_vocabulary.hpp"

#include <set>
#include <string>

#include "catch.hpp"
#include "text/error_text.hpp"

using coca::parse_bpe_vocabulary;

namespace {

std::string refusal(const std::string& text) {
  return error_text<coca::FileError>([&] { parse_bpe_vocabulary(text, "v.txt"); });
}

}  // namespace

TEST_CASE("bytes have CLIP's order") {
  const auto vocabulary = parse_bpe_vocabulary("header", "v.txt");
  CHECK(vocabulary.size() == 514);
  CHECK(vocabulary.token(0) == "!");
  CHECK(vocabulary.token(93) == "~");
  CHECK(vocabulary.token(94) == "\xA1");
  CHECK(vocabulary.token(187) == "\xFF");
  CHECK(vocabulary.token(188) == std::string(1, '\0'));
  CHECK(vocabulary.token(220) == " ");
  CHECK(vocabulary.token(255) == "\xAD");
  CHECK(vocabulary.token(256) == "!</w>");
  CHECK(vocabulary.token(512) == "<start_of_text>");
  CHECK(vocabulary.token(513) == "<end_of_text>");
  for (int byte = 0; byte < 256; ++byte) {
    const auto b = static_cast<unsigned char>(byte);
    CHECK(vocabulary.token(vocabulary.byte_symbol(b, false)) ==
          std::string(1, static_cast<char>(b)));
    CHECK(coca::detail::byte_of_symbol(coca::detail::symbol_of_byte(b)) == b);
  }
  CHECK_FALSE(coca::detail::byte_of_symbol(U' '));
  CHECK_FALSE(coca::detail::byte_of_symbol(256 + 68));
}

TEST_CASE("merges make tokens, start and end are the last") {
  const auto vocabulary = parse_bpe_vocabulary("#version\na b\nab c</w>\r\n", "v.txt");
  CHECK(vocabulary.size() == 516);
  CHECK(vocabulary.token(512) == "ab");
  CHECK(vocabulary.token(513) == "abc</w>");
  CHECK(vocabulary.start_id() == 514);
  CHECK(vocabulary.end_id() == 515);
  const auto a = vocabulary.byte_symbol('a', false), b = vocabulary.byte_symbol('b', false);
  const auto* merge = vocabulary.find_merge(a, b);
  REQUIRE(merge != nullptr);
  CHECK(merge->rank == 0);
  CHECK(vocabulary.id(merge->merged) == 512);
  CHECK(vocabulary.find_merge(b, a) == nullptr);
}

TEST_CASE("OpenCLIP's id for an empty last line is an option") {
  CHECK(parse_bpe_vocabulary("#\na b\n", "v", {.final_line_is_token = true}).start_id() == 514);
  CHECK(parse_bpe_vocabulary("#\na b", "v", {.final_line_is_token = true}).start_id() == 513);
  CHECK(parse_bpe_vocabulary("#\na b\n", "v").start_id() == 513);
}

TEST_CASE("lines after the limit are ignored") {
  const auto vocabulary = parse_bpe_vocabulary("#\na b\nnonsense\n", "v", {.limit = 1});
  CHECK(vocabulary.size() == 515);
}

TEST_CASE("of two ids for one string the later is used") {
  const auto vocabulary = parse_bpe_vocabulary("#\na b\nb c\nab c\na bc\n", "v");
  CHECK(vocabulary.token(514) == "abc");
  CHECK(vocabulary.token(515) == "abc");
  const auto ab =
      vocabulary.find_merge(vocabulary.byte_symbol('a', false), vocabulary.byte_symbol('b', false))
          ->merged;
  const auto* abc = vocabulary.find_merge(ab, vocabulary.byte_symbol('c', false));
  REQUIRE(abc != nullptr);
  CHECK(vocabulary.id(abc->merged) == 515);
}

TEST_CASE("damaged vocabularies are refused with the line's number") {
  CHECK(refusal("") == "v.txt: the file is empty, expected a header line and lines of merges");
  CHECK(refusal("#\na b\nabc\n") ==
        "v.txt: line 3: expected two tokens with a space between them, got \"abc\"");
  CHECK(refusal("#\n\na b\n") ==
        "v.txt: line 2: expected two tokens with a space between them, got \"\"");
  CHECK(refusal("#\na b c\n") ==
        "v.txt: line 2: expected two tokens with a space between them, got \"a b c\"");
  CHECK(refusal("#\n" + std::string(50, 'x') + "\n") ==
        "v.txt: line 2: expected two tokens with a space between them, got \"" +
            std::string(40, 'x') + "...\"");
  CHECK(refusal("#\na b\nc d\na b\n") == "v.txt: line 4: the merge \"a b\" is repeated");
  CHECK(refusal("#\nab c\n") ==
        "v.txt: line 2: \"ab\" is merged here, but is neither a byte nor the result of an earlier "
        "line");
  CHECK(refusal("#\na b\nc \xFF\n") == "v.txt: line 3: the text is not valid UTF-8");
  CHECK(refusal("#\na \u6F22\n") ==
        "v.txt: line 2: \"\u6F22\" has a character that represents no byte in CLIP's files");
}

TEST_CASE("ids that do not exist are refused") {
  const auto vocabulary = parse_bpe_vocabulary("#", "v");
  CHECK(error_text<coca::ArgumentError>([&] { vocabulary.token(514); }) ==
        "token id 514 is not in the vocabulary of 514 tokens");
  CHECK(error_text<coca::ArgumentError>([&] { vocabulary.token(-1); }) ==
        "token id -1 is not in the vocabulary of 514 tokens");
}

TEST_CASE("CLIP's vocabulary") {
  const auto vocabulary = coca::clip_bpe_vocabulary();
  CHECK(vocabulary->size() == 49408);
  CHECK(vocabulary->start_id() == 49406);
  CHECK(vocabulary->token(320) == "a</w>");
  CHECK(vocabulary->token(49405) == "jekyll</w>");
  CHECK(coca::clip_bpe_vocabulary() == vocabulary);  // made once
  std::set<std::string> distinct;
  for (std::int32_t id = 0; id < vocabulary->size(); ++id) distinct.insert(vocabulary->token(id));
  CHECK(distinct.size() == 49408);
}
