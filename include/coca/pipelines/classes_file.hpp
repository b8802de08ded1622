#pragma once
/// @file
/// The names of a trained classifier's classes: `classes.txt` of its folder, one per line, in the
/// order of their numbers.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/text_lines.hpp"
#include "coca/models/classifier_config.hpp"

namespace coca {

/// The names of a classifier's classes; without a file their numbers.
/// @throws FileError if the file cannot be read, or names another number of classes
inline std::vector<std::string> classes_of_file(const std::optional<std::string>& file,
                                                const ClassifierConfig& classifier) {
  std::vector<std::string> names;
  if (!file) {
    for (std::size_t i = 0; i < classifier.classes; ++i) names.push_back(std::to_string(i));
    return names;
  }
  names = read_text_lines(*file);
  if (names.size() != classifier.classes)
    throw FileError(*file, "has " + std::to_string(names.size()) +
                               " names, expected one line for each of the classifier's " +
                               std::to_string(classifier.classes) + " classes");
  return names;
}

}  // namespace coca
