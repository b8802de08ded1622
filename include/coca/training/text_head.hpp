#pragma once
/// @file
/// A classifier's linear layer that begins where zero-shot classification is: the
/// language-augmented head of ELEVATER (Li et al. 2022, arXiv 2204.08790).

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/encode.hpp"

namespace coca {

/// Sets the linear layer of a classifier, "head.weight" and "head.bias", to the embeddings of its
/// classes' names times a factor, and zeros. What the layer reads is not normalised, so that
/// probabilities are those of zero-shot classification only for a picture of the usual norm; which
/// class is first is the same for all pictures.
/// @param classes [classes, embed_dim], as ZeroShotClassifier::embeddings()
/// @param factor  the model's scale of logits divided by the usual norm of what the layer reads
/// @throws ShapeError for another number or width of embeddings; ArgumentError for a factor that is
///         not above 0
template <class Model>
void set_class_weights(Model& model, const Embeddings& classes, float factor) {
  if (!(factor > 0) || !std::isfinite(factor))
    throw ArgumentError("the factor of class embeddings is " + std::to_string(factor) +
                        ", expected a number above 0");
  if (classes.count != model.classes || classes.width != model.embed_dim)
    throw ShapeError("the classifier has " + std::to_string(model.classes) + " classes of width " +
                     std::to_string(model.embed_dim) + ", but there are embeddings of " +
                     std::to_string(classes.count) + " of width " + std::to_string(classes.width));
  for_each_parameter(model, [&](auto& parameter) {
    if (parameter.path() == "head.weight")
      parameter.load(model.backend(),
                     {parameter.shape(), [&](std::size_t first, std::size_t count, float* out) {
                        for (std::size_t i = 0; i < count * classes.width; ++i)
                          out[i] = factor * classes.values[first * classes.width + i];
                      }});
    if (parameter.path() == "head.bias")
      parameter.load(model.backend(),
                     {parameter.shape(), [](std::size_t, std::size_t count, float* out) {
                        std::fill_n(out, count, 0.0f);
                      }});
  });
}

/// The mean Euclidean norm of rows [count, width]. @throws ShapeError without rows
inline float mean_norm(std::span<const float> rows, std::size_t width) {
  if (width == 0 || rows.empty() || rows.size() % width != 0)
    throw ShapeError("there are " + std::to_string(rows.size()) + " numbers in rows of " +
                     std::to_string(width));
  double total = 0;
  for (std::size_t first = 0; first < rows.size(); first += width) {
    double sum = 0;
    for (const float value : rows.subspan(first, width)) sum += double{value} * double{value};
    total += std::sqrt(sum);
  }
  return static_cast<float>(total * static_cast<double>(width) / static_cast<double>(rows.size()));
}

}  // namespace coca
