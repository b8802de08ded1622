#pragma once
/// @file
/// Scores of words on the reference backend.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "coca/backend/backend.hpp"
#include "coca/core/random.hpp"

namespace coca {

/// Log softmax, edited and warped scores and the search for the best as plain loops.
template <class T>
class ReferenceVocabulary {
 public:
  /// x - log(sum(exp(x))) over the last axis.
  void run(const ops::LogSoftmax<T, HostMemory>& op) const {
    const std::size_t width = op.scores.shape().back();
    for (std::size_t r = 0; r < op.scores.size() / width; ++r) {
      T* x = op.scores.data() + r * width;
      const double largest = *std::max_element(x, x + width);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - largest);
      for (std::size_t i = 0; i < width; ++i) x[i] = static_cast<T>(x[i] - largest - std::log(sum));
    }
  }

  /// Changes the scores at the flat positions `indices` [n], see ScoreEdit; values [n].
  void run(const ops::EditScores<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.indices.size(); ++i) {
      T& score = op.scores.data()[op.indices.data()[i]];
      const T value = op.values.data()[i];
      switch (op.edit) {
        case ScoreEdit::forbid:
          score = -std::numeric_limits<T>::infinity();
          break;
        case ScoreEdit::penalize:
          score = score < 0 ? score * value : score / value;
          break;
        case ScoreEdit::subtract:
          score -= value;
          break;
      }
    }
  }

  /// Temperature, then top-k, then top-p, of each row: what is cut off becomes minus infinity. In a
  /// row with a NaN nothing is cut off, so that the search notices it.
  void run(const ops::WarpScores<T, HostMemory>& op) const {
    const std::size_t width = op.scores.shape().back();
    for (std::size_t r = 0; r < op.scores.size() / width; ++r)
      warp_row({op.scores.data() + r * width, width}, op.warp);
  }

  /// The best of each group of rows.
  ///
  /// scores [rows, vocabulary]; added [rows], added to each score of a row, or nothing; the rows
  /// are groups = values.shape()[0] groups of equal size. -> values [groups, count], scores plus
  /// what was added, and ids [groups, count] = row in the group * vocabulary + word, in descending
  /// order of value plus noise; ties by ascending id; NaN first, so that it is noticed.
  void run(const ops::BestCandidates<T, HostMemory>& op) const {
    const std::size_t groups = op.values.shape()[0], count = op.values.shape()[1];
    const std::size_t vocabulary = op.scores.shape().back();
    const std::size_t size = op.scores.size() / groups;
    std::vector<T> value(size), rank(size);
    std::vector<std::int32_t> order(size);
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t row = (g * size + i) / vocabulary;
        value[i] = op.scores.data()[g * size + i] + (op.added ? op.added.data()[row] : T{0});
        rank[i] = value[i] + gumbel(op.noise, row, i % vocabulary, vocabulary);
      }
      std::iota(order.begin(), order.end(), 0);
      const auto better = [&](std::int32_t a, std::int32_t b) {
        const bool nan_a = std::isnan(rank[a]), nan_b = std::isnan(rank[b]);
        if (nan_a || nan_b) return nan_a != nan_b ? nan_a : a < b;
        return rank[a] != rank[b] ? rank[a] > rank[b] : a < b;
      };
      std::partial_sort(order.begin(), order.begin() + count, order.end(), better);
      for (std::size_t i = 0; i < count; ++i) {
        op.values.data()[g * count + i] = value[order[i]];
        op.ids.data()[g * count + i] = order[i];
      }
    }
  }

 private:
  static void warp_row(std::span<T> scores, const SamplingWarp& warp) {
    for (T& score : scores) score /= static_cast<T>(warp.temperature);
    if (std::any_of(scores.begin(), scores.end(), [](T score) { return std::isnan(score); }))
      return;
    std::vector<T> sorted(scores.begin(), scores.end());
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    T least = -std::numeric_limits<T>::infinity();  // what is smaller is cut off
    if (warp.top_k != 0)
      least = sorted[std::min(std::max(warp.top_k, warp.min_keep), sorted.size()) - 1];
    if (warp.top_p < 1.0f) {
      double total = 0;
      for (const T score : sorted)
        if (score >= least) total += std::exp(double{score} - double{sorted[0]});
      double before = 0;  // probability of all words better than this one
      for (std::size_t i = 0; i < sorted.size() && sorted[i] >= least; ++i) {
        if (i >= warp.min_keep && before / total >= warp.top_p) {
          least = sorted[i - 1];
          break;
        }
        before += std::exp(double{sorted[i]} - double{sorted[0]});
      }
    }
    for (T& score : scores)
      if (score < least) score = -std::numeric_limits<T>::infinity();
  }

  static T gumbel(const GumbelNoise& noise, std::size_t row, std::size_t word,
                  std::size_t vocabulary) {
    if (!noise.enabled) return T{0};
    const std::size_t element = (row % noise.rows_per_picture) * vocabulary + word;
    return static_cast<T>(to_gumbel(philox(noise.seed, noise.step, element / 4)[element % 4]));
  }
};

}  // namespace coca
