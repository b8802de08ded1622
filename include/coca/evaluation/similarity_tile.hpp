#pragma once
/// @file
/// Cosines of embeddings, a tile of the matrix at a time. Each is computed in the same order
/// whatever the tile, so that tiles are the whole matrix bit for bit.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Rows of numbers, [count, width]; need not be normalised, but their norms must be 1e-15 to 1e15,
/// or 0: beyond that, products of two rows are not in float.
struct EmbeddingRows {
  std::span<const float> values{};
  std::size_t width = 0;

  std::size_t count() const noexcept { return width == 0 ? 0 : values.size() / width; }
  std::span<const float> row(std::size_t i) const { return values.subspan(i * width, width); }
};

namespace detail {

/// 1 / norm of each row; 0 of a row of zeros. @throws ShapeError for values that are not rows of
/// this width; ArgumentError for values that are not finite, and norms out of range
inline std::vector<float> inverse_norms(const EmbeddingRows& rows, const std::string& name) {
  if (rows.width == 0 || rows.values.empty() || rows.values.size() % rows.width != 0)
    throw ShapeError("the " + name + " have " + counted(rows.values.size(), "value") +
                     ", expected rows of " + std::to_string(rows.width) + ", and at least one");
  std::vector<float> norms(rows.count());
  for (std::size_t i = 0; i < norms.size(); ++i) {
    double squares = 0;
    for (const float value : rows.row(i)) squares += double{value} * double{value};
    if (!std::isfinite(squares))
      throw ArgumentError("embedding " + std::to_string(i) + " of the " + name + " is not finite");
    if (squares != 0 && (squares < 1e-30 || squares > 1e30))
      throw ArgumentError("embedding " + std::to_string(i) + " of the " + name +
                          (squares < 1 ? " has a norm below 1e-15" : " has a norm above 1e15") +
                          ", expected one from 1e-15 to 1e15, or 0");
    norms[i] = squares == 0 ? 0 : static_cast<float>(1 / std::sqrt(squares));
  }
  return norms;
}

inline constexpr std::size_t tile_lanes = 8;
typedef float TileLanes __attribute__((vector_size(tile_lanes * sizeof(float))));

}  // namespace detail

/// Some rows, rearranged for similarity_tile(): eight of them side by side.
class PackedRows {
 public:
  /// @param which rows to take, in this order; all below rows.count()
  PackedRows(const EmbeddingRows& rows, std::span<const std::size_t> which)
      : width_(rows.width), count_(which.size()) {
    constexpr std::size_t lanes = detail::tile_lanes;
    values_.assign((count_ + lanes - 1) / lanes * lanes * width_, 0.0f);
    for (std::size_t i = 0; i < count_; ++i) {
      const std::span<const float> row = rows.row(which[i]);
      float* const panel = values_.data() + i / lanes * lanes * width_ + i % lanes;
      for (std::size_t k = 0; k < width_; ++k) panel[k * lanes] = row[k];
    }
  }

  std::size_t width() const noexcept { return width_; }
  std::size_t count() const noexcept { return count_; }
  std::size_t panels() const noexcept {
    return (count_ + detail::tile_lanes - 1) / detail::tile_lanes;
  }
  const float* panel(std::size_t p) const {
    return values_.data() + p * detail::tile_lanes * width_;
  }

 private:
  std::size_t width_;
  std::size_t count_;
  std::vector<float> values_;
};

namespace detail {

/// Scalar products of some rows with the eight of a panel, added up in the order of the columns.
/// The sums are unrolled: compilers keep them in registers only so.
template <std::size_t... Row>
[[gnu::always_inline]] inline void add_products(
    std::index_sequence<Row...>, const std::array<const float*, sizeof...(Row)>& rows,
    const float* panel, std::size_t width, std::array<TileLanes, sizeof...(Row)>& out) {
  std::array<TileLanes, sizeof...(Row)> sums{};
  for (std::size_t k = 0; k < width; ++k) {
    TileLanes column;
    std::memcpy(&column, panel + k * tile_lanes, sizeof column);
    ((sums[Row] += rows[Row][k] * column), ...);
  }
  out = sums;
}

template <std::size_t Rows>
void tile_products_baseline(const std::array<const float*, Rows>& rows, const float* panel,
                            std::size_t width, std::array<TileLanes, Rows>& sums) {
  add_products(std::make_index_sequence<Rows>(), rows, panel, width, sums);
}

#if defined(__x86_64__)

/// The same bits, twice as fast: without FMA, each product is rounded as in the baseline.
template <std::size_t Rows>
[[gnu::target("avx2")]] void tile_products_avx2(const std::array<const float*, Rows>& rows,
                                                const float* panel, std::size_t width,
                                                std::array<TileLanes, Rows>& sums) {
  add_products(std::make_index_sequence<Rows>(), rows, panel, width, sums);
}

/// The fastest kernel of this processor.
template <std::size_t Rows>
auto tile_kernel() {
  return __builtin_cpu_supports("avx2") != 0 ? &tile_products_avx2<Rows>
                                             : &tile_products_baseline<Rows>;
}

#else

template <std::size_t Rows>
auto tile_kernel() {
  return &tile_products_baseline<Rows>;
}

#endif

}  // namespace detail

/// Scalar products of rows `first` to `first + count` with packed rows of the same width.
/// @param products [count, packed.count()], resized
inline void similarity_tile(const EmbeddingRows& rows, std::size_t first, std::size_t count,
                            const PackedRows& packed, std::vector<float>& products) {
  constexpr std::size_t at_once = 4, lanes = detail::tile_lanes;
  products.resize(count * packed.count());
  static const auto kernel = detail::tile_kernel<at_once>();
  for (std::size_t p = 0; p < packed.panels(); ++p)
    for (std::size_t begin = 0; begin < count; begin += at_once) {
      const std::size_t some = std::min(at_once, count - begin);
      std::array<const float*, at_once> group{};
      for (std::size_t r = 0; r < at_once; ++r)  // the last row again where there is none
        group[r] = rows.row(first + begin + std::min(r, some - 1)).data();
      std::array<detail::TileLanes, at_once> sums;
      kernel(group, packed.panel(p), packed.width(), sums);
      const std::size_t used = std::min(lanes, packed.count() - p * lanes);
      for (std::size_t r = 0; r < some; ++r)
        for (std::size_t lane = 0; lane < used; ++lane)
          products[(begin + r) * packed.count() + p * lanes + lane] = sums[r][lane];
    }
}

}  // namespace coca
