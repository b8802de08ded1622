#pragma once
/// @file
/// The pictures of a search index as arrays side by side, in memory or in a mapped file.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "coca/core/dtype.hpp"
#include "coca/pipelines/picture_folder.hpp"

namespace coca::detail {

inline float as_float(float value) { return value; }

/// A finite float16, in steps that compilers can do for many numbers at a time.
inline float as_float(float16 value) {
  const std::uint32_t bits = value.bits;
  const float magnitude = std::bit_cast<float>((bits & 0x7fffu) << 13) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | (bits & 0x8000u) << 16);
}

/// The scalar product of a stored row and a query. The order of the sums does not depend on the
/// processor.
template <class T>
float row_product(const T* row, std::span<const float> query) {
  constexpr std::size_t lanes = 16;
  std::array<float, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= query.size(); i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane)
      sums[lane] += as_float(row[i + lane]) * query[i + lane];
  float sum = 0;
  for (; i < query.size(); ++i) sum += as_float(row[i]) * query[i];
  for (const float each : sums) sum += each;
  return sum;
}

/// Embeddings [count, width] that somebody else owns.
class StoredEmbeddings {
 public:
  StoredEmbeddings() = default;
  StoredEmbeddings(const float* values, std::size_t width) : values_(values), width_(width) {}
  StoredEmbeddings(const float16* values, std::size_t width) : values_(values), width_(width) {}

  /// Calls visit(values) with a pointer to the first number, of float or float16.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit(visitor, values_);
  }

  float similarity(std::size_t row, std::span<const float> query) const {
    return visit([&](const auto* values) { return row_product(values + row * width_, query); });
  }

  std::vector<float> row(std::size_t row) const {
    std::vector<float> copy(width_);
    visit([&](const auto* values) {
      for (std::size_t i = 0; i < width_; ++i) copy[i] = as_float(values[row * width_ + i]);
    });
    return copy;
  }

 private:
  std::variant<const float*, const float16*> values_{static_cast<const float*>(nullptr)};
  std::size_t width_ = 0;
};

/// Pictures in the order of their names. What the spans show belongs to `owner`.
struct IndexRows {
  std::shared_ptr<const void> owner{};
  std::span<const std::int64_t> name_ends{};  ///< [pictures], in `names`
  std::string_view names{};                   ///< one after the other
  std::span<const std::int64_t> states{};     ///< [pictures, 2]: size, time of modification
  std::span<const std::int64_t> digests{};    ///< [pictures], of the files; empty: not known
  StoredEmbeddings embeddings{};

  std::size_t size() const noexcept { return name_ends.size(); }

  std::string_view name(std::size_t row) const {
    const auto begin = row == 0 ? std::size_t{0} : static_cast<std::size_t>(name_ends[row - 1]);
    return names.substr(begin, static_cast<std::size_t>(name_ends[row]) - begin);
  }

  FileState state(std::size_t row) const {
    return {static_cast<std::uint64_t>(states[2 * row]), states[2 * row + 1]};
  }

  /// 0: not known.
  std::int64_t digest(std::size_t row) const { return digests.empty() ? 0 : digests[row]; }

  /// The row of a name, if there is one.
  std::optional<std::size_t> find(std::string_view wanted) const {
    std::size_t first = 0, last = size();
    while (first < last) {
      const std::size_t middle = first + (last - first) / 2;
      if (name(middle) < wanted)
        first = middle + 1;
      else
        last = middle;
    }
    if (first == size() || name(first) != wanted) return std::nullopt;
    return first;
  }
};

/// A picture of an index, wherever its embedding is.
struct IndexedPicture {
  FileState state{};
  std::int64_t digest = 0;  ///< of the file; 0: not known
  std::vector<float> embedding{};
};

}  // namespace coca::detail
