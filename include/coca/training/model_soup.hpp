#pragma once
/// @file
/// Model soups: one model whose weights are averages of those of several that were finetuned from
/// the same weights (Wortsman et al. 2022, arXiv 2203.05482), or of those before and after
/// finetuning (Wortsman et al. 2022, arXiv 2109.01903).

#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"
#include "coca/io/safetensors_writer.hpp"

namespace coca {

/// One of the models of a soup.
struct SoupIngredient {
  Checkpoint weights;
  double share = 1;  ///< relative to the other shares; they need not add up to 1
};

namespace detail {

inline bool is_weight(const StoredTensor& tensor) {
  return integer_converter(tensor.dtype) == nullptr;
}

/// How the soup stores a tensor of the first ingredient.
inline DType soup_dtype(const StoredTensor& tensor) {
  return tensor.dtype == DType::F64 ? DType::F32 : tensor.dtype;
}

inline double sum_of_shares(std::span<const SoupIngredient> ingredients) {
  double sum = 0;
  for (const SoupIngredient& ingredient : ingredients) {
    if (!(ingredient.share > 0) || !std::isfinite(ingredient.share))
      throw ArgumentError("a share of a model soup must be above 0, got " +
                          std::to_string(ingredient.share));
    sum += ingredient.share;
  }
  if (!std::isfinite(sum))
    throw ArgumentError("the shares of a model soup are too large to add up");
  return sum;
}

/// @throws FileError if `other` lacks a weight of `first`, or has it in another shape.
inline void check_has_weights_of(const Checkpoint& first, const Checkpoint& other) {
  for (const std::string& name : first.names()) {
    const StoredTensor& tensor = first.tensor(name);
    if (!is_weight(tensor)) continue;
    if (!other.contains(name))
      throw FileError(other.path(), "holds no tensor \"" + printable(name) + "\", which \"" +
                                        first.path() + "\" has");
    const Shape& shape = other.tensor(name).shape;
    if (shape != tensor.shape)
      throw FileError(other.path(), "has tensor \"" + printable(name) + "\" of shape " +
                                        to_string(shape) + ", in \"" + first.path() + "\" it is " +
                                        to_string(tensor.shape));
  }
}

inline std::vector<TensorAnnouncement> soup_tensors(const Checkpoint& first) {
  std::vector<TensorAnnouncement> tensors;
  for (const std::string& name : first.names()) {
    const StoredTensor& tensor = first.tensor(name);
    if (is_weight(tensor)) tensors.push_back({name, tensor.shape, soup_dtype(tensor)});
  }
  return tensors;
}

/// The sum over all ingredients of tensor `name` times their shares of `sum`.
inline std::vector<float> mixed(std::span<const SoupIngredient> ingredients, double sum,
                                const std::string& name) {
  std::vector<double> mix(ingredients.front().weights.tensor(name).shape.size());
  for (const SoupIngredient& ingredient : ingredients) {
    const double share = ingredient.share / sum;
    const std::vector<float> values = ingredient.weights.read_floats(name);
    for (std::size_t i = 0; i < mix.size(); ++i) mix[i] += share * values[i];
  }
  return {mix.begin(), mix.end()};
}

}  // namespace detail

/// Writes a model soup as a safetensors file: each weight is the sum of those of all ingredients,
/// each times its share of all shares. Types are those of the first ingredient (F32 for F64);
/// tensors of integers, which are no weights, are left out.
/// @param progress called after each tensor with how many are done, and how many there are
/// @throws ArgumentError without ingredients, or for shares that are not above 0. @throws FileError
/// if the ingredients are not models, or of different ones, or the file cannot be written.
inline void write_model_soup(const std::string& path, std::span<const SoupIngredient> ingredients,
                             const std::function<void(std::size_t, std::size_t)>& progress = {}) {
  if (ingredients.empty()) throw ArgumentError("a model soup needs at least one model");
  const double sum = detail::sum_of_shares(ingredients);
  for (const SoupIngredient& ingredient : ingredients) expect_model_weights(ingredient.weights);
  const Checkpoint& first = ingredients.front().weights;
  for (const SoupIngredient& other : ingredients.subspan(1)) {
    detail::check_has_weights_of(first, other.weights);
    detail::check_has_weights_of(other.weights, first);
  }
  SafetensorsWriter writer(path, detail::soup_tensors(first));
  std::size_t done = 0;
  for (const TensorAnnouncement& tensor : writer.tensors()) {
    writer.write(tensor.name, detail::mixed(ingredients, sum, tensor.name));
    if (progress) progress(++done, writer.tensors().size());
  }
  writer.commit();
}

}  // namespace coca
