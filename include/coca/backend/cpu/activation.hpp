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

/// The derivative of GELU by tanh: s + x s (1 - s) 2 v', see gelu_tanh_factor. Beyond 30 it is 0 or
/// 1, where squares are still finite.
template <class S>
[[gnu::always_inline]] inline void gelu_tanh_derivative_inplace(typename S::F& x) {
  using F = typename S::F;
  F low, high, s;
  fill<S>(low, -30.0f);
  fill<S>(high, 30.0f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  gelu_tanh_factor<S>(s, x);
  x = s + x * s * (1.0f - s) * ((x * x * 0.134145f + 1.0f) * 1.59576912160573080f);
}

/// The derivative of an activation, but `none`.
template <class S>
[[gnu::always_inline]] inline void derivative_inplace(typename S::F& x, Activation activation) {
  using F = typename S::F;
  const F input = x, zero{};
  F one;
  fill<S>(one, 1.0f);
  switch (activation) {
    case Activation::none:
      x = one;
      return;
    case Activation::gelu:
      return gelu_derivative_inplace<S>(x);
    case Activation::quick_gelu:
      return quick_gelu_derivative_inplace<S>(x);
    case Activation::gelu_tanh:
      return gelu_tanh_derivative_inplace<S>(x);
    case Activation::relu:
      x = x > zero ? one : zero;
      return;
    case Activation::silu:
      sigmoid_inplace<S>(x);
      x = x + input * x * (one - x);
      return;
    case Activation::tanh:
      tanh_inplace<S>(x);
      x = one - x * x;
      return;
    case Activation::sigmoid:
      sigmoid_inplace<S>(x);
      x = x * (one - x);
      return;
  }
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
      simd::derivative_inplace<S>(x, activation);
      gradient = gradient * x;
    }
    simd::write_up_to<S>(input_gradient + i, gradient, count, write);
  }
};

inline void run(const ops::Activate<float, HostMemory>& op, const CpuContext& context) {
  for_each_vector(ActivateStep{op.input.data(), op.activation, op.output.data()}, op.output.size(),
                  context, 8);
}

inline void run(const ops::ActivationGradient<float, HostMemory>& op, const CpuContext& context) {
  if (!op.input_gradient) return;
  const ActivationGradientStep step{op.input.data(), op.activation, op.output_gradient.data(),
                                    op.input_gradient.write, op.input_gradient.data()};
  for_each_vector(step, op.output_gradient.size(), context, 8);
}

}  // namespace coca::detail
