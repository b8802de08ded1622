#include "coca/data/shuffled_order.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using coca::OrderOptions;
using coca::ShuffledOrder;
using coca_test::message_of;
using Indices = std::vector<std::size_t>;

namespace {
Indices numbers(std::size_t count) {
  Indices all(count);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}
}  // namespace

TEST_CASE("Each epoch is a different permutation, and so is each seed") {
  const ShuffledOrder order(1000, {.seed = 5});
  const Indices first = order.permutation(0);
  CHECK(order.permutation(0) == first);
  CHECK(order.permutation(1) != first);
  CHECK(ShuffledOrder(1000, {.seed = 6}).permutation(0) != first);
  Indices sorted = order.permutation(7);
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == numbers(1000));
  CHECK(ShuffledOrder(9, {.shuffle = false}).permutation(3) == numbers(9));
  CHECK(ShuffledOrder(1).permutation(0) == numbers(1));
}

TEST_CASE("All permutations are equally likely") {
  const ShuffledOrder order(4, {.seed = 1});
  std::map<Indices, int> counts;
  constexpr int epochs = 24 * 400;
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) ++counts[order.permutation(epoch)];
  CHECK(counts.size() == 24);
  for (const auto& [permutation, count] : counts)
    CHECK(std::abs(count - 400) <= 5 * std::sqrt(400));
}

TEST_CASE("Ranks share the batches of one large rank") {
  const bool drop_last = GENERATE(true, false);
  CAPTURE(drop_last);
  const std::size_t ranks = 3;
  const std::size_t size = 52;
  const ShuffledOrder whole(size, {.batch_size = 12, .drop_last = drop_last, .seed = 2});
  CHECK(whole.batches_per_epoch() == (drop_last ? 4 : 5));
  for (std::size_t batch = 0; batch < whole.batches_per_epoch(); ++batch) {
    Indices together;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const ShuffledOrder part(
          size, {.batch_size = 4, .drop_last = drop_last, .seed = 2, .rank = rank, .ranks = ranks});
      REQUIRE(part.batches_per_epoch() == whole.batches_per_epoch());
      const Indices mine = part.batch(1, batch);
      if (batch < 4) CHECK(mine.size() == 4);
      together.insert(together.end(), mine.begin(), mine.end());
    }
    CHECK(together == whole.batch(1, batch));
    if (batch == 4) CHECK(together.size() == 4);
  }
}

TEST_CASE("Samples of a group follow one another, as many as requested") {
  constexpr std::size_t size = 60;
  Indices groups(size);
  for (std::size_t i = 0; i < size; ++i) groups[i] = i < 30 ? i % 3 : i;  // three of ten samples
  const ShuffledOrder order(size, {.seed = 4, .group_size = 4}, groups);
  const Indices epoch = order.permutation(0);
  CHECK(order.permutation(0) == epoch);
  CHECK(order.permutation(1) != epoch);
  Indices sorted = epoch;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == numbers(size));
  std::map<std::size_t, std::multiset<std::size_t>> runs;  // lengths, by group
  for (std::size_t begin = 0, end = 0; begin < size; begin = end) {
    while (end < size && end - begin < 4 && groups[epoch[end]] == groups[epoch[begin]]) ++end;
    runs[groups[epoch[begin]]].insert(end - begin);
  }
  REQUIRE(runs.size() == 33);
  for (std::size_t group = 0; group < 3; ++group)
    CHECK(runs[group] == std::multiset<std::size_t>{2, 4, 4});
  CHECK(ShuffledOrder(size, {.seed = 4}, groups).permutation(0) ==
        ShuffledOrder(size, {.seed = 4}).permutation(0));
  CHECK(ShuffledOrder(size, {.shuffle = false, .group_size = 4}, groups).permutation(0) ==
        numbers(size));
}

TEST_CASE("Options that contradict each other are refused") {
  CHECK(message_of([] { ShuffledOrder(3, {.group_size = 0}); }) ==
        "the order of samples: groups of 0 and 0 group numbers for 3 samples (expected at least 1, "
        "and a number below that for each)");
  CHECK_THROWS_AS(ShuffledOrder(3, {}, {0, 1}), coca::ArgumentError);
  CHECK_THROWS_AS(ShuffledOrder(3, {}, {0, 1, 3}), coca::ArgumentError);
  const auto refusal = [](std::size_t size, const OrderOptions& options) {
    return message_of([&] { ShuffledOrder(size, options); });
  };
  CHECK(refusal(9, {.batch_size = 0}) == "batch_size is 0, expected at least 1");
  CHECK(coca_test::contains(refusal(9, {.rank = 2, .ranks = 2}), "rank 2 of 2"));
  CHECK(coca_test::contains(refusal(9, {.ranks = 0}), "rank 0 of 0"));
  CHECK(coca_test::contains(refusal(9, {.batch_size = std::size_t{1} << 60, .ranks = 16}),
                            "the order of samples"));
  CHECK(refusal(9, {.batch_size = 5, .ranks = 2}) ==
        "a data set of 9 samples does not fill one batch of 10 samples; choose a smaller batch "
        "size");
  CHECK(refusal(0, {.drop_last = false}) ==
        "a data set of 0 samples does not fill one batch of 1 sample; choose a smaller batch size");
  CHECK(refusal(9, {.batch_size = 10, .drop_last = false}) == "no error");
  CHECK(message_of([] { ShuffledOrder(9, {.batch_size = 4}).batch(0, 2); }) ==
        "batch 2 was requested from an epoch of 2");
}
