#pragma once
/// @file
/// From a picture to the floats that an image encoder takes, like OpenCLIP's evaluation transform:
/// resize, centre crop or pad, scale to [0, 1], normalise.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/image/image.hpp"
#include "coca/image/resize.hpp"

namespace coca {

/// How a picture whose shape is not the encoder's is resized.
enum class ResizeMode {
  shortest,  ///< the shorter side fits, the longer one is cropped
  longest,   ///< the longer side fits, the rest is filled
  squash,    ///< both sides fit, the aspect ratio is lost
};

/// OpenCLIP's `preprocess_cfg`; the defaults are those of all of OpenAI's and OpenCLIP's CoCa
/// models.
struct PreprocessConfig {
  std::size_t height = 224;  ///< pixels
  std::size_t width = 224;   ///< pixels
  std::array<double, 3> mean = {0.48145466, 0.4578275, 0.40821073};
  std::array<double, 3> std = {0.26862954, 0.26130258, 0.27577711};
  Interpolation interpolation = Interpolation::bicubic;
  ResizeMode resize_mode = ResizeMode::shortest;
  /// Colour around pictures of mode longest; mode shortest fills with black, if it ever has to.
  Rgb fill_color = {0, 0, 0};

  friend bool operator==(const PreprocessConfig&, const PreprocessConfig&) = default;
};

/// Normalised floats of one picture, [channels = 3, height, width].
struct Pixels {
  std::size_t channels = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<float> values;

  Shape shape() const { return {channels, height, width}; }
};

/// Normalised floats of several pictures of one size, [batch, channels = 3, height, width].
struct PixelBatch {
  std::size_t batch = 0;
  std::size_t channels = 0;
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<float> values;

