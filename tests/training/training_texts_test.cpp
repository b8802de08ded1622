#include "coca/training/training_texts.hpp"

#include <cstdint>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace {

constexpr std::int32_t pad = 0, start = 1, end = 2;

std::vector<std::int32_t> predicted(const std::vector<std::int32_t>& read,
                                    const std::vector<std::int32_t>& written) {
  const TrainingTexts texts({read, 1, read.size()}, {written, 1, written.size()}, pad);
  CHECK(texts.read.ids == read);
  return texts.predicted.ids;
}

}  // namespace

TEST_CASE("if the input has other words, only their first token is predicted", "[training]") {
  // As many tokens, more, and less than are written.
  CHECK(predicted({start, 5, 31, 7, end, pad}, {start, 5, 6, 7, end, pad}) ==
        std::vector<std::int32_t>{start, 5, 6, 7, end, pad});
  CHECK(predicted({start, 5, 31, 32, 33, 7, end, pad}, {start, 5, 6, 7, end, pad, pad, pad}) ==
        std::vector<std::int32_t>{start, 5, 6, pad, pad, 7, end, pad});
  CHECK(predicted({start, 5, 31, 8, end, pad, pad}, {start, 5, 6, 7, 9, 8, end}) ==
        std::vector<std::int32_t>{start, 5, 6, 8, end, pad, pad});
  // Two words: what is between them is read after one that is not written.
  CHECK(predicted({start, 31, 6, 32, 8, end}, {start, 5, 6, 7, 8, end}) ==
        std::vector<std::int32_t>{start, 5, pad, pad, 8, end});
}

TEST_CASE("texts that begin or end alike are aligned by what they share", "[training]") {
  // A word more, and a word less; the next written one is still right after what is shared.
  CHECK(predicted({start, 5, 5, 7, end}, {start, 5, 7, end, pad}) ==
        std::vector<std::int32_t>{start, 5, 7, 7, end});
  CHECK(predicted({start, 5, 7, end, pad}, {start, 5, 5, 7, end}) ==
        std::vector<std::int32_t>{start, 5, 5, end, pad});
  // One that continues where the other ends.
  CHECK(predicted({start, 5, 6, 7, pad}, {start, 5, pad, pad, pad}) ==
        std::vector<std::int32_t>{start, 5, pad, pad, pad});
  CHECK(predicted({start, 5, pad, pad, pad}, {start, 5, 6, 7, pad}) ==
        std::vector<std::int32_t>{start, 5, 6, pad, pad});
  // A text that was cut off.
  CHECK(predicted({start, 31, 32, 33, end}, {start, 5, 6, end, pad}) ==
        std::vector<std::int32_t>{start, 5, pad, pad, end});
}

TEST_CASE("what is read as it is written is predicted", "[training]") {
  const std::vector<std::int32_t> text{start, 5, 6, end, pad};
  CHECK(predicted(text, text) == text);
  CHECK(predicted({pad, pad}, {pad, pad}) == std::vector<std::int32_t>{pad, pad});
  const TrainingTexts texts(Tokens{text, 1, 5});
  CHECK((texts.read.ids == text && texts.predicted.ids == text));
}

TEST_CASE("rows are aligned independently, and must have one shape", "[training]") {
  const Tokens read{{start, 31, end, start, 5, end}, 2, 3};
  const Tokens written{{start, 4, end, start, 5, end}, 2, 3};
  CHECK(TrainingTexts(read, written, pad).predicted.ids == written.ids);
  CHECK_THROWS_WITH(TrainingTexts(read, Tokens{{start, end}, 1, 2}, pad),
                    "texts to read are [2, 3], texts to predict [1, 2]: they must be of one shape");
}
