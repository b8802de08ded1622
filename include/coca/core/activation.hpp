#pragma once
/// @file
/// The pointwise functions that can follow a matrix product.

#include <cstdint>

namespace coca {

enum class Activation : std::uint8_t {
  none,        ///< x
  gelu,        ///< x Φ(x), the exact form with erf
  quick_gelu,  ///< x σ(1.702 x), used by OpenAI's CLIP weights
};

}  // namespace coca
