#pragma once
/// @file
/// Cases of products with matrices. Factors are such as bfloat16 can hold, with the spread that
/// keeps sums near 1.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t product_sizes[] = {1, 3, 17, 33, 65, 130};

/// Calls take(rows, out, in, a counter).
template <class Function>
void for_each_product(const Function& take) {
  std::size_t number = 0;
  for (const std::size_t rows : {1, 3, 17, 65})
    for (const std::size_t out : product_sizes)
      for (const std::size_t in : product_sizes) take(rows, out, in, number++);
  take(257, 129, 100, number++);
  take(33, 512, 257, number++);
}

inline HostArray factors(Arguments& with, const Shape& shape, std::size_t terms) {
  return with.stored(shape, std::pow(static_cast<float>(terms), -0.25f));
}

/// A matrix [out, in] that is stored so or, every other one, transposed.
inline Judge::Matrix weight_of(Arguments& with, const Shape& shape, std::size_t terms,
                               bool transposed) {
  return Judge().view(factors(with, transposed ? Shape{shape[1], shape[0]} : shape, terms),
                      transposed);
}

// Sums whose error an activation makes at most 1.13 times as large, a scale at most 4 times.
template <>
struct Cases<ops::MatmulOn<Judge>> {
  static void each(const Take<ops::MatmulOn<Judge>>& take) {
    Arguments with(70);
    for_each_product([&](std::size_t rows, std::size_t out, std::size_t in, std::size_t number) {
      Epilogue<double, HostMemory> epilogue{.activation = all_activations[number % 8]};
      if (number / 3 % 2 == 1) epilogue.bias = with.normals({out});
      if (number / 6 % 2 == 1) epilogue.scale = with.normals({out});
      if (number / 12 % 2 == 1) epilogue.residual = with.normals({rows, out});
      take({.input = factors(with, {rows, in}, in),
            .weight = weight_of(with, {out, in}, in, number % 2 == 1),
            .epilogue = epilogue,
            .output = with.out({rows, out})},
           within_sum(in, 4));
    });
  }
};

template <>
struct Cases<ops::MatmulInputGradientOn<Judge>> {
  static void each(const Take<ops::MatmulInputGradientOn<Judge>>& take) {
    Arguments with(71);
    for (const Write write : both_writes)
      for_each_product([&](std::size_t rows, std::size_t out, std::size_t in, std::size_t number) {
        take({.output_gradient = factors(with, {rows, out}, out),
              .weight = weight_of(with, {out, in}, out, number % 2 == 1),
              .input_gradient = with.update(write, {rows, in})},
             within_sum(out));
      });
  }
};

template <>
struct Cases<Judged<ops::MatmulWeightGradient>> {
  static void each(const Take<Judged<ops::MatmulWeightGradient>>& take) {
    Arguments with(72);
    for (const Write write : both_writes)
      for_each_product([&](std::size_t rows, std::size_t out, std::size_t in, std::size_t) {
        take({.output_gradient = factors(with, {rows, out}, rows),
              .input = factors(with, {rows, in}, rows),
              .weight_gradient = with.update(write, {out, in})},
             within_sum(rows));
      });
  }
};

}  // namespace coca::testing
