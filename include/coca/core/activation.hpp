#pragma once
/// @file
/// The pointwise functions that a matrix product can end with.

#include <cstdint>

namespace coca {

enum class Activation : std::uint8_t {
  none,        ///< x
  gelu,        ///< x Φ(x), the exact form with erf
  quick_gelu,  ///< x σ(1.702 x), of OpenAI's own CLIP weights
};

}  // namespace coca
