#pragma once
/// @file
/// Random numbers of the normal, gamma and beta distributions.

#include <cmath>

#include "coca/data/random_draws.hpp"

namespace coca {

/// Normal, of mean 0 and deviation 1 (Box and Muller 1958).
inline double draw_normal(RandomDraws& draws) {
  constexpr double two_pi = 6.283185307179586;
  const double radius = std::sqrt(-2 * std::log(1 - draws.uniform()));
  return radius * std::cos(two_pi * draws.uniform());
}

/// Gamma, of scale 1 (Marsaglia and Tsang 2000). @param shape above 0
inline double draw_gamma(double shape, RandomDraws& draws) {
  if (shape < 1) {
    const double power = std::pow(1 - draws.uniform(), 1 / shape);
    return power * draw_gamma(shape + 1, draws);
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = draw_normal(draws), v = std::pow(1 + c * x, 3);
    if (v <= 0) continue;
    if (std::log(1 - draws.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

/// Beta(shape, shape): symmetric about 1/2, at the ends for small shapes.
inline double draw_beta(double shape, RandomDraws& draws) {
  const double a = draw_gamma(shape, draws), b = draw_gamma(shape, draws);
  if (a + b == 0) return draws.chance(0.5) ? 1 : 0;  // both are too small for a double
  return a / (a + b);
}

}  // namespace coca
