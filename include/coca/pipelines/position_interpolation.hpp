#pragma once
/// @file
/// Position embeddings for pictures of another size than a checkpoint was trained on.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "coca/core/shape.hpp"
#include "coca/core/weight_source.hpp"

namespace coca {

namespace detail {

/// The square of patches that positions belong to, and how many other tokens precede it.
struct PositionGrid {
  std::size_t side = 0;  ///< 0: they are not a square
  std::size_t first = 0;
};

/// The grid of positions [tokens, width], with or without a class token.
inline PositionGrid position_grid(const Shape& positions) {
  if (positions.rank() != 2 || positions[0] == 0) return {};
  const auto side = static_cast<std::size_t>(std::sqrt(static_cast<double>(positions[0])));
  const std::size_t first = positions[0] - side * side;
  const bool class_token_alone = positions[0] == 1;
  return first > 1 || class_token_alone ? PositionGrid{} : PositionGrid{side, first};
}

/// Weights [to, from] of bicubic resampling along one axis as torch.nn.functional.interpolate
/// computes it with antialias=True, align_corners=False: Keys' kernel with a = -0.5, stretched
/// when downscaling.
inline std::vector<float> bicubic_weights(std::size_t from, std::size_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(scale, 1.0);
  const auto kernel = [](double x) {
    x = std::abs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
    return 0.0;
  };
  std::vector<float> weights(to * from, 0);
  for (std::size_t i = 0; i < to; ++i) {
    const double center = scale * (static_cast<double>(i) + 0.5);
    double total = 0;
    std::vector<double> row(from, 0);
    for (std::size_t j = 0; j < from; ++j)
      total += row[j] = kernel((static_cast<double>(j) + 0.5 - center) / stretch);
    for (std::size_t j = 0; j < from; ++j)
      weights[i * from + j] = static_cast<float>(row[j] / total);
  }
  return weights;
}

}  // namespace detail

/// Whether a tensor is a vision transformer's position embedding that differs only in the number of
/// patches.
inline bool can_interpolate_positions(const std::string& path, const Shape& from, const Shape& to) {
  const detail::PositionGrid old = detail::position_grid(from), wanted = detail::position_grid(to);
  return path.ends_with("visual.positional_embedding") && old.side != 0 && wanted.side != 0 &&
         old.first == wanted.first && from[1] == to[1];
}

/// Resizes positions [side * side, width], after a class token's row if there is one, to the number
/// of rows of `shape`, bicubic and antialiased as OpenCLIP's `resize_pos_embed`; the class token's
/// row stays.
inline WeightSource interpolated_positions(const WeightSource& source, const Shape& shape) {
  const detail::PositionGrid grid = detail::position_grid(source.shape);
  const std::size_t from = grid.side, to = detail::position_grid(shape).side;
  const std::size_t width = shape[1];
  std::vector<float> old(source.shape.size());
  source.read(0, source.rows(), old.data());
  const std::vector<float> weights = detail::bicubic_weights(from, to);
  std::vector<float> across(from * to * width, 0);  // [from rows, to columns, width]
  for (std::size_t y = 0; y < from; ++y)
    for (std::size_t x = 0; x < to; ++x)
      for (std::size_t j = 0; j < from; ++j)
        for (std::size_t c = 0; c < width; ++c)
          across[(y * to + x) * width + c] +=
              weights[x * from + j] * old[(grid.first + y * from + j) * width + c];
  std::vector<float> resized(shape.size(), 0);
  std::copy_n(old.begin(), grid.first * width, resized.begin());
  for (std::size_t y = 0; y < to; ++y)
    for (std::size_t j = 0; j < from; ++j)
      for (std::size_t i = 0; i < to * width; ++i)
        resized[(grid.first + y * to) * width + i] +=
            weights[y * from + j] * across[j * to * width + i];
  return {shape, [resized, width](std::size_t first, std::size_t count, float* out) {
            std::copy_n(resized.begin() + static_cast<std::ptrdiff_t>(first * width), count * width,
                        out);
          }};
}

}  // namespace coca
