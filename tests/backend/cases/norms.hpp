#pragma once
/// @file
/// Cases of norms and of softmax, and of their gradients. u is the unit roundoff of float.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t case_widths[] = {1, 3, 17, 33, 65, 130, 768};

// The mean is off by a few u of the values, and so is x - mean where the mean is large; the rest is
// a few roundings of the normalised value, which no width makes larger than its root.
template <>
struct Cases<Judged<ops::LayerNorm>> {
  using Operation = Judged<ops::LayerNorm>;

  static void each(const Take<Operation>& take) {
    Arguments with(6);
    for (const std::size_t width : {1, 2, 7, 16, 31, 48, 100, 512, 768, 1030})
      for (const std::size_t rows : {1, 5, 50})
        for (const float offset : {0.0f, -3.0f, 1000.0f, 30000.0f}) {
          const Operation operation{.input = with.normals({rows, width}, 1, offset),
                                    .weight = with.normals({width}),
                                    .bias = with.normals({width}),
                                    .output = with.out({rows, width})};
          take(operation, tolerance(operation));
        }
    for (const double epsilon : {1e-12, 1e-6, 0.5})
      for (const std::size_t width : {5, 31, 100}) {
        const Operation operation{.input = with.normals({5, width}),
                                  .weight = with.normals({width}),
                                  .bias = {},
                                  .output = with.out({5, width}),
                                  .epsilon = epsilon};
        take(operation, tolerance(operation));
      }
  }

 private:
  static Tolerance tolerance(const Operation& a) {
    const std::size_t width = a.weight.size();
    std::vector<double> all;
    for (std::size_t r = 0; r < a.input.size() / width; ++r) {
      const double* x = a.input.data() + r * width;
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < width; ++i) mean += x[i] / static_cast<double>(width);
      for (std::size_t i = 0; i < width; ++i)
        variance += std::pow(x[i] - mean, 2) / static_cast<double>(width);
      const double deviation = std::sqrt(variance + a.epsilon);
      for (std::size_t i = 0; i < width; ++i) {
        const double normal = std::abs(x[i] - mean) / deviation;
        const double error = 16 * u * normal + 4 * u * std::abs(mean) / deviation;
        all.push_back((error + u) * std::abs(a.weight.data()[i]) +
                      4 * u * (a.bias ? std::abs(a.bias.data()[i]) : 0));
      }
    }
    return [all](const std::string&, const std::vector<double>&) { return all; };
  }
};

// A mean that is large makes x - mean inexact, and with it the normalised value.
template <>
struct Cases<Judged<ops::LayerNormGradient>> {
  static void each(const Take<Judged<ops::LayerNormGradient>>& take) {
    Arguments with(53);
    for (const std::size_t width : case_widths)
      for (const std::size_t rows : {1, 3, 65})
        for (const Write write : both_writes)
          for (const float offset : {0.0f, -30.0f}) {
            const Shape shape{rows, width};
            // Of a row of one element all that is left of d n - mean(d n) is its rounding, times
            // 316.
            const double inexact = (1 + std::abs(double{offset})) * (width == 1 ? 316 : 1);
            take({.input = with.normals(shape, 1, offset),
                  .weight = with.normals({width}),
                  .output_gradient = with.normals(shape),
                  .input_gradient = with.update(write, shape),
                  .weight_gradient = with.add({width}),
                  .bias_gradient = with.add({width})},
                 within_sum(rows, inexact));
          }
    for (const double epsilon : {1e-12, 1e-6, 0.5})
      take({.input = with.normals({9, 33}),
            .weight = with.normals({33}),
            .output_gradient = with.normals({9, 33}),
            .input_gradient = with.update(Write::assign, {9, 33}),
            .weight_gradient = with.add({33}),
            .bias_gradient = {},
            .epsilon = epsilon},
           within_sum(9));
    for (unsigned present = 0; present < 8; ++present)
      take({.input = with.normals({9, 33}),
            .weight = with.normals({33}),
            .output_gradient = with.normals({9, 33}),
            .input_gradient = (present & 1) != 0 ? with.update(Write::add, {9, 33})
                                                 : ops::Update<double, HostMemory>(),
            .weight_gradient = with.add((present & 2) != 0, {33}),
            .bias_gradient = with.add((present & 4) != 0, {33})},
           within_sum(9));
  }
};

// A few roundings of the normalised value, which no width makes larger than its root.
template <>
struct Cases<Judged<ops::RmsNorm>> {
  static void each(const Take<Judged<ops::RmsNorm>>& take) {
    Arguments with(8);
    for (const std::size_t width : {1, 2, 7, 16, 31, 48, 100, 512, 768, 1030})
      for (const std::size_t rows : {1, 5, 50})
        for (const float scale : {1.0f, 1000.0f, 1e-4f})
          for (const double epsilon : {1e-6, 0.5})
            take({.input = with.normals({rows, width}, scale),
                  .weight = with.normals({width}),
                  .output = with.out({rows, width}),
                  .epsilon = epsilon},
                 [](const std::string&, const std::vector<double>& expected) {
                   std::vector<double> all;
                   for (const double value : expected) all.push_back(17 * u * std::abs(value));
                   return all;
                 });
  }
};

