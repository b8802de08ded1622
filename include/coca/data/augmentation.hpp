#pragma once
/// @file
/// From a decoded picture to the floats that an image encoder takes in training: a random view of
/// it, which is a function of only (seed, epoch, index of the sample).

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/data/color_jitter.hpp"
#include "coca/data/gaussian_blur.hpp"
#include "coca/data/rand_augment.hpp"
#include "coca/data/random_affine.hpp"
#include "coca/data/random_draws.hpp"
#include "coca/data/random_erasing.hpp"
#include "coca/data/random_resized_crop.hpp"
#include "coca/data/transparent_image.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

/// Random changes of a picture each time it is shown, in the order in which they are applied. The
/// defaults are OpenCLIP's: only a random resized crop.
struct AugmentationOptions {
  /// Probability that a transparent picture is blended over a random colour instead of white.
  double random_ground_probability = 0.0;
  CropOptions crop{};
  double flip_probability = 0.0;  ///< of mirroring left and right
  RandAugmentOptions rand_augment{};
  AffineOptions affine{};
  ColorJitterOptions color_jitter{};
  double grayscale_probability = 0.0;
  BlurOptions blur{};
  ErasingOptions erasing{};

  friend constexpr bool operator==(const AugmentationOptions&,
                                   const AugmentationOptions&) = default;
};

namespace detail {

inline void check_option(bool valid, const std::string& expected, double got) {
  if (valid) return;
  throw ArgumentError("augmentation: expected " + expected + ", got " + std::to_string(got));
}

inline void check_probability(const std::string& name, double value) {
  check_option(value >= 0.0 && value <= 1.0, "a " + name + " of 0 to 1", value);
}

/// An amount from 0 to `limit`.
inline void check_amount(const std::string& name, double value, double limit) {
  check_option(value >= 0.0 && value <= limit, "a " + name + " of 0 to " + std::to_string(limit),
               value);
}

/// A range of positive numbers up to `limit`.
inline void check_range(const std::string& name, Range range, double limit) {
  const bool ordered = range.low > 0.0 && range.low <= range.high && range.high <= limit;
  check_option(
      ordered,
      "a " + name + " whose ends are in order, above 0 and at most " + std::to_string(limit),
      range.low > 0.0 ? range.high : range.low);
}

inline void check_augmentation(const AugmentationOptions& options) {
  constexpr double large = 1e4;
  check_probability("random_ground_probability", options.random_ground_probability);
  check_range("crop.scale", options.crop.scale, 1.0);
  check_range("crop.ratio", options.crop.ratio, large);
  check_probability("flip_probability", options.flip_probability);
  check_option(options.rand_augment.operations <= 100, "rand_augment.operations of 0 to 100",
               static_cast<double>(options.rand_augment.operations));
  check_option(options.rand_augment.magnitude <= largest_magnitude,
               "a rand_augment.magnitude of 0 to 30",
               static_cast<double>(options.rand_augment.magnitude));
  check_probability("affine.probability", options.affine.probability);
  check_amount("affine.degrees", options.affine.degrees, 180.0);
  check_amount("affine.translate_x", options.affine.translate_x, 1.0);
  check_amount("affine.translate_y", options.affine.translate_y, 1.0);
  check_range("affine.scale", options.affine.scale, large);
  check_amount("affine.shear_x_degrees", options.affine.shear_x_degrees, 80.0);
  check_amount("affine.shear_y_degrees", options.affine.shear_y_degrees, 80.0);
  check_probability("color_jitter.probability", options.color_jitter.probability);
  check_amount("color_jitter.brightness", options.color_jitter.brightness, large);
  check_amount("color_jitter.contrast", options.color_jitter.contrast, large);
  check_amount("color_jitter.saturation", options.color_jitter.saturation, large);
  check_amount("color_jitter.hue", options.color_jitter.hue, 0.5);
  check_probability("grayscale_probability", options.grayscale_probability);
  check_probability("blur.probability", options.blur.probability);
  check_option(options.blur.kernel_size % 2 == 1 && options.blur.kernel_size < 100,
               "an odd blur.kernel_size below 100", static_cast<double>(options.blur.kernel_size));
  check_range("blur.sigma", options.blur.sigma, large);
  check_probability("erasing.probability", options.erasing.probability);
  check_range("erasing.scale", options.erasing.scale, 1.0);
  check_range("erasing.ratio", options.erasing.ratio, large);
}

/// Samples as floats in [0, 1], [3, height, width], optionally mirrored.
inline Pixels to_planes(const Image& image, bool mirrored) {
  const std::size_t area = image.width() * image.height();
  Pixels pixels{Image::channels, image.height(), image.width(), {}};
  pixels.values.resize(Image::channels * area);
  for (std::size_t c = 0; c < Image::channels; ++c) {
    for (std::size_t y = 0; y < image.height(); ++y) {
      float* out = &pixels.values[c * area + y * image.width()];
      const std::uint8_t* row = image.row(y) + c;
      for (std::size_t x = 0; x < image.width(); ++x) {
        const std::size_t from = mirrored ? image.width() - 1 - x : x;
        out[x] = static_cast<float>(row[from * Image::channels]) / 255.0f;
      }
    }
  }
  return pixels;
}

}  // namespace detail

