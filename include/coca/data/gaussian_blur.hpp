#pragma once
/// @file
/// Blurring of floats [3, height, width]: torchvision's GaussianBlur.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "coca/data/random_draws.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

/// How pictures are blurred.
struct BlurOptions {
  double probability = 0.0;
  std::size_t kernel_size = 5;  ///< side in pixels, odd
  Range sigma{0.1, 2.0};        ///< standard deviation, in pixels

  friend constexpr bool operator==(const BlurOptions&, const BlurOptions&) = default;
};

namespace detail {

inline std::vector<float> gaussian_kernel(std::size_t size, double sigma) {
  std::vector<float> kernel(size);
  const double middle = (static_cast<double>(size) - 1) / 2;
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) {
    const double x = (static_cast<double>(i) - middle) / sigma;
    kernel[i] = static_cast<float>(std::exp(-0.5 * x * x));
    sum += static_cast<double>(kernel[i]);
  }
  for (float& weight : kernel) weight = static_cast<float>(static_cast<double>(weight) / sum);
  return kernel;
}

/// The pixel used for one beyond the edge: mirrored, the edge itself only once.
inline std::size_t reflected(std::ptrdiff_t position, std::size_t extent) noexcept {
  if (extent == 1) return 0;
  const auto period = static_cast<std::ptrdiff_t>(2 * (extent - 1));
  position = std::abs(position) % period;
  return static_cast<std::size_t>(std::min(position, period - position));
}

/// Filters `count` values that are `step` apart.
inline void blur_line(const float* in, float* out, std::size_t count, std::size_t step,
                      const std::vector<float>& kernel) {
  const auto radius = static_cast<std::ptrdiff_t>(kernel.size() / 2);
  for (std::size_t i = 0; i < count; ++i) {
    float sum = 0.0f;
    for (std::size_t k = 0; k < kernel.size(); ++k) {
      const auto from = static_cast<std::ptrdiff_t>(i + k) - radius;
      sum += kernel[k] * in[reflected(from, count) * step];
    }
    out[i * step] = sum;
  }
}

}  // namespace detail

/// Blurs a picture; at the edges it is mirrored. @param kernel_size odd
inline void gaussian_blur(Pixels& pixels, std::size_t kernel_size, double sigma) {
  const std::vector<float> kernel = detail::gaussian_kernel(kernel_size, sigma);
  std::vector<float> rows(pixels.values.size());
  const std::size_t lines = pixels.channels * pixels.height;
  for (std::size_t y = 0; y < lines; ++y) {
    detail::blur_line(&pixels.values[y * pixels.width], &rows[y * pixels.width], pixels.width, 1,
                      kernel);
  }
  const std::size_t area = pixels.height * pixels.width;
  for (std::size_t c = 0; c < pixels.channels; ++c) {
    for (std::size_t x = 0; x < pixels.width; ++x) {
      detail::blur_line(&rows[c * area + x], &pixels.values[c * area + x], pixels.height,
                        pixels.width, kernel);
    }
  }
}

/// Blurs a picture by a random amount, or not at all.
inline void random_blur(Pixels& pixels, const BlurOptions& options, RandomDraws draws) {
  if (!draws.chance(options.probability)) return;
  gaussian_blur(pixels, options.kernel_size, draws.uniform(options.sigma));
}

}  // namespace coca
