#pragma once
/// @file
/// Standalone activations, and their gradients.

#include <cstddef>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

namespace simd {

/// The derivative of GELU: Φ(x) + x φ(x), where φ is the normal density; Φ as in gelu_inplace.
template <class S>
[[gnu::always_inline]] inline void gelu_derivative_inplace(typename S::F& x) {
  using F = typename S::F;
  const F zero{};
  const F magnitude = x < zero ? -x : x;
  const F z = magnitude * 0.707106781186547524f;
  const F t = 1.0f / (z * 0.3275911f + 1.0f);
  F p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  F e = -z * z;
  exp_inplace<S>(e);
  const F below = p * t * 0.5f * e;  // Φ(-|x|)
  const F above = 1.0f - below;
  const F density = e * 0.398942280401432678f;
  const F probability = x < zero ? below : above;
  x = probability + x * density;
}

/// The derivative of QuickGELU: σ + 1.702 x σ (1 - σ), σ = 1 / (1 + e^(-1.702 x)).
template <class S>
[[gnu::always_inline]] inline void quick_gelu_derivative_inplace(typename S::F& x) {
  using F = typename S::F;
  const F scaled = x * 1.702f;
  F e = -scaled;
  exp_inplace<S>(e);
  const F sigmoid = 1.0f / (e + 1.0f);
  x = sigmoid + scaled * sigmoid * (1.0f - sigmoid);
}

}  // namespace simd

struct ActivateStep {
  const float* input = nullptr;
  Activation activation = Activation::none;
  float* output = nullptr;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x;
    simd::load_up_to<S>(x, input + i, count);
    simd::activate_inplace<S>(x, activation);
    simd::store_up_to<S>(output + i, x, count);
  }
};

struct ActivationGradientStep {
  const float* input = nullptr;
  Activation activation = Activation::none;
  const float* output_gradient = nullptr;
  Write write = Write::assign;
  float* input_gradient = nullptr;

  template <class S>
  [[gnu::always_inline]] inline void run(std::size_t i, std::size_t count) const {
    typename S::F x, gradient;
    simd::load_up_to<S>(gradient, output_gradient + i, count);
    if (activation != Activation::none) {
      simd::load_up_to<S>(x, input + i, count);
      if (activation == Activation::gelu)
        simd::gelu_derivative_inplace<S>(x);
      else
        simd::quick_gelu_derivative_inplace<S>(x);
      gradient = gradient * x;
    }
    simd::write_up_to<S>(input_gradient + i, gradient, count, write);
  }
};

/// output = activation(input).
inline void activate(const Tensor<float>& input, Activation activation, const Tensor<float>& output,
                     const CpuContext& context) {
  for_each_vector(ActivateStep{input.data(), activation, output.data()}, output.size(), context, 8);
}

/// See DifferentiableBackend's activation_gradient.
inline void activation_gradient(const Tensor<float>& input, Activation activation,
                                const Tensor<float>& output_gradient, Write write,
                                const Tensor<float>& input_gradient, const CpuContext& context) {
  if (!input_gradient) return;
  const ActivationGradientStep step{input.data(), activation, output_gradient.data(), write,
                                    input_gradient.data()};
  for_each_vector(step, output_gradient.size(), context, 8);
}

}  // namespace coca::detail
