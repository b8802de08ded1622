#pragma once
/// @file
/// Pictures, pixels and embeddings as xtensor arrays, without copying. Not part of coca/coca.hpp,
/// because xtensor takes seconds to compile.
///
/// A view is valid as long as the object that it was made of, unchanged in size; making one of a
/// temporary does not compile.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/image/image.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

namespace detail {

/// A view of contiguous row-major values. @throws ShapeError when the extents need another number.
template <typename T, std::size_t Rank>
auto view_of(T* data, std::size_t size, const std::array<std::size_t, Rank>& shape) {
  std::size_t needed = 1;
  std::string text;
  for (const std::size_t extent : shape) {
    needed *= extent;
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  }
  if (needed != size) {
    throw ShapeError("a view of shape [" + text + "] needs " + counted(needed, "value") + ", got " +
                     std::to_string(size));
  }
  return xt::adapt(std::move(data), size, xt::no_ownership(), shape);
}

/// Extents of an expression of three axes. @throws ShapeError for another number of axes.
template <typename Expression>
std::array<std::size_t, 3> three_extents(const Expression& expression, const char* expected) {
  if (expression.dimension() != 3) {
    throw ShapeError(std::string("expected an array of shape ") + expected + ", got one of " +
                     counted(expression.dimension(), "axis", "axes"));
  }
  std::array<std::size_t, 3> extents{};
  for (std::size_t axis = 0; axis < 3; ++axis) extents[axis] = expression.shape(axis);
  return extents;
}

}  // namespace detail

/// View of uint8, [height, width, 3].
inline auto as_xtensor(const Image& image) {
  return detail::view_of<const std::uint8_t, 3>(image.data(), image.pixels().size(),
                                                {image.height(), image.width(), Image::channels});
}
/// The same, through which the picture can be written.
inline auto as_xtensor(Image& image) {
  return detail::view_of<std::uint8_t, 3>(image.data(), image.pixels().size(),
                                          {image.height(), image.width(), Image::channels});
}
void as_xtensor(Image&&) = delete;

/// View of float, [channels, height, width]. @throws ShapeError if values and extents disagree.
inline auto as_xtensor(const Pixels& pixels) {
  return detail::view_of<const float, 3>(pixels.values.data(), pixels.values.size(),
                                         {pixels.channels, pixels.height, pixels.width});
}
/// The same, through which the pixels can be written.
inline auto as_xtensor(Pixels& pixels) {
  return detail::view_of<float, 3>(pixels.values.data(), pixels.values.size(),
                                   {pixels.channels, pixels.height, pixels.width});
}
void as_xtensor(Pixels&&) = delete;

/// View of float, [batch, channels, height, width]. @throws ShapeError as above.
inline auto as_xtensor(const PixelBatch& pixels) {
  return detail::view_of<const float, 4>(
      pixels.values.data(), pixels.values.size(),
      {pixels.batch, pixels.channels, pixels.height, pixels.width});
}
/// The same, through which the pixels can be written.
inline auto as_xtensor(PixelBatch& pixels) {
  return detail::view_of<float, 4>(pixels.values.data(), pixels.values.size(),
                                   {pixels.batch, pixels.channels, pixels.height, pixels.width});
}
void as_xtensor(PixelBatch&&) = delete;

/// View of embeddings or logits that lie in a row, [rows, width].
/// @throws ShapeError unless there are rows * width values.
inline auto as_xtensor(std::span<const float> values, std::size_t rows, std::size_t width) {
  return detail::view_of<const float, 2>(values.data(), values.size(), {rows, width});
}
/// The same, through which the values can be written.
inline auto as_xtensor(std::span<float> values, std::size_t rows, std::size_t width) {
  return detail::view_of<float, 2>(values.data(), values.size(), {rows, width});
}
inline auto as_xtensor(const std::vector<float>& values, std::size_t rows, std::size_t width) {
  return as_xtensor(std::span<const float>(values), rows, width);
}
inline auto as_xtensor(std::vector<float>& values, std::size_t rows, std::size_t width) {
  return as_xtensor(std::span<float>(values), rows, width);
}
void as_xtensor(std::vector<float>&&, std::size_t, std::size_t) = delete;

/// Copies an array or expression of uint8, [height, width, 3], into a picture.
/// @throws ShapeError for another shape.
template <typename Expression>
Image image_from_xtensor(const xt::xexpression<Expression>& expression) {
  const Expression& array = expression.derived_cast();
  static_assert(std::is_same_v<typename Expression::value_type, std::uint8_t>,
                "image_from_xtensor needs an array of std::uint8_t");
  const auto extents = detail::three_extents(array, "[height, width, 3]");
  if (extents[2] != Image::channels) {
    throw ShapeError("expected an array of shape [height, width, 3], got " +
                     counted(extents[2], "channel"));
  }
  const xt::xtensor<std::uint8_t, 3, xt::layout_type::row_major> dense = array;
  return Image(extents[1], extents[0], std::vector<std::uint8_t>(dense.begin(), dense.end()));
}

/// Copies an array or expression of numbers, [channels, height, width], into pixels.
/// @throws ShapeError for another number of axes.
template <typename Expression>
Pixels pixels_from_xtensor(const xt::xexpression<Expression>& expression) {
  const Expression& array = expression.derived_cast();
  const auto extents = detail::three_extents(array, "[channels, height, width]");
  const xt::xtensor<float, 3, xt::layout_type::row_major> dense = xt::cast<float>(array);
  return {extents[0], extents[1], extents[2], std::vector<float>(dense.begin(), dense.end())};
}

}  // namespace coca
