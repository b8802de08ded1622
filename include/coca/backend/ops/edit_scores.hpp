#pragma once
/// @file
/// Changes of single scores.

#include <cstdint>

#include "coca/backend/operands.hpp"

namespace coca {

/// How single scores of a [rows, vocabulary] array are changed before a search looks at them.
enum class ScoreEdit : std::uint8_t {
  forbid,    ///< becomes minus infinity
  penalize,  ///< score < 0 ? score * value : score / value (repetition penalty of transformers)
  subtract,  ///< score - value (diversity between groups of beams)
};

namespace ops {

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

}  // namespace ops
}  // namespace coca