// What is left of d n - n mean(n d n) is divided by the root of the mean square, which may be
// small.
template <>
struct Cases<Judged<ops::RmsNormGradient>> {
  using Operation = Judged<ops::RmsNormGradient>;

  static void each(const Take<Operation>& take) {
    Arguments with(58);
    for (const std::size_t width : case_widths)
      for (const std::size_t rows : {1, 3, 65})
        for (const Write write : both_writes)
          for (const double epsilon : {1e-6, 0.5}) {
            const Shape shape{rows, width};
            const HostArray input = with.normals(shape);
            take({.input = input,
                  .weight = with.normals({width}),
                  .output_gradient = with.normals(shape),
                  .input_gradient = with.update(write, shape),
                  .weight_gradient = with.add({width}),
                  .epsilon = epsilon},
                 within_sum(rows, 4 / std::min(1.0, smallest_root(input, epsilon))));
          }
    for (unsigned present = 0; present < 4; ++present)
      take({.input = with.normals({9, 33}),
            .weight = with.normals({33}),
            .output_gradient = with.normals({9, 33}),
            .input_gradient = (present & 1) != 0 ? with.update(Write::add, {9, 33})
                                                 : ops::Update<double, HostMemory>(),
            .weight_gradient = with.add((present & 2) != 0, {33})},
           within_sum(9, 4));
  }

 private:
  static double smallest_root(const HostArray& input, double epsilon) {
    const std::size_t width = input.shape()[1];
    double smallest = infinity;
    for (std::size_t r = 0; r < input.shape()[0]; ++r) {
      double squares = 0;
      for (std::size_t i = 0; i < width; ++i)
        squares += std::pow(input.data()[r * width + i], 2) / static_cast<double>(width);
      smallest = std::min(smallest, std::sqrt(squares + epsilon));
    }
    return smallest;
  }
};

template <>
struct Cases<Judged<ops::L2Normalize>> {
  static void each(const Take<Judged<ops::L2Normalize>>& take) {
    Arguments with(7);
    for (const std::size_t width : {1, 5, 16, 31, 512, 770})
      for (const float scale : {1.0f, 1e-16f, 1e15f, 0.0f})
        take({.input = with.normals({9, width}, scale), .output = with.out({9, width})},
             within(16 * u));
  }
};

// What is left of d y - y (y · d y) is divided by the norm, which may be small.
template <>
struct Cases<Judged<ops::L2NormalizeGradient>> {
  static void each(const Take<Judged<ops::L2NormalizeGradient>>& take) {
    Arguments with(54);
    for (const std::size_t width : case_widths)
      for (const Write write : both_writes)
        for (const float scale : {1.0f, 100.0f, 0.01f}) {
          const Shape shape{9, width};
          const HostArray input = with.normals(shape, scale);
          double shortest = scale;
          for (std::size_t r = 0; r < 9; ++r) {
            double squares = 0;
            for (std::size_t i = 0; i < width; ++i)
              squares += std::pow(input.data()[r * width + i], 2);
            shortest = std::min(shortest, std::sqrt(squares));
          }
          take({.input = input,
                .output_gradient = with.normals(shape, scale),
                .input_gradient = with.update(write, shape)},
               within_sum(width, scale / shortest));
        }
    // Norms 0, 1e-13 and 5.
    take({.input = with.array({0, 0, 0, 1e-13f, 3, 4}, {3, 2}),
          .output_gradient = with.array({1e-12f, -2e-12f, 3e-12f, 1e-12f, 5, 0}, {3, 2}),
          .input_gradient = with.update(Write::assign, {3, 2})},
         within_sum(2));
  }
};

template <>
struct Cases<Judged<ops::Softmax>> {
  static void each(const Take<Judged<ops::Softmax>>& take) {
    Arguments with(124);
    for (const std::size_t width : {1, 3, 17, 33, 130, 1000})
      for (const float offset : {0.0f, 1000.0f, -1000.0f}) {
        const HostArray input = with.normals({5, width}, 3, offset);
        if (width > 3) input.data()[2] = -infinity;
        take({.input = input, .output = with.out({5, width})}, within_sum(width));
      }
  }
};

template <>
struct Cases<Judged<ops::SoftmaxGradient>> {
  static void each(const Take<Judged<ops::SoftmaxGradient>>& take) {
    Arguments with(125);
    for (const std::size_t width : {1, 3, 17, 33, 130, 1000})
      for (const Write write : both_writes) {
        const HostArray input = with.normals({5, width}, 2), output = with.normals({5, width});
        Judge().run(Judged<ops::Softmax>{input, ops::Out(output)});
        for (std::size_t i = 0; i < output.size(); ++i)
          output.data()[i] = static_cast<float>(output.data()[i]);
        take({.output = output,
              .output_gradient = with.normals({5, width}),
              .input_gradient = with.update(write, {5, width})},
             within_sum(width));
      }
  }
};

}  // namespace coca::testing
