#pragma once
/// @file
/// What the typed tests of primitives are made with: random inputs, and tensors with guard zones on
/// any backend, so that a write next to an output, or to an input, is detected.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/backend/backend.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/random.hpp"

namespace coca::testing {

using Floats = std::vector<float>;
using Indices = std::vector<std::int32_t>;

inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// A sequence of random numbers that is the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t stream) : stream_(stream) {}

  std::uint32_t word() {
    const std::uint64_t index = next_++;
    return philox(2022, stream_, index / 4)[index % 4];
  }
  std::size_t below(std::size_t bound) { return word() % bound; }
  float normal() {
    const std::uint32_t first = word();
    return to_normal(first, word())[0];
  }
  Floats normals(std::size_t count, float scale = 1, float offset = 0) {
    Floats values(count);
    for (float& value : values) value = offset + scale * normal();
    return values;
  }
  /// 0 ... count - 1 in random order.
  Indices permutation(std::size_t count) {
    Indices order(count);
    for (std::size_t i = 0; i < count; ++i) {
      order[i] = static_cast<std::int32_t>(i);
      std::swap(order[i], order[below(i + 1)]);
    }
    return order;
  }

 private:
  std::uint64_t stream_;
  std::uint64_t next_ = 0;
};

/// The values as they are after storing them as W.
template <class W>
Floats rounded_to(Floats values) {
  for (float& value : values) value = static_cast<float>(static_cast<W>(value));
  return values;
}

/// Rows of floats as a stored weight.
inline WeightSource source_of(const Floats& values, const Shape& shape) {
  const std::size_t width = WeightSource{shape, {}}.row_size();
  return {shape, [values, width](std::size_t first, std::size_t count, float* out) {
            std::copy_n(values.data() + first * width, count * width, out);
          }};
}

/// Tensors on a backend, each in the middle of an allocation whose other elements must stay as they
/// are. The zones' length makes the tensors badly aligned, as views of rows of any width are.
template <Backend B>
class Bench {
 public:
  using T = typename B::value_type;
  using W = typename B::weight_type;
  using M = typename B::memory_type;
  static constexpr std::size_t zone = 19;

  explicit Bench(B subject) : backend(std::move(subject)) {}

  const B backend;

  /// An argument that must come back unchanged.
  Tensor<T, M> input(const Floats& values, const Shape& shape) {
    return guarded(converted<T>(values), shape, false);
  }
  /// An argument that is absent.
  Tensor<T, M> nothing() const { return {}; }
  /// An embedding table.
  Tensor<W, M> table(const Floats& values, const Shape& shape) {
    return guarded(converted<W>(values), shape, false);
  }
  template <class U>
  Tensor<U, M> indices(const std::vector<U>& values, const Shape& shape) {
    return guarded(values, shape, false);
  }
  /// An output, NaN until it is written.
  Tensor<T, M> output(const Shape& shape) {
    return inplace(Floats(shape.size(), not_a_number), shape);
  }
  Tensor<std::int32_t, M> index_output(const Shape& shape) {
    return guarded(Indices(shape.size(), -1), shape, true);
  }
  /// An argument that is changed.
  Tensor<T, M> inplace(const Floats& values, const Shape& shape) {
    return guarded(converted<T>(values), shape, true);
  }
  typename B::Matrix weight(const Floats& values, const Shape& shape, PackOptions options = {}) {
    if (options.rows == 0) options.rows = shape[0];
    return backend.pack(source_of(values, shape), options);
  }

  template <class U>
  std::vector<double> read(const Tensor<U, M>& tensor) const {
    const std::vector<U> host = downloaded(tensor);
    std::vector<double> values(host.size());
    std::transform(host.begin(), host.end(), values.begin(),
                   [](U value) { return static_cast<double>(value); });
    return values;
  }

  /// "" while all guard zones and inputs are what they were.
  std::string damage() const {
    for (const auto& check : checks_)
      if (std::string found = check(); !found.empty()) return found;
    return "";
  }

 private:
  template <class U>
  static std::vector<U> converted(const Floats& values) {
    std::vector<U> result(values.size());
    std::transform(values.begin(), values.end(), result.begin(),
                   [](float value) { return static_cast<U>(value); });
    return result;
  }

  template <class U>
  std::vector<U> downloaded(const Tensor<U, M>& tensor) const {
    std::vector<U> host(tensor.size());
    backend.copy_out(tensor, std::span<U>(host));
    return host;
  }

  template <class U>
  Tensor<U, M> guarded(const std::vector<U>& values, const Shape& shape, bool writable) {
    std::vector<U> all(zone + values.size() + zone);
    std::memset(static_cast<void*>(all.data()), 0xff, all.size() * sizeof(U));  // NaN, or -1
    std::copy(values.begin(), values.end(), all.begin() + zone);
    const auto whole = backend.template allocate<U>({all.size()});
    backend.copy_in(std::span<const U>(all), whole);
    checks_.push_back([this, whole, all, writable, shape] {
      const std::vector<U> now = downloaded(whole);
      const std::size_t end = all.size() - zone;
      for (std::size_t i = 0; i < all.size(); ++i) {
        const bool fixed = i < zone || i >= end || !writable;
        if (!fixed || std::memcmp(&now[i], &all[i], sizeof(U)) == 0) continue;
        return std::string(writable ? "output" : "input") + " of shape " + to_string(shape) +
               ": element " + std::to_string(static_cast<long>(i) - static_cast<long>(zone)) +
               " was overwritten";
      }
      return std::string();
    });
    return whole.slice(zone, values.size()).reshaped(shape);
  }

  std::vector<std::function<std::string()>> checks_;
};

}  // namespace coca::testing
