#pragma once
/// @file
/// Weights being loaded into a model, read a few rows at a time so that a whole model never has to
/// exist twice in memory.

#include <cstddef>
#include <functional>

#include "coca/core/shape.hpp"

namespace coca {

/// A tensor of weights that delivers its rows as float on request. A row is all elements inside the
/// outermost extent; a scalar or a vector is one row.
struct WeightSource {
  /// Shape as stored.
  Shape shape;
  /// Writes `count` rows, starting at row `first`, to `out`, each row_size() floats.
  std::function<void(std::size_t first, std::size_t count, float* out)> read;

  std::size_t rows() const { return shape.rank() < 2 ? 1 : shape[0]; }
  std::size_t row_size() const { return shape.size() / (rows() == 0 ? 1 : rows()); }
};

}  // namespace coca