  Shape shape() const { return {batch, channels, height, width}; }
};

namespace detail {

/// Rounded to the nearest integer, halves to the even one: Python's round().
inline std::size_t round_half_even(double value) {
  return static_cast<std::size_t>(std::nearbyint(value));
}

/// What OpenCLIP does along one axis: scale to `resized`, then show `size` pixels of that,
/// beginning `skipped` pixels into it, after `padding` pixels of fill colour.
struct AxisPlan {
  std::size_t size = 0;
  std::size_t resized = 0;
  std::size_t skipped = 0;
  std::size_t padding = 0;
  std::size_t shown = 0;
};

inline AxisPlan center_axis(std::size_t resized, std::size_t size) {
  AxisPlan plan{.size = size, .resized = resized, .shown = std::min(size, resized)};
  if (resized >= size) {
    plan.skipped = round_half_even(static_cast<double>(resized - size) / 2.0);
  } else {
    plan.padding = (size - resized) / 2;
  }
  return plan;
}

struct ResizePlan {
  AxisPlan x;
  AxisPlan y;
};

/// Extents after resizing for modes shortest and longest when the target is not a square, or the
/// mode is longest: open_clip's ResizeKeepRatio, which fails if nothing is left of the shorter
/// side; here one pixel is.
inline ResizePlan keep_ratio(std::size_t width, std::size_t height,
                             const PreprocessConfig& config) {
  const double ratio_x = static_cast<double>(width) / static_cast<double>(config.width);
  const double ratio_y = static_cast<double>(height) / static_cast<double>(config.height);
  const double ratio = config.resize_mode == ResizeMode::longest ? std::max(ratio_x, ratio_y)
                                                                 : std::min(ratio_x, ratio_y);
  const auto resized = [ratio](std::size_t side) {
    return std::max<std::size_t>(1, round_half_even(static_cast<double>(side) / ratio));
  };
  return {center_axis(resized(width), config.width), center_axis(resized(height), config.height)};
}

/// The shorter side becomes `size`, the other int(size * long / short): torchvision's Resize.
inline ResizePlan shorter_side(std::size_t width, std::size_t height, std::size_t size) {
  const std::size_t longer = size * std::max(width, height) / std::min(width, height);
  return {center_axis(width <= height ? size : longer, size),
          center_axis(width <= height ? longer : size, size)};
}

/// @throws ArgumentError for an empty picture or target, or a target that is too large.
inline ResizePlan plan_resize(std::size_t width, std::size_t height,
                              const PreprocessConfig& config) {
  constexpr std::size_t max_size = std::size_t{1} << 16;
  if (width == 0 || height == 0 || config.width == 0 || config.height == 0 ||
      config.width > max_size || config.height > max_size)
    throw ArgumentError("a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                        " pixels cannot be fitted into " + std::to_string(config.width) + " x " +
                        std::to_string(config.height) + " (1 to 65536 per side)");
  if (config.resize_mode == ResizeMode::squash)
    return {center_axis(config.width, config.width), center_axis(config.height, config.height)};
  if (config.resize_mode == ResizeMode::shortest && config.width == config.height)
    return shorter_side(width, height, config.width);
  return keep_ratio(width, height, config);
}

/// The part of the resized picture that is shown.
inline PixelWindow shown_window(const ResizePlan& plan) noexcept {
  return {plan.x.skipped, plan.y.skipped, plan.x.shown, plan.y.shown};
}

/// Surrounds the visible part with fill, `fill.size()` samples per pixel.
/// @return [plan.y.size, plan.x.size, fill.size()]
inline std::vector<std::uint8_t> pad_by_plan(std::vector<std::uint8_t> shown,
                                             const ResizePlan& plan,
                                             std::span<const std::uint8_t> fill) {
  if (plan.x.shown == plan.x.size && plan.y.shown == plan.y.size) return shown;
  const std::size_t channels = fill.size();
  std::vector<std::uint8_t> out(plan.x.size * plan.y.size * channels);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = fill[i % channels];
  for (std::size_t y = 0; y < plan.y.shown; ++y) {
    const std::size_t target = ((plan.y.padding + y) * plan.x.size + plan.x.padding) * channels;
    std::copy_n(&shown[y * plan.x.shown * channels], plan.x.shown * channels, &out[target]);
  }
  return out;
}

/// The fill colour in open_clip: its CenterCropOrPad takes one, torchvision's CenterCrop does
/// not.
inline Rgb padding_color(const PreprocessConfig& config) noexcept {
  return config.resize_mode == ResizeMode::longest ? config.fill_color : Rgb{0, 0, 0};
}

}  // namespace detail

/// Resizes and crops (or pads) an RGB picture to config.width x config.height.
/// @throws ArgumentError for extents that cannot be resized so.
inline Image resize_and_crop(const Image& image, const PreprocessConfig& config = {}) {
  const detail::ResizePlan plan = detail::plan_resize(image.width(), image.height(), config);
  const Raster raster{image.pixels(), image.width(), image.height(), Image::channels};
  std::vector<std::uint8_t> shown = resize_window(raster, plan.x.resized, plan.y.resized,
                                                  config.interpolation, detail::shown_window(plan));
  return Image(config.width, config.height,
               detail::pad_by_plan(std::move(shown), plan, detail::padding_color(config)));
}

/// (sample / 255 - mean) / std of each channel, in single precision as torchvision computes it.
/// @return [3, height, width] of the picture's own extents
/// @throws ArgumentError if a deviation is not a positive number.
inline Pixels normalize(const Image& image, const PreprocessConfig& config = {}) {
  const std::size_t area = image.width() * image.height();
  Pixels pixels{Image::channels, image.height(), image.width(), {}};
  pixels.values.resize(Image::channels * area);
  for (std::size_t c = 0; c < Image::channels; ++c) {
    const auto mean = static_cast<float>(config.mean[c]);
    const auto deviation = static_cast<float>(config.std[c]);
    if (!(deviation > 0.0f) || !std::isfinite(deviation) || !std::isfinite(mean)) {
      throw ArgumentError("normalising needs a finite mean and a positive deviation, got mean " +
                          std::to_string(config.mean[c]) + " and std " +
                          std::to_string(config.std[c]));
    }
    std::array<float, 256> normalized;
    for (std::size_t value = 0; value < normalized.size(); ++value) {
      normalized[value] = (static_cast<float>(value) / 255.0f - mean) / deviation;
    }
    float* plane = pixels.values.data() + c * area;
    const std::uint8_t* sample = image.data() + c;
    for (std::size_t i = 0; i < area; ++i) plane[i] = normalized[sample[i * Image::channels]];
  }
  return pixels;
}

/// The input of an image encoder. @return [3, config.height, config.width] @throws ArgumentError as
/// above
inline Pixels preprocess(const Image& image, const PreprocessConfig& config = {}) {
  return normalize(resize_and_crop(image, config), config);
}

/// Pictures of equal extents in one block. @return [batch, 3, height, width]
/// @throws ShapeError for no pictures, or pictures of different extents.
inline PixelBatch stack(std::span<const Pixels> pictures) {
  if (pictures.empty()) throw ShapeError("a batch needs at least one picture, got none");
  const Pixels& first = pictures.front();
  PixelBatch batch{pictures.size(), first.channels, first.height, first.width, {}};
  batch.values.reserve(pictures.size() * first.values.size());
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Pixels& p = pictures[i];
    if (p.shape() != first.shape() || p.values.size() != p.shape().size()) {
      throw ShapeError("picture " + std::to_string(i) + " of a batch is " + to_string(p.shape()) +
                       " with " + counted(p.values.size(), "value") + ", the first one is " +
                       to_string(first.shape()));
    }
    batch.values.insert(batch.values.end(), p.values.begin(), p.values.end());
  }
  return batch;
}

}  // namespace coca
