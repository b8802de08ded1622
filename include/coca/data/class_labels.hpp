#pragma once
/// @file
/// Classes of the pictures of a data set: its own labels, or those given by a field.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/io/json.hpp"

namespace coca {

namespace detail {

/// More classes than any data set has.
inline constexpr std::size_t most_classes = 1'000'000;

/// The whole number that a text is, if it is one.
inline std::optional<std::size_t> whole_number(const std::string& text) {
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end || number >= most_classes)
    return std::nullopt;
  return number;
}

/// The values of a field in alphabetical order, or all numbers up to the largest if they are
/// numbers; an empty one is no class.
inline std::vector<std::string> classes_of_field(const AnyDataset& data, const std::string& key) {
  std::set<std::string> texts;
  for_each_readable_record(data, [&](std::size_t, const Record& record) {
    const auto field = record.fields.find(key);
    if (field != record.fields.end() && !field->second.empty()) texts.insert(field->second);
  });
  if (texts.empty()) throw ArgumentError("no picture of the data has the field \"" + key + "\"");
  std::size_t count = 0;
  for (const std::string& text : texts) {
    const auto number = whole_number(text);
    if (!number) return {texts.begin(), texts.end()};
    count = std::max(count, *number + 1);
  }
  std::vector<std::string> names(count);
  for (std::size_t i = 0; i < count; ++i) names[i] = std::to_string(i);
  return names;
}

/// The label of a record. @throws ArgumentError if it is out of range.
inline std::size_t checked_label(const Record& record) {
  const std::int32_t label = *record.label;
  if (label < 0 || static_cast<std::size_t>(label) >= most_classes)
    throw ArgumentError(record.name + ": its label is " + std::to_string(label) +
                        ", expected 0 to " + std::to_string(most_classes - 1));
  return static_cast<std::size_t>(label);
}

/// Names by label, if records have them in the field "label", otherwise numbers.
inline std::vector<std::string> classes_of_labels(const AnyDataset& data) {
  std::map<std::size_t, std::string> known;
  std::set<std::string> names;
  std::size_t count = 0;
  bool agree = true;  // whether each label has one name
  for_each_readable_record(data, [&](std::size_t, const Record& record) {
    if (!record.label) return;
    const std::size_t label = checked_label(record);
    count = std::max(count, label + 1);
    const auto field = record.fields.find("label");
    if (field == record.fields.end()) return;
    agree = known.try_emplace(label, field->second).first->second == field->second && agree;
    names.insert(field->second);
  });
  if (count == 0)
    throw ArgumentError(
        "no picture of the data has a label: give folders of classes, shards with .cls, IDX files, "
        "or a label_key");
  if (!agree || names.size() != known.size()) return {names.begin(), names.end()};
  std::vector<std::string> all(count);
  for (std::size_t i = 0; i < count; ++i)
    all[i] = known.contains(i) ? known.at(i) : std::to_string(i);
  return all;
}

}  // namespace detail

/// The names of a data set's classes, by label. Records that cannot be read are passed over.
/// @param key field that names or numbers the class; empty: the records' labels count, and their
///        field "label" is the name if there is one. If several data sets number their
///        classes differently, their names count instead, in alphabetical order.
/// @throws ArgumentError if no record has a class, or a label is negative or beyond a million.
inline std::vector<std::string> class_names(const AnyDataset& data, const std::string& key = {}) {
  return key.empty() ? detail::classes_of_labels(data) : detail::classes_of_field(data, key);
}

/// A data set whose labels are given by a field of its records.
class LabelledDataset {
 public:
  /// @param key   as for class_names(); empty: the field "label" if a record has it (its folder),
  ///        otherwise its own label stays
  /// @param names of the classes, by label, as returned by class_names()
  LabelledDataset(AnyDataset data, const std::string& key, const std::vector<std::string>& names)
      : data_(std::move(data)), key_(key.empty() ? "label" : key), is_required_(!key.empty()) {
    for (std::size_t i = 0; i < names.size(); ++i)
      labels_.emplace(names[i], static_cast<std::int32_t>(i));
  }

  std::size_t size() const { return data_.size(); }

  /// @throws ArgumentError if the record has no such field, an empty one, or an unknown class.
  Record record(std::size_t index) const {
    Record record = data_.record(index);
    const auto field = record.fields.find(key_);
    if (field == record.fields.end() && !is_required_) return record;
    if (field == record.fields.end())
      throw ArgumentError(record.name + ": has no field \"" + key_ + "\"");
    if (field->second.empty())
      throw ArgumentError(record.name + ": its class, the field \"" + key_ + "\", is empty");
    auto label = labels_.find(field->second);
    if (const auto number = detail::whole_number(field->second); number && label == labels_.end())
      label = labels_.find(std::to_string(*number));
    if (label == labels_.end())
      throw ArgumentError(record.name + ": its class \"" + detail::printable(field->second, 40) +
                          "\" is none of the " + std::to_string(labels_.size()) +
                          " of the training data");
    record.label = label->second;
    return record;
  }

  /// @throws FileError for a record that cannot be read
  std::string picture_file(std::size_t index) const { return data_.picture_file(index); }

  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    return data_.read(index, number);
  }
  std::vector<std::string> notes() const { return data_.notes(); }

 private:
  AnyDataset data_;
  std::string key_;
  bool is_required_;
  std::map<std::string, std::int32_t> labels_;
};

static_assert(Dataset<LabelledDataset>);

}  // namespace coca
