#pragma once
/// @file
/// Weights being loaded into a model, read a few rows at a time so that a whole model never has to
/// exist twice in memory.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

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

/// Calls visit(values) with all elements in their order, a few rows at a time: a row, or about a
/// million of them.
template <class Visitor>
void for_each_part(const WeightSource& source, Visitor&& visit) {
  const std::size_t rows = source.rows(), width = source.row_size();
  const std::size_t most =
      std::max<std::size_t>(1, (std::size_t{1} << 20) / std::max<std::size_t>(width, 1));
  std::vector<float> values(std::min(most, rows) * width);
  for (std::size_t first = 0; first < rows; first += most) {
    const std::size_t count = std::min(most, rows - first);
    source.read(first, count, values.data());
    visit(std::span<const float>(values.data(), count * width));
  }
}

}  // namespace coca
