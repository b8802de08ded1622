#pragma once
/// @file
/// The list of answers that a model of questions chooses from: in a file, and as targets.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/evaluation/vqa.hpp"
#include "coca/io/text_lines.hpp"

namespace coca {

/// Answers by number.
class VqaAnswers {
 public:
  VqaAnswers() = default;
  /// @throws ArgumentError for an answer that is empty, of several lines, or there twice
  explicit VqaAnswers(std::vector<std::string> names) : names_(std::move(names)) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::string number = "answer " + std::to_string(i + 1) + " of the list ";
      if (names_[i].empty()) throw ArgumentError(number + "is empty");
      if (names_[i].find_first_of("\r\n") != std::string::npos)
        throw ArgumentError(number + "has several lines");
      if (!places_.emplace(names_[i], i).second)
        throw ArgumentError(number + "is there twice: \"" + detail::printable(names_[i], 40) +
                            "\"");
    }
  }

  const std::vector<std::string>& names() const noexcept { return names_; }
  std::size_t size() const noexcept { return names_.size(); }

  /// How right each answer is, by its number, see vqa_targets().
  /// @param people their answers
  std::map<std::size_t, double> targets(std::vector<std::string> people) const {
    if (people.empty()) return {};
    VqaAnnotation annotation;
    annotation.answers = std::move(people);
    return vqa_targets(annotation, places_);
  }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::size_t> places_;
};

/// Reads a file of answers, one per line. @throws FileError for a file that cannot be read, or no
/// list of at least two answers
inline VqaAnswers read_vqa_answers(const std::string& path) {
  std::vector<std::string> names = read_text_lines(path);
  if (names.size() < 2)
    throw FileError(path, "has " + counted(names.size(), "line") +
                              ", expected at least two answers, one per line");
  for (const std::string& name : names)
    if (!is_valid_utf8(name)) throw FileError(path, "is not UTF-8 text");
  try {
    return VqaAnswers(std::move(names));
  } catch (const ArgumentError& error) {
    throw FileError(path, error.what());
  }
}

}  // namespace coca
