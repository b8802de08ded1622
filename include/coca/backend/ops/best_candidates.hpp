#pragma once
/// @file
/// The best of many scores.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Noise that turns a search for the best into a draw by probability: candidates are ranked by
/// score + Gumbel noise. Word `token` of row r draws word e % 4 of philox(seed, step, e / 4), where
/// e = (r % rows_per_picture) * vocabulary + token: a picture's results do not depend on its batch.
struct GumbelNoise {
  bool enabled = false;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::size_t rows_per_picture = 1;
};

namespace ops {

/// The best of each group of rows; all groups have equally many rows.
///
/// In descending order of value plus noise; ties by ascending id; NaN first, so that it is noticed.
template <class T, class M>
struct BestCandidates {
  static constexpr const char* name = "best_candidates";
  In<T, M> scores;  ///< [rows, vocabulary]
  In<T, M> added;   ///< [rows], added to each score of a row, or nothing
  GumbelNoise noise;
  Out<T, M> values;          ///< [groups, count], scores plus what was added
  Out<std::int32_t, M> ids;  ///< [groups, count], row in the group * vocabulary + word

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("scores", self.scores...);
    visit("added", self.added...);
    visit("noise", self.noise...);
    visit("values", self.values...);
    visit("ids", self.ids...);
  }

  void check() const {
    expect_shape(ids, values.shape(), "best_candidates: ids");
    if (added) expect_shape(added, {scores.shape().rows()}, "best_candidates: added");
    if (values.shape().rank() != 2 || values.shape()[0] == 0 ||
        scores.shape().rows() % values.shape()[0] != 0 || values.size() > scores.size())
      throw ShapeError("best_candidates: no " + to_string(values.shape()) + " of scores " +
                       to_string(scores.shape()));
  }
};

}  // namespace ops
}  // namespace coca
