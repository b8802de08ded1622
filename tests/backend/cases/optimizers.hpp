#pragma once
/// @file
/// Cases of optimizer steps.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t weight_counts[] = {1, 3, 17, 33, 65, 130, 10007};

/// Updates are about as large as the learning rate, weights a few units.
inline double step_tolerance(double learning_rate) { return (16 + 256 * learning_rate) * u; }

template <>
struct Cases<Judged<ops::SumOfSquares>> {
  static void each(const Take<Judged<ops::SumOfSquares>>& take) {
    Arguments with(100);
    for (const std::size_t size : {1, 3, 17, 33, 65, 130, 10007, 300001})
      take({.input = with.normals({size}), .output = ops::Add(with.array({2.5f}, {1}))},
           within_sum(size));  // terms of one sign: the error is relative
  }
};

template <>
struct Cases<Judged<ops::ClipFactor>> {
  static void each(const Take<Judged<ops::ClipFactor>>& take) {
    Arguments with(100);
    for (const float squares : {0.0f, 0.25f, 3.5f, 1e6f, infinity})
      for (const float largest : {0.0f, 1.0f, 1e6f})
        take({.sum_of_squares = with.array({squares}, {1}),
              .largest_norm = largest,
              .factor = with.out({1})},
             [](const std::string&, const std::vector<double>& expected) {
               // Unclipped gradients are not changed at all.
               return std::vector<double>(1, expected[0] == 1 ? 0.0 : 4 * u);
             });
    take({.sum_of_squares = with.array({not_a_number}, {1}),
          .largest_norm = 1,
          .factor = with.out({1})},
         exactly);
  }
};

// The first step moves each weight by the learning rate; late ones are not corrected any more.
template <>
struct Cases<Judged<ops::AdamW>> {
  static void each(const Take<Judged<ops::AdamW>>& take) {
    Arguments with(101);
    for (const std::size_t size : weight_counts)
      for (const float decay : {0.0f, 0.2f})
        for (const std::uint64_t step : {1ull, 2ull, 1000ull, 10000000000ull}) {
          const HostArray squares = with.normals({size});
          for (std::size_t i = 0; i < size; ++i)
            squares.data()[i] = static_cast<float>(0.5 + squares.data()[i] * squares.data()[i]);
          take({.step = {.learning_rate = 0.125f, .weight_decay = decay, .step = step},
                .gradient = with.normals({size}),
                .factor = with.array({0.75f}, {1}),
                .weight = ops::InOut(with.normals({size})),
                .first_moment = ops::InOut(with.normals({size})),
                .second_moment = ops::InOut(squares)},
               within(step_tolerance(1)));
        }
  }
};

template <>
struct Cases<Judged<ops::Sgd>> {
  static void each(const Take<Judged<ops::Sgd>>& take) {
    Arguments with(103);
    for (const std::size_t size : weight_counts)
      for (const float momentum : {0.0f, 0.9f})
        for (const bool nesterov : {false, true})
          for (const std::uint64_t step : {1ull, 2ull})  // the first does not read the velocity
            take({.step = {.learning_rate = 0.1f,
                           .momentum = momentum,
                           .weight_decay = 0.05f,
                           .nesterov = nesterov,
                           .step = step},
                  .gradient = with.normals({size}),
                  .factor = with.array({0.5f}, {1}),
                  .weight = ops::InOut(with.normals({size})),
                  .velocity =
                      ops::InOut(step == 1 ? with.out({size}).tensor() : with.normals({size}))},
                 within(step_tolerance(1)));
  }
};

// Updates may be ten times their root mean square, and are where a row has few columns.
template <>
struct Cases<Judged<ops::Adafactor>> {
  static void each(const Take<Judged<ops::Adafactor>>& take) {
    Arguments with(104);
    for (const std::size_t rows : {1, 3, 17, 33, 130})
      for (const std::size_t columns : {1, 3, 17, 33, 65, 130})
        for (const float beta1 : {0.0f, 0.9f})
          for (const float threshold : {1.0f, 0.5f, 100.0f}) {
            const Shape shape{rows, columns};
            const HostArray first =
                beta1 > 0 ? with.array(Floats(shape.size(), 0), shape) : HostArray();
            take({.step = {.learning_rate = 0.05f,
                           .beta1 = beta1,
                           .clipping_threshold = threshold,
                           .weight_decay = 0.1f},
                  .gradient = with.normals(shape),
                  .factor = with.array({0.5f}, {1}),
                  .weight = ops::InOut(with.normals(shape)),
                  .row_moment = ops::InOut(with.array(Floats(rows, 0), {rows})),
                  .column_moment = ops::InOut(with.array(Floats(columns, 0), {columns})),
                  .first_moment = ops::InOut(first)},
                 [rows, columns](const std::string&, const std::vector<double>& expected) {
                   return std::vector<double>(
                       expected.size(),
                       10 * step_tolerance(1) + sum_tolerance(expected, rows + columns));
                 });
          }
  }
};

template <>
struct Cases<Judged<ops::Clamp>> {
  static void each(const Take<Judged<ops::Clamp>>& take) {
    Arguments with(105);
    for (const std::size_t size : weight_counts) {
      const HostArray values = with.normals({size}, 3);
      values.data()[size / 2] = not_a_number;
      take({.values = ops::InOut(values), .low = -1.5f, .high = 2.25f}, exactly);
    }
  }
};

template <>
struct Cases<Judged<ops::Blend>> {
  static void each(const Take<Judged<ops::Blend>>& take) {
    Arguments with(106);
    for (const std::size_t size : weight_counts)
      take({.input = with.normals({size}, 3),
            .keep = 0.9f,
            .output = ops::InOut(with.normals({size}))},
           within(32 * u));
  }
};

}  // namespace coca::testing
