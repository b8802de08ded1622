#include "coca/text/tokenizer.hpp"

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "text/error_text.hpp"

namespace {

// Letters are ids 3 to 28; 0 pads, 1 starts, 2 ends.
struct LetterTokenizer {
  std::vector<std::int32_t> encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(c - 'a' + 3);
    return ids;
  }
  std::string decode(std::span<const std::int32_t> ids) const {
    std::string text;
    for (const auto id : ids) text += id < 3 ? " ^$"[id] : static_cast<char>('a' + id - 3);
    return text;
  }
  std::int32_t start_id() const { return 1; }
  std::int32_t end_id() const { return 2; }
  std::int32_t pad_id() const { return 0; }
  std::int32_t vocab_size() const { return 29; }
};

struct NoDecode {
  std::vector<std::int32_t> encode(std::string_view) const { return {}; }
};

using Ids = std::vector<std::int32_t>;

Ids row(const coca::TokenRows& rows, std::size_t i) {
  const auto ids = rows.row(i);
  return {ids.begin(), ids.end()};
}

}  // namespace

static_assert(coca::Tokenizer<LetterTokenizer>);
static_assert(!coca::Tokenizer<NoDecode>);
static_assert(std::is_constructible_v<coca::AnyTokenizer, LetterTokenizer>);
static_assert(!std::is_constructible_v<coca::AnyTokenizer, NoDecode>);

TEST_CASE("rows begin with the start token, end with the end token, and are padded") {
  const LetterTokenizer tokenizer;
  const auto rows = coca::tokenize(tokenizer, std::vector<std::string>{"ab", "", "abc", "abcd"}, 5);
  CHECK(rows.texts == 4);
  CHECK(rows.context_length == 5);
  CHECK(row(rows, 0) == Ids{1, 3, 4, 2, 0});
  CHECK(row(rows, 1) == Ids{1, 2, 0, 0, 0});
  CHECK(row(rows, 2) == Ids{1, 3, 4, 5, 2});
  CHECK(row(rows, 3) == Ids{1, 3, 4, 5, 2});  // cut: the last token is the end token
  CHECK(error_text<coca::ArgumentError>([&] { rows.row(4); }) ==
        "row 4 of 4 tokenized texts was requested");
}

TEST_CASE("short contexts") {
  const LetterTokenizer tokenizer;
  CHECK(coca::tokenize(tokenizer, "abc", 1).ids == Ids{2});
  CHECK(coca::tokenize(tokenizer, "abc", 2).ids == Ids{1, 2});
  CHECK(coca::tokenize(tokenizer, "", 2).ids == Ids{1, 2});
  CHECK(coca::tokenize(tokenizer, std::vector<const char*>{"a", "b"}, 3).ids ==
        Ids{1, 3, 2, 1, 4, 2});
  CHECK(coca::tokenize(tokenizer, std::vector<std::string>{}, 3).ids.empty());
  CHECK(error_text<coca::ArgumentError>([&] { coca::tokenize(tokenizer, "a", 0); }) ==
        "the context length is 0, but a row of tokens has at least one");
  const std::size_t huge = std::numeric_limits<std::size_t>::max() / 2;
  CHECK(error_text<coca::ArgumentError>([&] {
          coca::tokenize(tokenizer, std::vector<std::string>{"a", "b"}, huge);
        }) == "the context length is " + std::to_string(huge) + ", which is too long for 2 texts");
}

TEST_CASE("any tokenizer can be held, and copies share it") {
  const coca::AnyTokenizer any = LetterTokenizer();
  const coca::AnyTokenizer copy = any;
  CHECK(copy.encode("abz") == Ids{3, 4, 28});
  CHECK(copy.decode(Ids{3, 4}) == "ab");
  CHECK(copy.start_id() == 1);
  CHECK(copy.end_id() == 2);
  CHECK(copy.pad_id() == 0);
  CHECK(copy.vocab_size() == 29);
  CHECK(coca::tokenize(copy, "ab", 4).ids == Ids{1, 3, 4, 2});
}

TEST_CASE("captions are read without special tokens") {
  const LetterTokenizer tokenizer;
  CHECK(coca::decode_caption(tokenizer, Ids{1, 3, 4, 2, 0, 0}) == "ab");
  CHECK(coca::decode_caption(tokenizer, Ids{3, 4}) == "ab");
  CHECK(coca::decode_caption(tokenizer, Ids{1, 0, 3, 0, 4, 0, 2, 5}) == "a b");
  CHECK(coca::decode_caption(tokenizer, Ids{1, 2, 3}).empty());
  CHECK(coca::decode_caption(tokenizer, Ids{}).empty());
}
