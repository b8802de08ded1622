#pragma once
/// @file
/// Slices and means of tokens, and their gradients.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

inline void run(const ops::SliceTokens<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t length = op.input.shape()[1], width = op.input.shape()[2];
  const std::size_t part = op.tokens * width;
  parallel_for(worthwhile_threads(context.threads, op.output.size() / 4), op.input.shape()[0],
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t b = begin; b < end; ++b)
                   std::copy_n(op.input.data() + (b * length + op.first) * width, part,
                               op.output.data() + b * part);
               });
}

inline void run(const ops::SliceTokensGradient<float, HostMemory>& op, const CpuContext& context) {
  if (!op.input_gradient) return;
  const std::size_t length = op.input_gradient.shape()[1], width = op.input_gradient.shape()[2];
  const std::size_t part = op.output_gradient.shape()[1] * width;
  parallel_for(worthwhile_threads(context.threads, op.output_gradient.size() / 4),
               op.input_gradient.shape()[0], [&](std::size_t begin, std::size_t end) {
                 for (std::size_t b = begin; b < end; ++b)
                   dispatch<EachVectorKernel<AddStep>>(
                       context.set,
                       AddStep{op.output_gradient.data() + b * part,
                               op.input_gradient.data() + (b * length + op.first) * width},
                       std::size_t{0}, part);
               });
}

/// Which tokens of a sequence count, and what each counts for.
class TokenShares {
 public:
  TokenShares(const Tensor<std::uint8_t>& hidden, std::size_t sequence, std::size_t tokens)
      : hidden_(hidden ? hidden.data() + sequence * tokens : nullptr) {
    std::size_t count = 0;
    for (std::size_t t = 0; t < tokens; ++t) count += sees(t) ? 1 : 0;
    share_ = count == 0 ? 0.0f : 1.0f / static_cast<float>(count);
  }
  bool sees(std::size_t token) const { return hidden_ == nullptr || hidden_[token] == 0; }
  float share() const { return share_; }

 private:
  const std::uint8_t* hidden_;
  float share_;
};

inline void run(const ops::MeanTokens<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t tokens = op.input.shape()[1], width = op.input.shape()[2];
  parallel_for(worthwhile_threads(context.threads, op.input.size() / 4), op.input.shape()[0],
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t b = begin; b < end; ++b) {
                   const TokenShares shares(op.hidden, b, tokens);
                   float* sum = op.output.data() + b * width;
                   std::fill_n(sum, width, 0.0f);
                   for (std::size_t t = 0; t < tokens; ++t)
                     if (shares.sees(t))
                       dispatch<EachVectorKernel<AddStep>>(
                           context.set, AddStep{op.input.data() + (b * tokens + t) * width, sum},
                           std::size_t{0}, width);
                   dispatch<EachVectorKernel<ScaleStep>>(
                       context.set, ScaleStep{sum, sum, shares.share()}, std::size_t{0}, width);
                 }
               });
}

inline void run(const ops::MeanTokensGradient<float, HostMemory>& op, const CpuContext& context) {
  const ops::Update<float, HostMemory>& gradient = op.input_gradient;
  if (!gradient) return;
  const std::size_t tokens = gradient.shape()[1], width = gradient.shape()[2];
  parallel_for(worthwhile_threads(context.threads, gradient.size() / 4), gradient.shape()[0],
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t b = begin; b < end; ++b) {
                   const TokenShares shares(op.hidden, b, tokens);
                   for (std::size_t t = 0; t < tokens; ++t) {
                     const ScaleStep step{op.output_gradient.data() + b * width,
                                          gradient.data() + (b * tokens + t) * width,
                                          shares.sees(t) ? shares.share() : 0.0f, gradient.write};
                     dispatch<EachVectorKernel<ScaleStep>>(context.set, step, std::size_t{0},
                                                           width);
                   }
                 }
               });
}

}  // namespace coca::detail
