#pragma once
/// @file
/// Scores of words, and the search for the best.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// How single scores of a [rows, vocabulary] array are changed before a search looks at them.
enum class ScoreEdit : std::uint8_t {
  forbid,    ///< becomes minus infinity
  penalize,  ///< score < 0 ? score * value : score / value (repetition penalty of transformers)
  subtract,  ///< score - value (diversity between groups of beams)
};

/// How scores are bent before sampling, in the order of transformers: temperature, top-k, top-p.
struct SamplingWarp {
  float temperature = 1.0f;
  std::size_t top_k = 0;     ///< 0: all
  float top_p = 1.0f;        ///< 1: all
  std::size_t min_keep = 1;  ///< top-k and top-p leave at least so many
};

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

/// x - log(sum of exp(x)), row by row.
template <class T, class M>
struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  InOut<T, M> scores;  ///< [..., width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("scores", self.scores...);
  }

  void check() const {}
};

/// Changes the scores at flat positions as ScoreEdit says.
template <class T, class M>
struct EditScores {
  static constexpr const char* name = "edit_scores";
  InOut<T, M> scores;           ///< [rows, vocabulary]
  In<std::int32_t, M> indices;  ///< [n], row * vocabulary + word
  In<T, M> values;              ///< [n]
  ScoreEdit edit;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("scores", self.scores...);
    visit("indices", self.indices...);
    visit("values", self.values...);
    visit("edit", self.edit...);
  }

  void check() const { expect_shape(values, indices.shape(), "edit_scores: values"); }
};

/// Temperature, then top-k, then top-p, of each row: what is cut off becomes minus infinity. In a
/// row with a NaN nothing is cut off, so that the search notices it.
template <class T, class M>
struct WarpScores {
  static constexpr const char* name = "warp_scores";
  InOut<T, M> scores;  ///< [..., vocabulary]
  SamplingWarp warp;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("scores", self.scores...);
    visit("warp", self.warp...);
  }

  void check() const {}
};

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

/// What every backend runs of these.
template <class B>
using VocabularyOperations =
    OperationList<On<B, LogSoftmax>, On<B, EditScores>, On<B, WarpScores>, On<B, BestCandidates>>;

}  // namespace ops
}  // namespace coca
