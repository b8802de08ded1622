#include "coca/text/unigram_model.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_text.hpp"

using coca::UnigramModel;
using Ids = std::vector<std::int32_t>;

namespace {

Ids cut(const UnigramModel& model, const std::string& word) {
  Ids ids;
  model.append_ids(word, ids);
  return ids;
}

}  // namespace

TEST_CASE("a unigram model cuts by the sum of scores") {
  const UnigramModel model({{"?", 0}, {"a", -1}, {"b", -1}, {"ab", -1.5}, {"abc", -9}, {"c", -2}},
                           0, "m");
  CHECK(cut(model, "ab") == Ids{3});      // -1.5 and not -2
  CHECK(cut(model, "abc") == Ids{3, 5});  // -3.5 and not -9
  CHECK(cut(model, "ba") == Ids{2, 1});
  CHECK(cut(model, "").empty());
}

TEST_CASE("characters that no piece has are one unknown piece") {
  const UnigramModel model({{"?", 0}, {"a", -1}}, 0, "m");
  CHECK(cut(model, "xyz") == Ids{0});
  CHECK(cut(model, "ax\u00e9ay") == Ids{1, 0, 1, 0});
  const UnigramModel without({{"a", -1}}, {}, "m");
  CHECK(cut(without, "xax") == Ids{0});
}

TEST_CASE("the last of equal pieces counts, as in a dictionary") {
  const UnigramModel model({{"?", 0}, {"a", -1}, {"ab", -5}, {"b", -1}, {"ab", -1}}, 0, "m");
  CHECK(cut(model, "ab") == Ids{4});
}

TEST_CASE("a long word takes time in proportion to its length") {
  const std::string longest(UnigramModel::longest_piece, 'a');
  const UnigramModel model({{"?", 0}, {"a", -1}, {longest, -1}}, 0, "m");
  CHECK(cut(model, std::string(100 * longest.size() + 1, 'a')).size() == 101);
}

TEST_CASE("invalid unigram models are refused") {
  const auto refusal = [](std::vector<coca::UnigramPiece> pieces, int unknown) {
    return error_text<coca::FileError>([&] { UnigramModel(std::move(pieces), unknown, "m"); });
  };
  CHECK(refusal({}, 0) == "m: its vocabulary is empty");
  CHECK(refusal({{"a", 0}}, 1) == "m: its \"unk_id\" 1 is not in its vocabulary of 1");
  CHECK(refusal({{"a", 0}}, -1) == "m: its \"unk_id\" -1 is not in its vocabulary of 1");
  CHECK(refusal({{std::string(1025, 'a'), 0}}, 0) ==
        "m: a piece of its vocabulary has 1025 bytes, at most 1024 are accepted");
}
