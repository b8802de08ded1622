#pragma once
/// @file
/// Cases of operations on scores of words.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t vocabulary_sizes[] = {1, 5, 17, 1000, 49408};

// A score less the largest is one rounding; the sum's relative error becomes an error of its
// logarithm.
template <>
struct Cases<Judged<ops::LogSoftmax>> {
  static void each(const Take<Judged<ops::LogSoftmax>>& take) {
    Arguments with(30);
    for (const std::size_t vocabulary : vocabulary_sizes)
      for (const float offset : {0.0f, 1000.0f, -1000.0f}) {
        const HostArray scores = with.normals({3, vocabulary}, 3, offset);
        for (std::size_t i = 1; i + 1 < vocabulary; i += 3) scores.data()[i] = -infinity;
        take({.scores = ops::InOut(scores)},
             [vocabulary](const std::string&, const std::vector<double>& expected) {
               std::vector<double> all;
               for (const double value : expected)
                 all.push_back(std::isinf(value)
                                   ? 0.0
                                   : 4 * u * (std::abs(value) + 20) +
                                         4 * std::sqrt(static_cast<double>(vocabulary)) * u);
               return all;
             });
      }
  }
};

template <>
struct Cases<Judged<ops::EditScores>> {
  static void each(const Take<Judged<ops::EditScores>>& take) {
    Arguments with(32);
    for (const auto edit : {ScoreEdit::forbid, ScoreEdit::penalize, ScoreEdit::subtract})
      for (const std::size_t count : {0, 1, 40, 3000}) {
        Indices places = with.random().permutation(4 * 1000);
        places.resize(count);
        take({.scores = ops::InOut(with.normals({4, 1000}, 5)),
              .indices = with.ids(places, {count}),
              .values = with.normals({count}, 0.2f, 1.5f),
              .edit = edit},
             within(32 * u));
      }
  }
};

// The same scores must be cut off, the rest is one division.
template <>
struct Cases<Judged<ops::WarpScores>> {
  static void each(const Take<Judged<ops::WarpScores>>& take) {
    Arguments with(33);
    const Tolerance tolerance = [](const std::string&, const std::vector<double>& expected) {
      std::vector<double> all;
      for (const double value : expected)
        all.push_back(std::isinf(value) ? 0.0 : 4 * u * std::abs(value));
      return all;
    };
    for (const std::size_t vocabulary : vocabulary_sizes)
      for (const std::size_t top_k : {0, 1, 2, 5, 50, 100000})
        for (const std::size_t min_keep : {1, 7})
          take({.scores = ops::InOut(with.normals({3, vocabulary}, 3)),
                .warp = {.temperature = 0.7f, .top_k = top_k, .min_keep = min_keep}},
               tolerance);
    for (const std::size_t vocabulary : {5, 1000})
      for (const float top_p : {0.31f, 0.77f, 0.93f})
        take({.scores = ops::InOut(with.normals({4, vocabulary}, 3)),
              .warp = {.temperature = 1.3f, .top_k = 30, .top_p = top_p}},
             tolerance);
  }
};

// Multiples of 1/64 below 16: sums of two are exact in float, and many are equal.
template <>
struct Cases<Judged<ops::BestCandidates>> {
  static void each(const Take<Judged<ops::BestCandidates>>& take) {
    Arguments with(37);
    for (const std::size_t vocabulary : vocabulary_sizes)
      for (const std::size_t rows_per_group : {1, 3})
        for (const bool with_added : {false, true})
          for (const std::size_t wanted : {1, 2, 12, 100}) {
            const std::size_t rows = 2 * rows_per_group;
            const std::size_t count = std::min(wanted, rows_per_group * vocabulary);
            const HostArray scores = coarse(with, {rows, vocabulary});
            for (std::size_t i = 0; i < scores.size(); i += 7) scores.data()[i] = -infinity;
            take({.scores = scores,
                  .added = with_added ? coarse(with, {rows}) : HostArray(),
                  .noise = {},
                  .values = with.out({2, count}),
                  .ids = ops::Out(with.ids(Indices(2 * count, -1), {2, count}))},
                 exactly);
          }
  }

 private:
  static HostArray coarse(Arguments& with, const Shape& shape) {
    Floats values(shape.size());
    for (float& value : values)
      value = (static_cast<float>(with.random().below(2048)) - 1024.0f) / 64.0f;
    return with.array(values, shape);
  }
};

}  // namespace coca::testing
