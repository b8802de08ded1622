#pragma once
/// @file
/// How far a score could be off because of the pictures that happened to be in the test set.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/random.hpp"

namespace coca {

/// From `low` to `high`.
struct Interval {
  double low = 0;
  double high = 0;
};

/// How an interval is found.
struct BootstrapOptions {
  double confidence = 0.95;  ///< share of the draws that lie inside, between 0 and 1
  std::size_t draws = 2000;  ///< test sets that are made up
  std::uint64_t seed = 0;    ///< of the draws; the same intervals for the same seed
};

namespace detail {

/// The values of a cluster.
struct ClusterSum {
  double sum = 0;
  double count = 0;
};

inline std::vector<ClusterSum> cluster_sums(std::span<const double> values,
                                            std::span<const std::size_t> clusters) {
  std::map<std::size_t, ClusterSum> sums;
  for (std::size_t i = 0; i < values.size(); ++i) {
    ClusterSum& cluster = sums[clusters[i]];
    cluster.sum += values[i];
    cluster.count += 1;
  }
  std::vector<ClusterSum> all;
  for (const auto& [number, cluster] : sums) all.push_back(cluster);
  return all;
}

/// The mean of a test set that is made up of as many clusters, any of them several times or never.
inline double redrawn_mean(std::span<const ClusterSum> clusters, std::uint64_t seed,
                           std::uint64_t draw) {
  ClusterSum all;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    const std::uint64_t word = philox(seed, draw, i)[0];
    const ClusterSum& drawn = clusters[static_cast<std::size_t>((word * clusters.size()) >> 32)];
    all.sum += drawn.sum;
    all.count += drawn.count;
  }
  return all.sum / all.count;
}

/// What a share of sorted numbers is at most, linear between neighbours.
inline double quantile(std::span<const double> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace detail

/// Where the mean of `values` lies in test sets that are drawn from this one, cluster by cluster
/// with replacement: the percentile bootstrap (Efron and Tibshirani, "An introduction to the
/// bootstrap", 1993, section 13.3), of clusters because what is alike is found or missed together
/// and says little more than one of them.
/// @param values   [count], such as 1 for a hit and 0 for a miss
/// @param clusters [count], which values are alike
/// @throws ArgumentError for no values, values without cluster, no draws, or a confidence that is
///         not between 0 and 1
inline Interval bootstrap_interval(std::span<const double> values,
                                   std::span<const std::size_t> clusters,
                                   const BootstrapOptions& options = {}) {
  if (values.empty() || values.size() != clusters.size())
    throw ArgumentError(
        "A bootstrap interval needs a cluster for each value, and at least one; "
        "there are " +
        std::to_string(values.size()) + " values and " + std::to_string(clusters.size()) +
        " clusters.");
  if (options.draws == 0 || !(options.confidence > 0 && options.confidence < 1))
    throw ArgumentError(
        "A bootstrap interval needs at least one draw and a confidence between 0 "
        "and 1, not " +
        std::to_string(options.draws) + " and " + std::to_string(options.confidence) + ".");
  const std::vector<detail::ClusterSum> sums = detail::cluster_sums(values, clusters);
  std::vector<double> means(options.draws);
  for (std::size_t draw = 0; draw < means.size(); ++draw)
    means[draw] = detail::redrawn_mean(sums, options.seed, draw);
  std::sort(means.begin(), means.end());
  const double outside = (1 - options.confidence) / 2;
  return {detail::quantile(means, outside), detail::quantile(means, 1 - outside)};
}

}  // namespace coca
