#pragma once
/// @file
/// The figures of retrieval as result files have them: CLIP_benchmark's recalls, ranks, intervals,
/// and eccv-caption's metrics where further answers are right.

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/benchmark_result.hpp"
#include "coca/evaluation/bootstrap.hpp"
#include "coca/evaluation/caption_retrieval.hpp"
#include "coca/evaluation/precision_at_r.hpp"

namespace coca {

/// In CLIP_benchmark's names, "text_retrieval" is the search for texts with a picture.
inline constexpr std::array<const char*, 2> retrieval_ways{"text_retrieval", "image_retrieval"};

/// Ranks of the queries of one way, and which of them belong together.
struct WayRanks {
  std::span<const std::size_t> ranks{};     ///< [queries], from 0
  std::span<const std::size_t> clusters{};  ///< [queries], of the bootstrap
};

/// Adds "WAY_recall\@k", k = 1, 5, 10, "WAY_median_rank" and "WAY_mean_rank" (from 1), and the ends
/// of the 95 % intervals of the recalls, "WAY_recall\@k_low" and "WAY_recall\@k_high". Queries
/// without any match (never_found) leave no mean rank; if they reach the middle, no median either.
/// @throws ArgumentError for no ranks, and ranks without cluster
inline void add_rank_metrics(const std::string& way, const WayRanks& of, Metrics& metrics) {
  constexpr std::array<std::size_t, 3> limits{1, 5, 10};
  const RecallInterval interval = recall_interval(of.ranks, of.clusters);
  const std::array low{interval.low.at_1, interval.low.at_5, interval.low.at_10};
  const std::array high{interval.high.at_1, interval.high.at_5, interval.high.at_10};
  const auto key = [&](std::size_t i) { return way + "_recall@" + std::to_string(limits[i]); };
  for (std::size_t i = 0; i < limits.size(); ++i)
    metrics.emplace_back(key(i), recall_at(of.ranks, limits[i]));
  const bool all_found = std::find(of.ranks.begin(), of.ranks.end(), never_found) == of.ranks.end();
  const double median = median_rank({of.ranks.begin(), of.ranks.end()});
  constexpr auto unreachable = static_cast<double>(never_found) / 2;  // as in half of a middle pair
  metrics.emplace_back(way + "_median_rank",
                       median < unreachable ? std::optional(median) : std::nullopt);
  metrics.emplace_back(way + "_mean_rank",
                       all_found ? std::optional(mean_rank(of.ranks)) : std::nullopt);
  for (std::size_t i = 0; i < limits.size(); ++i) {
    metrics.emplace_back(key(i) + "_low", low[i]);
    metrics.emplace_back(key(i) + "_high", high[i]);
  }
}

/// Adds "WAY_positives_recall\@1", "WAY_r_precision" and "WAY_map\@r": eccv-caption's r1,
/// rprecision and map_at_r.
inline void add_positive_metrics(const std::string& way, const PrecisionAtR& precision,
                                 Metrics& metrics) {
  metrics.emplace_back(way + "_positives_recall@1", precision.recall_at_1);
  metrics.emplace_back(way + "_r_precision", precision.r_precision);
  metrics.emplace_back(way + "_map@r", precision.mean_average_precision);
}

}  // namespace coca
