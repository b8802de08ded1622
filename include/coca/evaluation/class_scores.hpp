#pragma once
/// @file
/// How near pictures are to classes: the scores of zero-shot classification.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/similarity_tile.hpp"

namespace coca {

/// Cosines of pictures with classes. CLIP_benchmark multiplies them by 100, which changes no rank.
/// @param images  [images, width]
/// @param classes [classes, width]
/// @return [images, classes]
/// @throws ShapeError for shapes that do not fit; ArgumentError for embeddings that are not finite,
///         and norms out of range (see EmbeddingRows)
inline std::vector<float> class_scores(const EmbeddingRows& images, const EmbeddingRows& classes) {
  const std::vector<float> image_norms = detail::inverse_norms(images, "pictures");
  const std::vector<float> class_norms = detail::inverse_norms(classes, "classes");
  if (images.width != classes.width)
    throw ShapeError("the pictures have width " + std::to_string(images.width) + ", the classes " +
                     std::to_string(classes.width));
  std::vector<std::size_t> all(classes.count());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const PackedRows packed(classes, all);
  constexpr std::size_t at_once = 64;
  std::vector<float> scores, products;
  scores.reserve(images.count() * all.size());
  for (std::size_t first = 0; first < images.count(); first += at_once) {
    const std::size_t some = std::min(at_once, images.count() - first);
    similarity_tile(images, first, some, packed, products);
    for (std::size_t i = 0; i < products.size(); ++i)
      scores.push_back(products[i] * image_norms[first + i / all.size()] *
                       class_norms[i % all.size()]);
  }
  return scores;
}

}  // namespace coca
