#pragma once
/// @file
/// What `evaluate` knows of pictures before they are read: captions, labels, groups.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coca/evaluation/test_set.hpp"
#include "coca/generation/options.hpp"
#include "coca/training/training_data.hpp"
#include "command_line.hpp"

namespace coca_examples {

/// What the command line of `evaluate DATA` says.
struct TestSetOptions {
  ModelOptions model;
  std::vector<std::string> paths;
  coca::TrainingData data;  ///< how they are read
  std::string protocol = "captions";
  std::string group;
  std::string interval;
  std::string labels_file;
  std::string label_key = "label";
  std::vector<std::string> templates;
  coca::GenerationOptions search;
  std::optional<std::size_t> min_length;
  bool no_captioning = false;
  std::string captions_file;
  std::size_t batch = 8;
  bool json = false;
};

/// The classes of --labels-file.
class Labels {
 public:
  explicit Labels(const std::string& path) : path_(path), names_(read_lines(path)) {
    for (std::size_t i = 0; i < names_.size(); ++i)
      if (!numbers_.emplace(names_[i], i).second)
        throw coca::FileError(path, "the label \"" + names_[i] + "\" occurs twice");
  }

  const std::vector<std::string>& names() const noexcept { return names_; }

  /// @throws coca::FileError for an unknown label
  std::size_t number(const std::string& picture, const std::string& label) const {
    const auto found = numbers_.find(label);
    if (found != numbers_.end()) return found->second;
    throw coca::FileError(picture, "its label \"" + label + "\" is not in " + path_);
  }

  /// A class by its index, counted from 0.
  std::size_t number(const std::string& picture, std::int32_t place) const {
    if (place >= 0 && static_cast<std::size_t>(place) < names_.size())
      return static_cast<std::size_t>(place);
    throw coca::FileError(picture, "its class is number " + std::to_string(place) + ", but " +
                                       path_ + " has labels 0 to " +
                                       std::to_string(names_.size() - 1));
  }

 private:
  std::string path_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t> numbers_;
};

/// A picture to evaluate.
struct Sample {
  std::size_t index = 0;  ///< in the data set
  std::string name;
  coca::TestPicture picture;
};

/// Everything that is known of the pictures before they are read.
struct Samples {
  std::vector<Sample> list;
  std::size_t broken = 0;  ///< records whose text is broken
};

/// Opens all data, with the keys that the options name.
coca::AnyDataset open_test_data(const TestSetOptions& options);

/// Reads the text of all records; those whose text is broken are reported and counted.
/// @throws coca::FileError for a record without the group, interval or label that the options want
Samples read_samples(const TestSetOptions& options, const coca::AnyDataset& dataset,
                     const std::optional<Labels>& labels, Failures& failures);

}  // namespace coca_examples
