#pragma once
/// @file
/// Cases of slices and means of tokens and of tokens that are written, and of their gradients.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t token_widths[] = {1, 3, 17, 33, 65, 130, 768};

template <>
struct Cases<Judged<ops::SliceTokens>> {
  static void each(const Take<Judged<ops::SliceTokens>>& take) {
    Arguments with(120);
    for (const std::size_t width : token_widths)
      for (const std::size_t first : {0, 2})
        for (const std::size_t tokens : {0, 1, 5})
          take({.input = with.normals({3, 7, width}),
                .first = first,
                .tokens = tokens,
                .output = with.out({3, tokens, width})},
               exactly);
  }
};

template <>
struct Cases<Judged<ops::SliceTokensGradient>> {
  static void each(const Take<Judged<ops::SliceTokensGradient>>& take) {
    Arguments with(121);
    for (const std::size_t width : token_widths)
      for (const std::size_t first : {0, 2})
        for (const std::size_t tokens : {1, 5})
          for (const bool present : {true, false})
            take({.output_gradient = with.normals({3, tokens, width}),
                  .first = first,
                  .input_gradient = with.add(present, {3, 7, width})},
                 within(16 * u));
  }
};

/// Hidden tokens of [batch, tokens]: none, some, or all of a sequence; or nothing.
inline std::vector<Tensor<std::uint8_t>> hidden_tokens(Arguments& with, const Shape& shape) {
  std::vector<std::uint8_t> some(shape.size());
  for (auto& one : some) one = with.random().below(3) == 0 ? 1 : 0;
  for (std::size_t t = 0; t < shape[1]; ++t) some[t] = 1;
  return {Tensor<std::uint8_t>(), host_tensor(some, shape)};
}

template <>
struct Cases<Judged<ops::MeanTokens>> {
  static void each(const Take<Judged<ops::MeanTokens>>& take) {
    Arguments with(122);
    for (const std::size_t width : token_widths)
      for (const std::size_t tokens : {1, 5, 50})
        for (const auto& hidden : hidden_tokens(with, {3, tokens}))
          take({.input = with.normals({3, tokens, width}),
                .hidden = hidden,
                .output = with.out({3, width})},
               within_sum(tokens));
  }
};

template <>
struct Cases<Judged<ops::MeanTokensGradient>> {
  static void each(const Take<Judged<ops::MeanTokensGradient>>& take) {
    Arguments with(123);
    for (const std::size_t width : token_widths)
      for (const std::size_t tokens : {1, 5, 50})
        for (const Write write : both_writes)
          for (const auto& hidden : hidden_tokens(with, {3, tokens}))
            take({.output_gradient = with.normals({3, width}),
                  .hidden = hidden,
                  .input_gradient = with.update(write, {3, tokens, width})},
                 within(16 * u));
  }
};

// What is not written stays NaN; a sum is one rounding.
template <>
struct Cases<Judged<ops::WriteTokens>> {
  static void each(const Take<Judged<ops::WriteTokens>>& take) {
    Arguments with(10);
    for (const std::size_t width : {1, 7, 48})
      for (const std::size_t sources : {1, 3})
        for (const std::size_t tokens : {1, 4})
          for (const std::size_t first : {0, 2})
            for (const bool with_positions : {false, true}) {
              const HostArray positions =
                  with_positions ? with.normals({first + tokens, width}) : HostArray();
              take({.source = with.normals({sources, tokens, width}),
                    .positions = positions,
                    .first = first,
                    .output = ops::InOut(with.out({3, 7, width}).tensor())},
                   within(16 * u));
            }
  }
};

template <>
struct Cases<Judged<ops::WriteTokensGradient>> {
  static void each(const Take<Judged<ops::WriteTokensGradient>>& take) {
    Arguments with(57);
    for (const std::size_t width : token_widths)
      for (const std::size_t sources : {0, 1, 3})
        for (const std::size_t tokens : {1, 4})
          for (const std::size_t first : {0, 2})
            for (const bool with_positions : {false, true})
              take({.output_gradient = with.normals({3, 7, width}),
                    .first = first,
                    .tokens = tokens,
                    .source_gradient = with.add(sources != 0, {sources, tokens, width}),
                    .positions_gradient = with.add(with_positions, {7, width})},
                   within_sum(3));
  }
};

}  // namespace coca::testing
