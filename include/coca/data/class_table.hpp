#pragma once
/// @file
/// The classes that compete in zero-shot classification, and which of them a picture's label is:
/// the name of its folder, a number, or a text in a table.

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/class_labels.hpp"
#include "coca/data/class_names.hpp"

namespace coca {

/// Classes by number, folder and name; if it is restricted to some (ImageNet-A, -R), only these are
/// candidates, in the order of their numbers.
class ClassTable {
 public:
  /// @param source what messages call the file of the names
  /// @throws FileError for names and folders of different numbers, or none
  ClassTable(ClassNames classes, std::string source)
      : classes_(std::move(classes)), source_(std::move(source)) {
    if (classes_.names.empty()) throw FileError(source_, "has no names of classes");
    if (!classes_.folders.empty() && classes_.folders.size() != classes_.names.size())
      throw FileError(source_, "has " + std::to_string(classes_.names.size()) + " names for " +
                                   std::to_string(classes_.folders.size()) + " folders");
    for (std::size_t i = 0; i < classes_.names.size(); ++i) {
      if (has_folders()) folders_.emplace(classes_.folders[i], i);
      const auto [known, is_new] = names_.emplace(classes_.names[i], i);
      if (!is_new) doubled_.insert(classes_.names[i]);
      candidates_.emplace(i, i);
    }
  }

  bool has_folders() const noexcept { return !classes_.folders.empty(); }

  /// Number of classes, candidates or not.
  std::size_t size() const noexcept { return classes_.names.size(); }

  /// Names of the candidates.
  std::vector<std::string> candidates() const {
    std::vector<std::string> names;
    for (const auto& [number, place] : candidates_) names.push_back(classes_.names[number]);
    return names;
  }

  /// Leaves only some classes as candidates. @param lines folders or numbers, counted from 0
  /// @param path the file of these lines, for messages
  /// @throws FileError for a line that is neither, and a class that occurs twice
  void restrict_to(std::span<const std::string> lines, const std::string& path) {
    std::map<std::size_t, std::size_t> wanted;
    for (const std::string& line : lines)
      if (!wanted.emplace(number_of_line(line, path), 0).second)
        throw FileError(path, "the class \"" + detail::printable(line, 40) + "\" occurs twice");
    if (wanted.empty()) throw FileError(path, "lists no classes");
    std::size_t place = 0;
    for (auto& [number, candidate] : wanted) candidate = place++;
    candidates_ = std::move(wanted);
  }

  /// Gives the candidates the folders of the data, which are in the same order.
  /// @throws FileError if their number is another
  void name_folders(std::span<const std::string> folders, const std::string& root) {
    if (folders.size() != candidates_.size())
      throw FileError(root, "has " + std::to_string(folders.size()) + " folders of classes, but " +
                                source_ + " has " + std::to_string(candidates_.size()) +
                                " names; names with folders are a CSV with the columns folder "
                                "and name");
    folders_.clear();
    for (const auto& [number, place] : candidates_) folders_.emplace(folders[place], number);
  }

  /// The candidate of a folder; nothing if it is not listed, or no candidate.
  std::optional<std::size_t> of_folder(const std::string& folder) const {
    const auto found = folders_.find(folder);
    return found == folders_.end() ? std::nullopt : candidate(found->second);
  }

  /// The candidate with that number; nothing if the class is no candidate.
  /// @param picture for messages @throws FileError for a number that no class has
  std::optional<std::size_t> of_number(std::size_t number, const std::string& picture) const {
    if (number >= size())
      throw FileError(picture, "is of class " + std::to_string(number) + ", but " + source_ +
                                   " has the classes 0 to " + std::to_string(size() - 1));
    return candidate(number);
  }

  /// The candidate that a text names by its folder, its name, or its number.
  /// @throws FileError for a text that is none of these, and a name of several classes
  std::optional<std::size_t> of_text(const std::string& text, const std::string& picture) const {
    if (has_folders() && folders_.contains(text)) return of_folder(text);
    if (doubled_.contains(text))
      throw FileError(picture, "several classes are called \"" + detail::printable(text, 40) +
                                   "\"; label its pictures with numbers or folders");
    if (const auto found = names_.find(text); found != names_.end())
      return candidate(found->second);
    if (const auto number = detail::whole_number(text)) return of_number(*number, picture);
    throw FileError(picture,
                    "its label \"" + detail::printable(text, 40) + "\" is not in " + source_);
  }

 private:
  std::optional<std::size_t> candidate(std::size_t number) const {
    const auto found = candidates_.find(number);
    if (found == candidates_.end()) return std::nullopt;
    return found->second;
  }

  std::size_t number_of_line(const std::string& line, const std::string& path) const {
    if (const auto found = folders_.find(line); found != folders_.end()) return found->second;
    const auto number = detail::whole_number(line);
    if (number && *number < size()) return *number;
    throw FileError(path, "\"" + detail::printable(line, 40) + "\" is neither a folder of " +
                              source_ + " nor a number from 0 to " + std::to_string(size() - 1));
  }

  ClassNames classes_;
  std::string source_;
  std::map<std::string, std::size_t> folders_;     // to numbers
  std::map<std::string, std::size_t> names_;       // to numbers
  std::set<std::string> doubled_;                  // names of several classes
  std::map<std::size_t, std::size_t> candidates_;  // numbers to places among the candidates
};

}  // namespace coca
