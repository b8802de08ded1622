#pragma once
/// @file
/// Cases of embeddings, gathered and scattered rows, and of their gradients.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t row_widths[] = {1, 3, 17, 33, 65, 130, 768};

// One rounding.
template <>
struct Cases<ops::EmbedOn<Judge>> {
  static void each(const Take<ops::EmbedOn<Judge>>& take) {
    Arguments with(8);
    for (const std::size_t width : {1, 7, 48, 129})
      for (const std::size_t first : {0, 3})
        take({.ids = with.ids({0, 10, 5, 5, 1, 2, 3, 4, 10, 0, 9, 7}, {3, 4}),
              .table = with.stored({11, width}),
              .positions = with.normals({first + 4, width}),
              .first = first,
              .output = with.out({3, 4, width})},
             within(16 * u));
  }
};

template <>
struct Cases<Judged<ops::EmbedGradient>> {
  static void each(const Take<Judged<ops::EmbedGradient>>& take) {
    Arguments with(55);
    for (const std::size_t width : row_widths)
      for (const std::size_t first : {0, 3})
        for (const bool with_table : {true, false})
          for (const bool with_positions : {true, false})
            take({.ids = with.ids_below(10, {5, 7}),
                  .output_gradient = with.normals({5, 7, width}),
                  .first = first,
                  .table_gradient = with.add(with_table, {11, width}),
                  .positions_gradient = with.add(with_positions, {first + 7 + 2, width})},
                 within_sum(5));
  }
};

template <>
struct Cases<Judged<ops::GatherRows>> {
  static void each(const Take<Judged<ops::GatherRows>>& take) {
    Arguments with(11);
    for (const std::size_t width : {1, 5, 16, 129})
      take({.input = with.normals({6, width}),
            .indices = with.ids({5, 0, 3, 3, 2, 5, 0, 1, 4}, {9}),
            .output = with.out({9, width})},
           exactly);
  }
};

template <>
struct Cases<Judged<ops::GatherRowsGradient>> {
  static void each(const Take<Judged<ops::GatherRowsGradient>>& take) {
    Arguments with(59);
    for (const std::size_t width : row_widths)
      take({.output_gradient = with.normals({9, width}),
            .indices = with.ids({5, 0, 3, 3, 2, 5, 0, 1, 5}, {9}),  // 4 is not read
            .input_gradient = with.add({6, width})},
           within_sum(3));
  }
};

// Other rows stay NaN.
template <>
struct Cases<Judged<ops::ScatterRows>> {
  static void each(const Take<Judged<ops::ScatterRows>>& take) {
    Arguments with(12);
    for (const std::size_t width : {1, 5, 16, 129})
      for (const std::size_t first : {std::size_t{0}, std::size_t{3}, width})
        take({.input = {with.normals({4, first + width + 2}), first, width},
              .indices = with.ids({8, 0, 5, 2}, {4}),
              .output = ops::InOut(with.out({9, width}).tensor())},
             exactly);
  }
};

}  // namespace coca::testing
