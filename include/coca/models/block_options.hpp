#pragma once
/// @file
/// From a configuration to the sizes and initial weights of its blocks.

#include <cmath>

#include "coca/models/config.hpp"
#include "coca/nn/mlp.hpp"

namespace coca::detail {

/// Sizes and initial values of a block, as OpenCLIP initialises its transformers.
template <class Config>
BlockOptions block_options(const Config& config, MatrixUse use) {
  const auto width = static_cast<float>(config.width), layers = static_cast<float>(config.layers);
  return {.width = size(config.width),
          .heads = size(config.heads),
          .mlp_width = size(config.mlp_width),
          .activation = config.activation,
          .layer_scale = config.layer_scale,
          .in_deviation = 1 / std::sqrt(width),
          .out_deviation = 1 / std::sqrt(width * 2 * layers),
          .mlp_deviation = 1 / std::sqrt(2 * width),
          .use = use};
}

}  // namespace coca::detail
