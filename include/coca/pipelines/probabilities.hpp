#pragma once
/// @file
/// From logits on the host to probabilities, and to an order.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace coca {

/// Softmax, in double. @param logits finite numbers; none have no probabilities
template <class T>
std::vector<double> softmax_probabilities(std::span<const T> logits) {
  std::vector<double> result(logits.begin(), logits.end());
  if (result.empty()) return result;
  const double largest = *std::max_element(result.begin(), result.end());
  for (double& value : result) value = std::exp(value - largest);
  const double total = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& value : result) value /= total;
  return result;
}

/// The numbers of the values, of the largest first; of equal ones the first comes first.
template <class T>
std::vector<std::size_t> descending_order(std::span<const T> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return order;
}

}  // namespace coca
