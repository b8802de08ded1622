#pragma once
/// @file
/// Views of a video: several clips and several crops of each, whose probabilities are averaged
/// (VideoMAE, arXiv 2203.12602: 5 clips of 3 crops).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/image.hpp"

namespace coca {

/// The largest squares of a frame, spread along its longer side from one end to the other; a single
/// one is in the middle. @return [crops] images, sides the frame's shorter
/// @throws ArgumentError for no crops or an empty frame
inline std::vector<Image> square_crops(const Image& frame, std::size_t crops) {
  if (crops == 0) throw ArgumentError("0 crops of a frame were requested, expected at least 1");
  if (frame.empty()) throw ArgumentError("a frame without pixels cannot be cropped");
  const std::size_t side = std::min(frame.width(), frame.height());
  const std::size_t room = std::max(frame.width(), frame.height()) - side;
  std::vector<Image> images;
  for (std::size_t k = 0; k < crops; ++k) {
    const std::size_t offset = crops == 1 ? room / 2 : k * room / (crops - 1);
    const std::size_t left = frame.width() > side ? offset : 0;
    const std::size_t top = frame.height() > side ? offset : 0;
    Image crop(side, side);
    for (std::size_t y = 0; y < side; ++y)
      std::copy_n(frame.row(top + y) + left * Image::channels, side * Image::channels, crop.row(y));
    images.push_back(std::move(crop));
  }
  return images;
}

/// logits [views, classes] of one video -> the mean of their probabilities, [classes]
/// @throws ShapeError for no views or no classes
inline std::vector<double> mean_probabilities(std::span<const float> logits, std::size_t classes) {
  if (classes == 0 || logits.empty() || logits.size() % classes != 0)
    throw ShapeError(std::to_string(logits.size()) + " logits are not views of " +
                     std::to_string(classes) + " classes");
  const std::size_t views = logits.size() / classes;
  std::vector<double> mean(classes, 0.0), powers(classes);
  for (std::size_t v = 0; v < views; ++v) {
    const auto row = logits.subspan(v * classes, classes);
    const double largest = double{*std::max_element(row.begin(), row.end())};
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += powers[c] = std::exp(double{row[c]} - largest);
    for (std::size_t c = 0; c < classes; ++c)
      mean[c] += powers[c] / sum / static_cast<double>(views);
  }
  return mean;
}

}  // namespace coca
