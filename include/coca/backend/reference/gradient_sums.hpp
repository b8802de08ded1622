#pragma once
/// @file
/// How the reference backend writes gradients.

#include <cstddef>
#include <vector>

#include "coca/backend/differentiable.hpp"

namespace coca {

namespace detail {

/// Assigns or adds a number.
template <class T>
void write_gradient(T& place, double value, Write write) {
  place = static_cast<T>(write == Write::add ? place + value : value);
}

/// Adds sums to a gradient, if it is wanted.
template <class T>
void add_sums(const std::vector<double>& sums, const Tensor<T>& gradient) {
  if (!gradient) return;
  for (std::size_t i = 0; i < sums.size(); ++i)
    write_gradient(gradient.data()[i], sums[i], Write::add);
}

/// Adds `width` elements to a row of a gradient, if it is wanted.
template <class T>
void add_row(const T* elements, std::size_t width, const Tensor<T>& gradient, std::size_t row) {
  if (!gradient) return;
  for (std::size_t c = 0; c < width; ++c) gradient.data()[row * width + c] += elements[c];
}

}  // namespace detail

}  // namespace coca
