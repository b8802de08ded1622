#include "coca/evaluation/bootstrap.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "catch.hpp"
#include "coca/evaluation/retrieval.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using Values = std::vector<double>;
using Clusters = std::vector<std::size_t>;

namespace {

// 0 and 1, as many of `count` as `share` says, and a cluster each.
struct Hits {
  Values values;
  Clusters clusters;

  Hits(std::size_t count, double share) {
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(static_cast<double>(i) < share * static_cast<double>(count) ? 1 : 0);
      clusters.push_back(i);
    }
  }
};

// Of a single score.
Interval bootstrap_interval(const Values& values, const Clusters& clusters,
                            const BootstrapOptions& options = {}) {
  std::vector<std::array<double, 1>> single;
  for (const double value : values) single.push_back({value});
  return bootstrap_intervals(single, clusters, options)[0];
}

bool equal(const Interval& a, const Interval& b) { return a.low == b.low && a.high == b.high; }

}  // namespace

TEST_CASE("A bootstrap interval of independent hits is that of their deviation", "[evaluation]") {
  const Hits hits(400, 0.3);
  const Interval interval = bootstrap_interval(hits.values, hits.clusters, {.draws = 10000});
  const double half = 1.96 * std::sqrt(0.3 * 0.7 / 400);
  CHECK(interval.low == Approx(0.3 - half).margin(0.004));
  CHECK(interval.high == Approx(0.3 + half).margin(0.004));
  const Interval narrow =
      bootstrap_interval(hits.values, hits.clusters, {.confidence = 0.5, .draws = 10000});
  CHECK(narrow.low == Approx(0.3 - half * 0.6745 / 1.96).margin(0.003));
  CHECK(narrow.high == Approx(0.3 + half * 0.6745 / 1.96).margin(0.003));
}

TEST_CASE("A cluster counts as one", "[evaluation]") {
  const Hits alone(60, 0.4);
  Values values;
  Clusters clusters;
  for (std::size_t i = 0; i < alone.values.size(); ++i)
    for (int copy = 0; copy < 7; ++copy) {
      values.push_back(alone.values[i]);
      clusters.push_back(1000 - i);  // whatever the number and the order
    }
  const Interval one = bootstrap_interval(alone.values, alone.clusters, {.draws = 5000});
  const Interval seven = bootstrap_interval(values, clusters, {.draws = 5000});
  CHECK(one.low == Approx(seven.low).margin(0.02));
  CHECK(one.high == Approx(seven.high).margin(0.02));
  const Hits independent(420, 0.4);
  const Interval many = bootstrap_interval(independent.values, independent.clusters);
  CHECK(many.high - many.low < 0.5 * (seven.high - seven.low));
}

TEST_CASE("Clusters weigh as much as they have values", "[evaluation]") {
  // Both clusters, in this order or the other, in half of the draws: 3 of 4. Only one of them
  // in a quarter each: 3 of 3, 0 of 1.
  const Values values{1, 0, 1, 1};
  const Clusters clusters{5, 2, 5, 5};
  CHECK(equal(bootstrap_interval(values, clusters), {0, 1}));
  CHECK(equal(bootstrap_interval(values, clusters, {.confidence = 0.4}), {0.75, 0.75}));
  CHECK(equal(bootstrap_interval(values, clusters, {.draws = 1}),
              bootstrap_interval(values, clusters, {.confidence = 0.1, .draws = 1})));
}

TEST_CASE("Bootstrap intervals are a function of the seed", "[evaluation]") {
  const Hits hits(50, 0.5);
  const auto interval = [&](std::uint64_t seed) {
    return bootstrap_interval(hits.values, hits.clusters, {.draws = 37, .seed = seed});
  };
  CHECK(equal(interval(3), interval(3)));
  CHECK_FALSE(equal(interval(3), interval(4)));
}

TEST_CASE("Scores are drawn together, and have the intervals that each has separately",
          "[evaluation]") {
  const Hits few(53, 0.2), many(53, 0.7);
  std::vector<std::array<double, 2>> both;
  for (std::size_t i = 0; i < 53; ++i) both.push_back({few.values[i], many.values[i]});
  const auto intervals = bootstrap_intervals(both, few.clusters);
  CHECK(equal(intervals[0], bootstrap_interval(few.values, few.clusters)));
  CHECK(equal(intervals[1], bootstrap_interval(many.values, many.clusters)));
}

TEST_CASE("Recall has an interval at each limit", "[evaluation]") {
  std::vector<std::size_t> ranks;
  Clusters clusters;
  for (std::size_t i = 0; i < 100; ++i) {
    ranks.push_back(i % 20);
    clusters.push_back(i);
  }
  const RecallInterval interval = recall_interval(ranks, clusters);
  const Recall mean = recall(ranks);
  const auto around = [&](double Recall::*at) {
    CHECK(interval.low.*at < mean.*at);
    CHECK(interval.high.*at > mean.*at);
    const double half = 1.96 * std::sqrt(mean.*at * (1 - mean.*at) / 100);
    CHECK(interval.high.*at - interval.low.*at == Approx(2 * half).epsilon(0.15));
  };
  around(&Recall::at_1);
  around(&Recall::at_5);
  around(&Recall::at_10);
}

TEST_CASE("Bootstrap intervals refuse invalid input", "[evaluation]") {
  const auto error = [](const Values& values, const Clusters& clusters, BootstrapOptions options) {
    return testing::error_of([&] { bootstrap_interval(values, clusters, options); });
  };
  CHECK(error({}, {}, {}) ==
        "a bootstrap interval needs a cluster for each value, and at least one value, got 0 values "
        "and 0 clusters");
  CHECK(error({1, 0}, {1}, {}).find("2 values and 1 cluster") != std::string::npos);
  CHECK(error({1}, {1}, {.draws = 0}).find("got 0 and 0.95") != std::string::npos);
  for (const double confidence : {0.0, 1.0, std::nan("")})
    CHECK(error({1}, {1}, {.confidence = confidence}).find("between 0 and 1") != std::string::npos);
}