/// Limits on the augmentation of one picture.
struct PictureLimits {
  bool may_flip = true;       ///< false if left and right matter: it is not mirrored
  double color_strength = 1;  ///< factor of color_jitter and of the probabilities of gray and of
                              ///< rand_augment's operations on colours, 0 to 1; less if the caption
                              ///< is about colours
};

/// Prepares pictures as an encoder sees them in training.
class Augmentation {
 public:
  /// @param options the random changes
  /// @param config  the encoder's size, mean and deviation; its resize_mode says how to resize
  /// pictures of another shape, as in preprocess()
  /// @throws ArgumentError for an option out of range.
  explicit Augmentation(const AugmentationOptions& options = {},
                        const PreprocessConfig& config = {})
      : options_(options), config_(config) {
    detail::check_augmentation(options_);
    normalize(Image(1, 1), config_);     // refuses deviations that are not positive
    detail::plan_resize(1, 1, config_);  // and extents that are not
  }

  const AugmentationOptions& options() const noexcept { return options_; }
  const PreprocessConfig& config() const noexcept { return config_; }

  /// @param limits of this picture
  /// @return normalised floats, [3, config.height, config.width]
  /// @throws ArgumentError for a picture without pixels, or a color_strength not in 0 to 1.
  Pixels operator()(const TransparentImage& picture, const SampleKey& key,
                    const PictureLimits& limits = {}) const {
    if (picture.color.empty()) throw ArgumentError("augmentation: the picture has no pixels");
    if (!(limits.color_strength >= 0 && limits.color_strength <= 1))
      throw ArgumentError("augmentation: expected a color_strength from 0 to 1, got " +
                          std::to_string(limits.color_strength));
    const bool transparent = !picture.opacity.empty();
    const Rgb ground = transparent ? draw_ground(key) : config_.fill_color;
    const auto view = [&](const Image& image) {
      return random_resized_crop(image, options_.crop, config_, {key, "crop"}, ground);
    };
    Image image = transparent ? view(lay_over(picture, ground)) : view(picture.color);
    rand_augment(image, options_.rand_augment, {key, "rand_augment"}, limits.color_strength);
    const bool mirrored =
        limits.may_flip && RandomDraws(key, "flip").chance(options_.flip_probability);
    Pixels pixels = detail::to_planes(image, mirrored);
    move(pixels, key, ground);
    recolor(pixels, key, limits.color_strength);
    random_blur(pixels, options_.blur, {key, "blur"});
    normalize_planes(pixels);
    random_erasing(pixels, options_.erasing, {key, "erasing"});
    return pixels;
  }

 private:
  Rgb draw_ground(const SampleKey& key) const {
    RandomDraws draws(key, "ground");
    if (!draws.chance(options_.random_ground_probability)) return {255, 255, 255};
    Rgb color{};
    for (std::uint8_t& sample : color) sample = static_cast<std::uint8_t>(draws.below(256));
    return color;
  }

  void move(Pixels& pixels, const SampleKey& key, Rgb ground) const {
    AffineOptions still;
    still.probability = options_.affine.probability;
    still.fill = options_.affine.fill;
    if (options_.affine == still) return;
    random_affine(pixels, options_.affine, {key, "affine"},
                  {static_cast<float>(ground[0]) / 255.0f, static_cast<float>(ground[1]) / 255.0f,
                   static_cast<float>(ground[2]) / 255.0f});
  }

  void recolor(Pixels& pixels, const SampleKey& key, double strength) const {
    ColorJitterOptions jitter = options_.color_jitter;
    for (double* amount : {&jitter.brightness, &jitter.contrast, &jitter.saturation, &jitter.hue})
      *amount *= strength;
    color_jitter(pixels, jitter, {key, "color"});
    if (RandomDraws(key, "gray").chance(strength * options_.grayscale_probability))
      to_grayscale(pixels);
  }

  void normalize_planes(Pixels& pixels) const {
    const std::size_t area = pixels.height * pixels.width;
    for (std::size_t c = 0; c < pixels.channels; ++c) {
      const auto mean = static_cast<float>(config_.mean[c]);
      const auto deviation = static_cast<float>(config_.std[c]);
      float* plane = &pixels.values[c * area];
      for (std::size_t i = 0; i < area; ++i) plane[i] = (plane[i] - mean) / deviation;
    }
  }

  AugmentationOptions options_;
  PreprocessConfig config_;
};

}  // namespace coca
