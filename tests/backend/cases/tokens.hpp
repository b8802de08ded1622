#pragma once
/// @file
/// Cases of slices and means of tokens and of softmax, and of their gradients.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/operation_cases.hpp"

namespace coca::testing {

inline constexpr std::size_t token_widths[] = {1, 3, 17, 33, 130};

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
