#pragma once
/// @file
/// The names of a trained classifier's classes: `classes.txt` of its folder, one per line, in the
/// order of their numbers.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/models/classifier_config.hpp"

namespace coca {

/// The lines of such a file, whatever bytes they hold. @throws FileError if it cannot be read
inline std::vector<std::string> read_classes_file(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    names.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

/// The names of a classifier's classes; without a file their numbers.
/// @throws FileError if the file cannot be read, or names another number of classes
inline std::vector<std::string> classes_of_file(const std::optional<std::string>& file,
                                                const ClassifierConfig& classifier) {
  std::vector<std::string> names;
  if (!file) {
    for (std::size_t i = 0; i < classifier.classes; ++i) names.push_back(std::to_string(i));
    return names;
  }
  names = read_classes_file(*file);
  if (names.size() != classifier.classes)
    throw FileError(*file, "has " + std::to_string(names.size()) +
                               " names, expected one line for each of the classifier's " +
                               std::to_string(classifier.classes) + " classes");
  return names;
}

}  // namespace coca
