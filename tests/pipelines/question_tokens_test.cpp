#include "coca/pipelines/question_tokens.hpp"

#include "catch.hpp"
#include "training/small_run.hpp"

using namespace coca;
using namespace coca::testing;

namespace question_tokens_test {

namespace {

std::vector<std::int32_t> row_of(const VisibleTexts& texts, std::size_t row) {
  const VisibleTexts one = texts.rows(row, 1);
  return one.tokens.ids;
}

const std::vector<std::string> some_questions{"a red circle", "the", ""};

}  // namespace

TEST_CASE("A head sees a sentence up to its end", "[visible_texts]") {
  const AnyTokenizer tokenizer = tiny_tokenizer();
  const VisibleTexts texts = visible_texts(tokenizer, some_questions, 8);
  CHECK(texts.visible == std::vector<std::size_t>{4, 2, 1});
  for (std::size_t row = 0; row < 3; ++row) {
    CHECK(texts.tokens(row, 0) == tokenizer.start_id());
    CHECK(texts.tokens(row, texts.visible[row]) == tokenizer.end_id());
  }
  CHECK_NOTHROW(texts.check(600));
  // A text that is cut still ends.
  const VisibleTexts cut = visible_texts(tokenizer, some_questions, 3);
  CHECK(cut.visible == std::vector<std::size_t>{2, 2, 1});
  CHECK(cut.tokens(0, 2) == tokenizer.end_id());
}

TEST_CASE("An answer follows its question and is not visible", "[visible_texts]") {
  const AnyTokenizer tokenizer = tiny_tokenizer();
  const VisibleTexts plain = visible_texts(tokenizer, some_questions, 8);
  const std::vector<std::string> answers{"the blue", "", "square"};
  const VisibleTexts texts = answered_texts(tokenizer, some_questions, answers, 8);
  CHECK(texts.visible == plain.visible);
  const std::vector<std::string> together{"a red circle the blue", "the", "square"};
  const VisibleTexts expected = visible_texts(tokenizer, together, 8);
  for (std::size_t row = 0; row < 3; ++row) CHECK(row_of(texts, row) == row_of(expected, row));
}

TEST_CASE("An answer that does not fit is cut, the question is not", "[visible_texts]") {
  const AnyTokenizer tokenizer = tiny_tokenizer();
  const std::vector<std::string> answers{"the blue square", "the blue square", "a the a the a the"};
  for (const std::size_t length : {2, 3, 4, 5, 6}) {
    INFO("length " << length);
    const VisibleTexts plain = visible_texts(tokenizer, some_questions, length);
    const VisibleTexts texts = answered_texts(tokenizer, some_questions, answers, length);
    CHECK(texts.visible == plain.visible);
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t t = 0; t < texts.visible[row]; ++t)
        CHECK(texts.tokens(row, t) == plain.tokens(row, t));
      const auto ids = row_of(texts, row);
      CHECK(std::count(ids.begin(), ids.end(), tokenizer.end_id()) == 1);
    }
  }
  CHECK(answered_texts(tokenizer, some_questions, answers, 6).tokens(0, 4) ==
        visible_texts(tokenizer, answers, 6).tokens(0, 1));
}

}  // namespace question_tokens_test
