#pragma once
/// @file
/// Confidence intervals of scores over the choice of pictures in a test set.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/random.hpp"

namespace coca {

/// From `low` to `high`.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Options of an interval.
struct BootstrapOptions {
  double confidence = 0.95;  ///< share of the draws that lie inside, between 0 and 1
  std::size_t draws = 2000;  ///< number of resampled test sets
  std::uint64_t seed = 0;    ///< of the draws; the same intervals for the same seed
};

namespace detail {

/// The values of a cluster.
template <std::size_t Scores>
struct ClusterSum {
  std::array<double, Scores> sums{};
  double count = 0;
};

template <std::size_t Scores>
std::vector<ClusterSum<Scores>> cluster_sums(std::span<const std::array<double, Scores>> values,
                                             std::span<const std::size_t> clusters) {
  std::map<std::size_t, ClusterSum<Scores>> by_cluster;
  for (std::size_t i = 0; i < values.size(); ++i) {
    ClusterSum<Scores>& cluster = by_cluster[clusters[i]];
    for (std::size_t s = 0; s < Scores; ++s) cluster.sums[s] += values[i][s];
    cluster.count += 1;
  }
  std::vector<ClusterSum<Scores>> all;
  for (const auto& [number, cluster] : by_cluster) all.push_back(cluster);
  return all;
}

/// The means of a resampled test set of as many clusters, any of them several times or never.
template <std::size_t Scores>
std::array<double, Scores> redrawn_means(std::span<const ClusterSum<Scores>> clusters,
                                         std::uint64_t seed, std::uint64_t draw) {
  ClusterSum<Scores> all;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (i % words.size() == 0) words = philox(seed, draw, i / words.size());
    const std::uint64_t word = words[i % words.size()];
    const auto& drawn = clusters[static_cast<std::size_t>((word * clusters.size()) >> 32)];
    for (std::size_t s = 0; s < Scores; ++s) all.sums[s] += drawn.sums[s];
    all.count += drawn.count;
  }
  for (double& sum : all.sums) sum /= all.count;
  return all.sums;
}

/// What a share of sorted numbers is at most, linear between neighbours.
inline double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// The middle `confidence` of some numbers.
inline Interval middle(std::vector<double> numbers, double confidence) {
  std::sort(numbers.begin(), numbers.end());
  const double outside = (1 - confidence) / 2;
  return {quantile(numbers, outside), quantile(numbers, 1 - outside)};
}

}  // namespace detail

/// Where the means of `values` lie in test sets that are drawn from this one, cluster by cluster
/// with replacement: the percentile bootstrap (Efron and Tibshirani, "An introduction to the
/// bootstrap", 1993, section 13.3), of clusters because similar pictures are found or missed
/// together and are worth little more than one of them.
/// @param values   [count, Scores], such as 1 for a hit and 0 for a miss
/// @param clusters [count], which values belong together
/// @return an interval for each score
/// @throws ArgumentError for no values, values without cluster, no draws, or a confidence that is
///         not between 0 and 1
template <std::size_t Scores>
std::array<Interval, Scores> bootstrap_intervals(
    const std::vector<std::array<double, Scores>>& values, std::span<const std::size_t> clusters,
    const BootstrapOptions& options = {}) {
  if (values.empty() || values.size() != clusters.size())
    throw ArgumentError(
        "a bootstrap interval needs a cluster for each value, and at least one value, got " +
        counted(values.size(), "value") + " and " + counted(clusters.size(), "cluster"));
  if (options.draws == 0 || !(options.confidence > 0 && options.confidence < 1))
    throw ArgumentError(
        "a bootstrap interval needs at least one draw and a confidence between 0 and 1, got " +
        std::to_string(options.draws) + " and " + std::to_string(options.confidence));
  const auto sums = detail::cluster_sums<Scores>(values, clusters);
  std::array<std::vector<double>, Scores> means;
  for (std::size_t draw = 0; draw < options.draws; ++draw) {
    const auto redrawn = detail::redrawn_means<Scores>(sums, options.seed, draw);
    for (std::size_t s = 0; s < Scores; ++s) means[s].push_back(redrawn[s]);
  }
  std::array<Interval, Scores> intervals;
  for (std::size_t s = 0; s < Scores; ++s)
    intervals[s] = detail::middle(std::move(means[s]), options.confidence);
  return intervals;
}

}  // namespace coca
