#pragma once
/// @file
/// Scores prepared for sampling.

#include <cstddef>

#include "coca/backend/operands.hpp"

namespace coca {

/// How scores are bent before sampling, in the order of transformers: temperature, top-k, top-p.
struct SamplingWarp {
  float temperature = 1.0f;
  std::size_t top_k = 0;     ///< 0: all
  float top_p = 1.0f;        ///< 1: all
  std::size_t min_keep = 1;  ///< top-k and top-p leave at least so many
};

namespace ops {

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

}  // namespace ops
}  // namespace coca
