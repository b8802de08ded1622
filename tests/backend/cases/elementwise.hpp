#pragma once
/// @file
/// Cases of operations on elements and columns, and of their gradients.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t element_counts[] = {1, 3, 17, 33, 65, 130, 100001};
inline constexpr std::size_t column_counts[] = {1, 3, 17, 33, 65, 130, 768};

template <>
struct Cases<Judged<ops::SumRows>> {
  static void each(const Take<Judged<ops::SumRows>>& take) {
    Arguments with(50);
    for (const std::size_t width : column_counts)
      for (const std::size_t rows : {1, 3, 65, 333})
        take({.input = with.normals({rows, width}), .output = with.add({width})}, within_sum(rows));
  }
};

/// Calls take(activation, input) for all activations, with numbers far from 0 and 0 itself.
template <class Function>
void for_each_activation(Arguments& with, const Function& take) {
  for (const Activation activation : all_activations)
    for (const std::size_t width : column_counts) {
      const HostArray input = with.normals({3, width}, 3);
      input.data()[0] = width % 2 == 0 ? 40 : -40;
      input.data()[1] = 0;
      take(activation, input);
    }
}

template <>
struct Cases<Judged<ops::Activate>> {
  static void each(const Take<Judged<ops::Activate>>& take) {
    Arguments with(51);
    for_each_activation(with, [&](Activation activation, const HostArray& input) {
      take({.input = input, .activation = activation, .output = with.out(input.shape())},
           within_sum(1));
    });
  }
};

template <>
struct Cases<Judged<ops::ActivationGradient>> {
  static void each(const Take<Judged<ops::ActivationGradient>>& take) {
    Arguments with(51);
    for (const Write write : both_writes)
      for_each_activation(with, [&](Activation activation, const HostArray& input) {
        take({.input = input,
              .activation = activation,
              .output_gradient = with.normals(input.shape()),
              .input_gradient = with.update(write, input.shape())},
             within_sum(1));
      });
  }
};

template <>
struct Cases<Judged<ops::Fill>> {
  static void each(const Take<Judged<ops::Fill>>& take) {
    for (const std::size_t size : element_counts)
      for (const float value : {0.25f, 0.0f, -0.0f})
        take({.output = Arguments::out({size}), .value = value}, exactly);
  }
};

template <>
struct Cases<Judged<ops::Copy>> {
  static void each(const Take<Judged<ops::Copy>>& take) {
    Arguments with(63);
    for (const std::size_t size : element_counts) {
      const HostArray input = with.normals({size});
      input.data()[size / 2] = not_a_number;
      take({.input = input, .output = with.out({size})}, exactly);
    }
  }
};

template <>
struct Cases<Judged<ops::Accumulate>> {
  static void each(const Take<Judged<ops::Accumulate>>& take) {
    Arguments with(60);
    for (const std::size_t size : element_counts)
      take({.input = with.normals({size}), .output = with.add({size})}, within(16 * u));
  }
};

template <>
struct Cases<Judged<ops::Scale>> {
  static void each(const Take<Judged<ops::Scale>>& take) {
    Arguments with(60);
    for (const std::size_t size : element_counts)
      take({.values = ops::InOut(with.normals({size})), .factor = -1.5f}, within(16 * u));
  }
};

template <>
struct Cases<Judged<ops::Sum>> {
  static void each(const Take<Judged<ops::Sum>>& take) {
    Arguments with(64);
    for (const std::size_t size : element_counts)
      take(
          {.left = with.normals({size}), .right = with.normals({size}), .output = with.out({size})},
          within(8 * u));
    for (const std::size_t width : column_counts)
      for (const std::size_t rows : {1, 33})
        take({.left = with.normals({rows, width}),
              .right = with.normals({width}),
              .output = with.out({rows, width})},
             within(8 * u));
  }
};

// A row on the right is layer scale.
template <>
struct Cases<Judged<ops::Product>> {
  static void each(const Take<Judged<ops::Product>>& take) {
    Arguments with(65);
    for (const bool with_residual : {false, true}) {
      const auto residual = [&](const Shape& shape) {
        return with_residual ? with.normals(shape) : HostArray();
      };
      for (const std::size_t size : element_counts)
        take({.left = with.normals({size}),
              .right = with.normals({size}),
              .residual = residual({size}),
              .output = with.out({size})},
             with_residual ? within_sum(1) : within(16 * u));
      for (const std::size_t width : column_counts)
        for (const std::size_t rows : {1, 33})
          take({.left = with.normals({rows, width}),
                .right = with.normals({width}),
                .residual = residual({rows, width}),
                .output = with.out({rows, width})},
               within_sum(1));
    }
  }
};

template <>
struct Cases<Judged<ops::ProductGradient>> {
  static void each(const Take<Judged<ops::ProductGradient>>& take) {
    Arguments with(66);
    for (const std::size_t size : element_counts)
      for (const Write write : both_writes)
        for (const bool with_left : {true, false})
          take({.left = with.normals({size}),
                .right = with.normals({size}),
                .output_gradient = with.normals({size}),
                .left_gradient =
                    with_left ? with.update(write, {size}) : ops::Update<double, HostMemory>(),
                .right_gradient = with.update(Write::add, {size})},
               within(32 * u));
    for (const std::size_t width : column_counts)
      for (const std::size_t rows : {1, 33})
        for (const Write write : both_writes) take_row(take, with, {rows, width}, write, 3);
    for (unsigned present = 0; present < 4; ++present)
      take_row(take, with, {9, 33}, Write::add, present);
  }

 private:
  // With a row on the right, and some of the gradients.
  static void take_row(const Take<Judged<ops::ProductGradient>>& take, Arguments& with,
                       const Shape& shape, Write write, unsigned present) {
    const auto update = [&](bool wanted, const Shape& of) {
      return wanted ? with.update(write, of) : ops::Update<double, HostMemory>();
    };
    take({.left = with.normals(shape),
          .right = with.normals({shape[1]}),
          .output_gradient = with.normals(shape),
          .left_gradient = update((present & 1) != 0, shape),
          .right_gradient = update((present & 2) != 0, {shape[1]})},
         within_sum(shape[0]));
  }
};

/// Calls take(dropping) for draws of elements, rows and samples.
template <class Function>
void for_each_dropping(const Function& take) {
  for (const float rate : {0.1f, 0.75f})
    for (const std::size_t group : {1, 3, 33})
      take(coca::Dropping{
          .rate = rate, .seed = 0x123456789abcdefu, .step = 7, .layer = 11, .group = group});
}

template <>
struct Cases<Judged<ops::Dropout>> {
  static void each(const Take<Judged<ops::Dropout>>& take) {
    Arguments with(67);
    for (const std::size_t size : element_counts)
      for_each_dropping([&](const coca::Dropping& dropping) {
        take({.input = with.normals({size}), .dropping = dropping, .output = with.out({size})},
             within(64 * u));
      });
  }
};

template <>
struct Cases<Judged<ops::DropoutGradient>> {
  static void each(const Take<Judged<ops::DropoutGradient>>& take) {
    Arguments with(68);
    for (const std::size_t size : element_counts)
      for (const Write write : both_writes)
        for_each_dropping([&](const coca::Dropping& dropping) {
          take({.output_gradient = with.normals({size}),
                .dropping = dropping,
                .input_gradient = with.update(write, {size})},
               within(64 * u));
        });
  }
};

}  // namespace coca::testing
