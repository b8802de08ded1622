#pragma once
/// @file
/// A random part of a picture, resized to the encoder's size: torchvision's RandomResizedCrop.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "coca/data/random_draws.hpp"
#include "coca/image/image.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/resize.hpp"

namespace coca {

/// How much of a picture is shown. The defaults are OpenCLIP's.
struct CropOptions {
  Range scale{0.9, 1.0};              ///< share of the area
  Range ratio{3.0 / 4.0, 4.0 / 3.0};  ///< width / height of the part

  friend constexpr bool operator==(const CropOptions&, const CropOptions&) = default;
};

/// A rectangle that may extend beyond the picture.
struct CropBox {
  std::ptrdiff_t left = 0;
  std::ptrdiff_t top = 0;
  std::ptrdiff_t width = 0;
  std::ptrdiff_t height = 0;

  friend constexpr bool operator==(const CropBox&, const CropBox&) = default;
};

namespace detail {

/// The centre of a picture of width x height, the largest with a ratio in range.
inline CropBox center_box(double width, double height, Range ratio) {
  double box_width = width;
  double box_height = height;
  if (width / height < ratio.low) {
    box_height = std::max(1.0, std::nearbyint(width / ratio.low));
  } else if (width / height > ratio.high) {
    box_width = std::max(1.0, std::nearbyint(height * ratio.high));
  }
  return {static_cast<std::ptrdiff_t>((width - box_width) / 2),
          static_cast<std::ptrdiff_t>((height - box_height) / 2),
          static_cast<std::ptrdiff_t>(box_width), static_cast<std::ptrdiff_t>(box_height)};
}

/// Where part of one axis of a box is placed among `size` output pixels.
struct AxisPart {
  std::size_t source = 0;  ///< first pixel of the picture
  std::size_t source_count = 0;
  std::size_t target = 0;  ///< first output pixel
  std::size_t target_count = 0;
};

/// The overlap of [begin, begin + count) with [0, extent), and its share of the output.
inline AxisPart overlap(std::ptrdiff_t begin, std::ptrdiff_t count, std::size_t extent,
                        std::size_t size) {
  const std::ptrdiff_t first = std::max<std::ptrdiff_t>(begin, 0);
  const std::ptrdiff_t last = std::min(begin + count, static_cast<std::ptrdiff_t>(extent));
  if (last <= first || count <= 0) return {};
  const double scale = static_cast<double>(size) / static_cast<double>(count);
  const auto target =
      static_cast<std::size_t>(std::nearbyint(static_cast<double>(first - begin) * scale));
  const auto target_end =
      static_cast<std::size_t>(std::nearbyint(static_cast<double>(last - begin) * scale));
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last - first), target,
          target_end - target};
}

}  // namespace detail

/// Draws the part of a picture of width x height pixels to show. Ten attempts to fit, then
/// the centre, as in torchvision.
/// @param shape what a ratio of 1 means: 1, or width / height of the picture if shapes are
/// squashed
inline CropBox draw_crop(std::size_t width, std::size_t height, const CropOptions& options,
                         RandomDraws draws, double shape = 1.0) {
  const auto w = static_cast<double>(width);
  const auto h = static_cast<double>(height);
  const Range log_ratio{std::log(options.ratio.low), std::log(options.ratio.high)};
  constexpr int attempts = 10;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const double area = w * h * draws.uniform(options.scale);
    const double ratio = shape * std::exp(draws.uniform(log_ratio));
    const double box_width = std::nearbyint(std::sqrt(area * ratio));
    const double box_height = std::nearbyint(std::sqrt(area / ratio));
    if (box_width < 1 || box_height < 1 || box_width > w || box_height > h) continue;
    const auto top = draws.below(static_cast<std::size_t>(h - box_height) + 1);
    const auto left = draws.below(static_cast<std::size_t>(w - box_width) + 1);
    return {static_cast<std::ptrdiff_t>(left), static_cast<std::ptrdiff_t>(top),
            static_cast<std::ptrdiff_t>(box_width), static_cast<std::ptrdiff_t>(box_height)};
  }
  return detail::center_box(w, h, {options.ratio.low * shape, options.ratio.high * shape});
}

/// A box of the picture, resized; parts beyond the picture are filled.
/// @throws ArgumentError if the output has no pixels.
inline Image resized_crop(const Image& image, const CropBox& box, const PreprocessConfig& config,
                          Rgb fill) {
  const auto x = detail::overlap(box.left, box.width, image.width(), config.width);
  const auto y = detail::overlap(box.top, box.height, image.height(), config.height);
  Image out(config.width, config.height, fill);
  if (x.target_count == 0 || y.target_count == 0) return out;
  const Raster whole{image.pixels(), image.width(), image.height(), Image::channels};
  const std::vector<std::uint8_t> part =
      detail::cut_window(whole, {x.source, y.source, x.source_count, y.source_count});
  const std::vector<std::uint8_t> resized =
      resize_window({part, x.source_count, y.source_count, Image::channels}, x.target_count,
                    y.target_count, config.interpolation, {0, 0, x.target_count, y.target_count});
  const std::size_t row_size = x.target_count * Image::channels;
  for (std::size_t row = 0; row < y.target_count; ++row) {
    std::copy_n(resized.data() + row * row_size, row_size,
                out.row(y.target + row) + x.target * Image::channels);
  }
  return out;
}

/// The part of a picture shown to an encoder in training. With ResizeMode::longest the part is
/// cut from the picture on a ground of the encoder's shape, filled around; with squash it has the
/// picture's own shape.
/// @return [config.height, config.width, 3]
inline Image random_resized_crop(const Image& image, const CropOptions& options,
                                 const PreprocessConfig& config, RandomDraws draws, Rgb fill) {
  const auto width = static_cast<double>(image.width());
  const auto height = static_cast<double>(image.height());
  if (config.resize_mode != ResizeMode::longest) {
    const double shape = config.resize_mode == ResizeMode::squash ? width / height : 1.0;
    return resized_crop(image, draw_crop(image.width(), image.height(), options, draws, shape),
                        config, fill);
  }
  const double shape = static_cast<double>(config.width) / static_cast<double>(config.height);
  const auto ground_width =
      std::max(image.width(), static_cast<std::size_t>(std::nearbyint(height * shape)));
  const auto ground_height =
      std::max(image.height(), static_cast<std::size_t>(std::nearbyint(width / shape)));
  CropBox box = draw_crop(ground_width, ground_height, options, draws, shape);
  box.left -= static_cast<std::ptrdiff_t>((ground_width - image.width()) / 2);
  box.top -= static_cast<std::ptrdiff_t>((ground_height - image.height()) / 2);
  return resized_crop(image, box, config, fill);
}

}  // namespace coca
