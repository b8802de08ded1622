#pragma once
/// @file
/// Arrays of doubles, and the derivatives of functions of them by central differences.

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

#include "backend/bench.hpp"
#include "coca/backend/reference/reference.hpp"

namespace coca::testing {

/// An array that is NaN until it is written.
inline Tensor<double> blank_array(const Shape& shape) {
  const Tensor<double> array = Reference<double>().allocate<double>(shape);
  for (std::size_t i = 0; i < array.size(); ++i)
    array.data()[i] = std::numeric_limits<double>::quiet_NaN();
  return array;
}

inline Tensor<double> array_of(const std::vector<double>& values, const Shape& shape) {
  const Tensor<double> array = blank_array(shape);
  Reference<double>().copy_in<double>(values, array);
  return array;
}

/// Normal numbers, others at each call.
inline Tensor<double> random_array(const Shape& shape, double scale = 1) {
  static Random random(40);
  const Tensor<double> array = blank_array(shape);
  for (std::size_t i = 0; i < array.size(); ++i) array.data()[i] = scale * random.normal();
  return array;
}

inline std::vector<double> copy_of(const Tensor<double>& array) {
  return {array.data(), array.data() + array.size()};
}

/// The derivative of f by each element of `x`, which f reads. The step's error is of its square.
inline std::vector<double> central_differences(const Tensor<double>& x,
                                               const std::function<double()>& f) {
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::fmax(largest, std::abs(x.data()[i]));
  const double step = 1e-5 * largest;
  std::vector<double> slopes(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = x.data()[i];
    x.data()[i] = value + step;
    const double above = f();
    x.data()[i] = value - step;
    const double below = f();
    x.data()[i] = value;
    slopes[i] = (above - below) / (2 * step);
  }
  return slopes;
}

/// |actual - expected| / |expected|, Euclidean norms; NaN if a number is.
inline double relative_error(const std::vector<double>& actual,
                             const std::vector<double>& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

}  // namespace coca::testing
