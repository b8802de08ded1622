#pragma once
/// @file
/// From a configuration to the sizes and initial weights of its blocks.

#include <cmath>
#include <cstddef>
#include <string>

#include "coca/models/config.hpp"
#include "coca/nn/block_stack.hpp"
#include "coca/nn/transformer_block.hpp"

namespace coca::detail {

/// Of the norms of a tower's blocks; the multimodal decoder's is always the default.
template <class Config>
double block_norm_epsilon(const Config& config) {
  if constexpr (requires { config.norm_epsilon; })
    return config.norm_epsilon.value();
  else
    return default_norm_epsilon;
}

/// Sizes and initial values of a block, as OpenCLIP initialises its transformers.
template <class Config>
BlockOptions block_options(const Config& config, MatrixUse use) {
  const auto width = static_cast<float>(config.width), layers = static_cast<float>(config.layers);
  return {.width = size(config.width),
          .heads = size(config.heads),
          .mlp_width = size(config.mlp_width),
          .activation = config.activation,
          .layer_scale = config.layer_scale,
          .layer_scale_init = static_cast<float>(config.layer_scale_init.value()),
          .norm_epsilon = block_norm_epsilon(config),
          .in_deviation = 1 / std::sqrt(width),
          .out_deviation = 1 / std::sqrt(width * 2 * layers),
          .mlp_deviation = 1 / std::sqrt(2 * width),
          .use = use};
}

/// The self-attention blocks of a tower.
/// @param path prefix of "transformer.resblocks.0", with its point
template <Backend B, class Config>
BlockStack<B, TransformerBlock<B>> transformer_blocks(const std::string& path, const Config& config,
                                                      MatrixUse use) {
  const BlockOptions options = block_options(config, use);
  return {size(config.layers), [&](std::size_t index) {
            return TransformerBlock<B>(
                ParameterPath(path + "transformer.resblocks." + std::to_string(index),
                              size(config.layers) - index),
                options);
          }};
}

}  // namespace coca::detail
