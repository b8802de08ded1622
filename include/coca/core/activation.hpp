#pragma once
/// @file
/// The pointwise functions that a matrix product can end with, by the names of PyTorch and
/// OpenCLIP.

#include <cstdint>

namespace coca {

enum class Activation : std::uint8_t {
  none,        ///< x
  gelu,        ///< x Φ(x), the exact form with erf
  quick_gelu,  ///< x σ(1.702 x), of OpenAI's own CLIP weights
  gelu_tanh,   ///< x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, GELU's approximation, of SigLIP
  relu,        ///< max(x, 0)
  silu,        ///< x σ(x)
  tanh,
  sigmoid,  ///< σ(x) = 1 / (1 + e^-x)
};

/// All of them, for tests and lists of names.
inline constexpr Activation all_activations[] = {
    Activation::none, Activation::gelu, Activation::quick_gelu, Activation::gelu_tanh,
    Activation::relu, Activation::silu, Activation::tanh,       Activation::sigmoid};

}  // namespace coca
