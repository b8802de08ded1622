#pragma once
/// @file
/// The extents of a tensor.

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>

#include "coca/core/error.hpp"

namespace coca {

/// Up to six extents, outermost first; no extents at all is a scalar.
class Shape {
 public:
  static constexpr std::size_t max_rank = 6;

  constexpr Shape() = default;

  /// @throws ShapeError for more than max_rank extents.
  constexpr Shape(std::initializer_list<std::size_t> extents) {
    for (const std::size_t extent : extents) push_back(extent);
  }

  /// Adds an innermost extent. @throws ShapeError if there are already max_rank.
  constexpr void push_back(std::size_t extent) {
    if (rank_ == max_rank) throw ShapeError("a tensor has at most 6 dimensions");
    extents_[rank_++] = extent;
  }

  constexpr std::size_t rank() const noexcept { return rank_; }
  constexpr std::size_t operator[](std::size_t axis) const noexcept { return extents_[axis]; }

  /// Innermost extent; 1 for a scalar.
  constexpr std::size_t back() const noexcept { return rank_ == 0 ? 1 : extents_[rank_ - 1]; }

  /// Number of elements; 1 for a scalar. Saturates at the largest size_t, so that
  /// a hostile file's extents never wrap around to something small.
  constexpr std::size_t size() const noexcept { return product(rank_); }

  /// Number of rows when all but the innermost extent are folded together.
  constexpr std::size_t rows() const noexcept { return product(rank_ == 0 ? 0 : rank_ - 1); }

  constexpr const std::size_t* begin() const noexcept { return extents_.data(); }
  constexpr const std::size_t* end() const noexcept { return extents_.data() + rank_; }

  friend constexpr bool operator==(const Shape& a, const Shape& b) noexcept {
    return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  // Of the outermost `count` extents; stays at the largest value.
  constexpr std::size_t product(std::size_t count) const noexcept {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    std::size_t result = 1;
    for (std::size_t axis = 0; axis < count; ++axis) {
      const std::size_t extent = extents_[axis];
      result = extent != 0 && result > most / extent ? most : result * extent;
    }
    return result;
  }

  std::array<std::size_t, max_rank> extents_{};
  std::size_t rank_ = 0;
};

/// "[16, 3, 224, 224]", as printed in messages.
inline std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.rank(); ++axis)
    text += (axis == 0 ? "" : ", ") + std::to_string(shape[axis]);
  return text + "]";
}

}  // namespace coca
