#pragma once
/// @file
/// Outputs of gradient operations for the typed tests: assigned or added, present or absent.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "backend/bench.hpp"
#include "coca/backend/differentiable.hpp"
#include "comparison.hpp"

namespace coca::testing {

inline constexpr Write both_writes[] = {Write::assign, Write::add};

/// An output for `write`: NaN if it will be assigned, `before` where it will be added to.
template <class B>
auto written(Bench<B>& bench, Write write, const Floats& before, const Shape& shape) {
  return write == Write::assign ? bench.output(shape) : bench.inplace(before, shape);
}

/// An output that is added to, or none.
template <class B>
auto added(Bench<B>& bench, bool present, const Floats& before, const Shape& shape) {
  return present ? bench.inplace(before, shape) : bench.nothing();
}

/// What the outputs that are present hold, one after another.
template <class B, class... Outputs>
std::vector<double> read_all(const Bench<B>& bench, const Outputs&... outputs) {
  std::vector<double> all;
  const auto append = [&](const auto& output) {
    if (!output) return;
    const std::vector<double> values = bench.read(output);
    all.insert(all.end(), values.begin(), values.end());
  };
  (append(outputs), ...);
  return all;
}

/// The error of sums of `terms` terms in any order, whose results are at most the largest of
/// `expected`, and of a few more operations.
inline double sum_tolerance(const std::vector<double>& expected, std::size_t terms) {
  double largest = 1;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  return (4 * std::sqrt(static_cast<double>(terms)) + 24) * unit_roundoff<float> * largest;
}

/// first_difference, but NaN is expected where `before`, what the outputs held, has it: what lies
/// next to the columns that are written. Elsewhere NaN is close to nothing.
template <class Tolerance>
std::string first_difference_of_columns(std::vector<double> actual, std::vector<double> expected,
                                        const std::vector<double>& before,
                                        const Tolerance& tolerance) {
  const std::size_t size = std::min({actual.size(), expected.size(), before.size()});
  for (std::size_t i = 0; i < size; ++i)
    if (std::isnan(before[i]) && std::isnan(actual[i]) && std::isnan(expected[i]))
      actual[i] = expected[i] = 0;
  return first_difference(actual, expected, tolerance);
}

}  // namespace coca::testing
