#pragma once
/// @file
/// Pictures without some pixels at each edge: ObjectNet marks its pictures with a red border.

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/decoded_image.hpp"
#include "coca/image/image.hpp"
#include "coca/image/resize.hpp"

namespace coca {

namespace detail {

/// The window inside a border. @throws ArgumentError if nothing is left
inline PixelWindow inside_border(std::size_t width, std::size_t height, std::size_t border) {
  if (border >= (std::min(width, height) + 1) / 2)
    throw ArgumentError("a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                        " pixels has nothing inside a border of " + std::to_string(border));
  return {border, border, width - 2 * border, height - 2 * border};
}

}  // namespace detail

/// The picture without its outermost `border` pixels. @throws ArgumentError if nothing is left
inline Image crop_border(Image image, std::size_t border) {
  if (border == 0) return image;
  const PixelWindow window = detail::inside_border(image.width(), image.height(), border);
  const Raster raster{image.pixels(), image.width(), image.height(), Image::channels};
  return {window.width, window.height, detail::cut_window(raster, window)};
}

/// The same of a picture in the mode of its file. @throws ArgumentError if nothing is left
inline DecodedImage crop_border(DecodedImage picture, std::size_t border) {
  if (border == 0) return picture;
  const PixelWindow window = detail::inside_border(picture.width, picture.height, border);
  const std::size_t channels = picture.samples.size() / (picture.width * picture.height);
  picture.samples =
      detail::cut_window({picture.samples, picture.width, picture.height, channels}, window);
  picture.width = window.width;
  picture.height = window.height;
  return picture;
}

}  // namespace coca
