#include "coca/training/switchout.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace {

constexpr std::int32_t pad = 0, start = 1, end = 2;
constexpr std::size_t vocab_size = 50;

// Texts of `words` words 7, each in a row with two places of padding.
Tokens texts(std::size_t count, std::size_t words) {
  Tokens tokens{{}, count, words + 4};
  for (std::size_t i = 0; i < count; ++i) {
    tokens.ids.push_back(start);
    tokens.ids.insert(tokens.ids.end(), words, 7);
    tokens.ids.insert(tokens.ids.end(), {end, pad, pad});
  }
  return tokens;
}

Tokens switched(const Tokens& tokens, StepSamples samples, double chance) {
  samples.count = tokens.batch;
  return switch_out(tokens, samples, pad, vocab_size, chance);
}

}  // namespace

TEST_CASE("words are replaced by any others; start, end and padding stay", "[training]") {
  constexpr std::size_t count = 2000, words = 5;
  const Tokens before = texts(count, words);
  const Tokens after = switched(before, {}, 0.3);
  std::vector<int> seen(vocab_size);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < before.length; ++k) {
      if (k >= 1 && k <= words)
        ++seen[static_cast<std::size_t>(after(i, k))];
      else
        REQUIRE(after(i, k) == before(i, k));
    }
  CHECK((seen[pad] == 0 && seen[start] == 0 && seen[end] == 0));
  // Of 10,000 words 3,000 are redrawn, 60 of each kind.
  for (std::size_t id = 3; id < vocab_size; ++id) {
    INFO(id);
    if (id == 7)
      CHECK(std::abs(seen[id] - (7000 + 4 * 60)) < 200);
    else
      CHECK(std::abs(seen[id] - 60) < 35);
  }
  CHECK(switched(before, {}, 0).ids == before.ids);
}

TEST_CASE("the words of a text are a function of seed, step and its number", "[training]") {
  const Tokens before = texts(8, 6);
  const auto all = switched(before, {.seed = 1, .step = 2}, 0.5).ids;
  const auto later = switched(texts(3, 6), {.seed = 1, .step = 2, .first = 5}, 0.5).ids;
  CHECK(std::vector<std::int32_t>(all.end() - static_cast<std::ptrdiff_t>(later.size()),
                                  all.end()) == later);
  CHECK(switched(before, {.seed = 1, .step = 3}, 0.5).ids != all);
  CHECK(switched(before, {.seed = 2, .step = 2}, 0.5).ids != all);
}

TEST_CASE("rows without words are unchanged", "[training]") {
  for (const std::vector<std::int32_t>& row :
       {std::vector<std::int32_t>{0, 0, 0, 0}, {start, 0, 0, 0}, {start, end, 0, 0}}) {
    const Tokens tokens{row, 1, 4};
    CHECK(switched(tokens, {}, 0.99).ids == row);
  }
}
