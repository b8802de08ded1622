#pragma once
/// @file
/// The embedding of a class from its prompts, as in CLIP's, OpenCLIP's and CLIP_benchmark's
/// zero-shot evaluation.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/pipelines/encode.hpp"

namespace coca {

namespace detail {

/// Adds the normalised mean of some embeddings. @param prompts [prompts, width], at least one
inline void add_class(const Embeddings& prompts, Embeddings& classes) {
  std::vector<double> mean(prompts.width, 0);
  for (std::size_t i = 0; i < prompts.values.size(); ++i)
    mean[i % prompts.width] += double{prompts.values[i]};
  double norm = 0;
  for (const double value : mean) norm += value * value;
  norm = std::max(std::sqrt(norm), 1e-12);
  for (const double value : mean) classes.values.push_back(static_cast<float>(value / norm));
  classes.width = prompts.width;
  ++classes.count;
}

}  // namespace detail

/// Each class is the normalised mean of the normalised embeddings of its prompts.
/// @param prompts [classes], at least one for each
/// @param embed   from texts to Embeddings of them, such as AnyModel::embed_texts
/// @param on_progress called with (done, all) after each class; may be empty
/// @return [classes, embed_dim]
/// @throws ArgumentError for no classes, and a class without prompts
template <class Embed>
Embeddings class_embeddings(const std::vector<std::vector<std::string>>& prompts, Embed&& embed,
                            const std::function<void(std::size_t, std::size_t)>& on_progress = {}) {
  if (prompts.empty()) throw ArgumentError("there are no classes to choose from");
  Embeddings classes;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (prompts[i].empty()) throw ArgumentError("class " + std::to_string(i) + " has no prompts");
    detail::add_class(embed(std::span<const std::string>(prompts[i])), classes);
    if (on_progress) on_progress(i + 1, prompts.size());
  }
  return classes;
}

}  // namespace coca
