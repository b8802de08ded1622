#pragma once
/// @file
/// Classes for people: their names in a file, and the most probable one of a picture.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/training/task.hpp"

namespace coca {

/// "classes.txt": the names of the classes, one per line, in the order of their labels. Line breaks
/// in names become spaces. None without names.
inline std::vector<ModelFile> class_names_file(const std::vector<std::string>& classes) {
  std::string lines;
  for (std::string name : classes) {
    std::replace(name.begin(), name.end(), '\n', ' ');
    lines += name + "\n";
  }
  if (lines.empty()) return {};
  return {{"classes.txt", lines}};
}

/// "a dress (93 %)": the most probable class, its number if it has no name; "" where a logit is
/// not finite.
/// @param logits [classes]
template <class T>
std::string most_probable_class(std::span<const T> logits,
                                const std::vector<std::string>& classes) {
  const auto best = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const T logit : logits)
    sum += std::exp(static_cast<double>(logit) - static_cast<double>(*best));
  if (!std::isfinite(sum)) return {};
  const auto label = static_cast<std::size_t>(best - logits.begin());
  return (label < classes.size() ? classes[label] : std::to_string(label)) + " (" +
         std::to_string(std::lround(100 / sum)) + " %)";
}

}  // namespace coca
