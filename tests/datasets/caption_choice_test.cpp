#include "coca/data/caption_choice.hpp"

#include <cmath>
#include <set>

#include "catch.hpp"

TEST_CASE("One of the captions is drawn for each sample and epoch") {
  const std::vector<std::string> captions{"a", "b", "c"};
  std::set<std::string> over_epochs;
  std::set<std::string> over_samples;
  for (std::uint64_t i = 0; i < 30; ++i) {
    over_epochs.insert(coca::choose_caption(captions, {.seed = 1, .epoch = i, .index = 4}));
    over_samples.insert(coca::choose_caption(captions, {.seed = 1, .epoch = 4, .index = i}));
  }
  CHECK(over_epochs.size() == 3);
  CHECK(over_samples.size() == 3);
  CHECK(coca::choose_caption(captions, {1, 2, 3}) == coca::choose_caption(captions, {1, 2, 3}));
  CHECK(coca::choose_caption({}, {1, 2, 3}).empty());
}

TEST_CASE("The first caption is drawn with its probability") {
  const std::vector<std::string> captions{"a", "b", "c", "d"};
  for (const double first : {0.0, 0.6, 1.0}) {
    int count = 0;
    for (std::uint64_t i = 0; i < 4000; ++i)
      count += coca::choose_caption(captions, {.seed = 1, .epoch = 0, .index = i}, first) == "a";
    const double expected = 4000 * (first + (1 - first) / 4);
    CHECK(std::abs(count - expected) <= 110);  // four deviations
  }
}
