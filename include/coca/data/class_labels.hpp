#pragma once
/// @file
/// Classes of the pictures of a data set: the labels that it has, or those that a field says.

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

/// Names of classes that are numbered from 0 on: those that `known` has, else their numbers.
inline std::vector<std::string> numbered_names(std::size_t count,
                                               const std::map<std::size_t, std::string>& known) {
  std::vector<std::string> names(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto found = known.find(i);
    names[i] = found == known.end() ? std::to_string(i) : found->second;
  }
  return names;
}

}  // namespace detail

/// The names of a data set's classes, by label. Records that cannot be read are passed over.
/// @param key field that names or numbers the class; empty: the records' labels count, and their
///        field "label" is the name where there is one
/// @throws ArgumentError where no record has a class, or a label is negative or beyond a million.
inline std::vector<std::string> class_names(const AnyDataset& data, const std::string& key = {}) {
  std::set<std::string> texts;
  std::map<std::size_t, std::string> known;
  std::size_t count = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    Record record;
    try {
      record = data.record(i);
    } catch (const Error&) {  // the loader counts and names it
      continue;
    }
    const auto field = record.fields.find(key.empty() ? "label" : key);
    if (!key.empty()) {
      if (field != record.fields.end()) texts.insert(field->second);
    } else if (record.label) {
      const std::int32_t label = *record.label;
      if (label < 0 || static_cast<std::size_t>(label) >= detail::most_classes)
        throw ArgumentError(record.name + ": its label is " + std::to_string(label) +
                            ", expected 0 to " + std::to_string(detail::most_classes - 1));
      count = std::max(count, static_cast<std::size_t>(label) + 1);
      if (field != record.fields.end()) known[static_cast<std::size_t>(label)] = field->second;
    }
  }
  const auto is_number = [](const std::string& text) { return detail::whole_number(text); };
  if (!texts.empty() && std::all_of(texts.begin(), texts.end(), is_number))
    for (const std::string& text : texts) count = std::max(count, *is_number(text) + 1);
  else if (!texts.empty())
    return {texts.begin(), texts.end()};
  if (count == 0)
    throw ArgumentError(key.empty() ? "no picture of the data has a label: give folders of "
                                      "classes, shards with .cls, IDX files, or a label_key"
                                    : "no picture of the data has the field \"" + key + "\"");
  return detail::numbered_names(count, known);
}

/// A data set whose labels are what a field of its records says.
class LabelledDataset {
 public:
  /// @param names of the classes, by label, as class_names() gives them
  LabelledDataset(AnyDataset data, std::string key, const std::vector<std::string>& names)
      : data_(std::move(data)), key_(std::move(key)) {
    for (std::size_t i = 0; i < names.size(); ++i)
      labels_.emplace(names[i], static_cast<std::int32_t>(i));
  }

  std::size_t size() const { return data_.size(); }

  /// @throws ArgumentError where the record has no such field, or a class that is none of them.
  Record record(std::size_t index) const {
    Record record = data_.record(index);
    const auto field = record.fields.find(key_);
    if (field == record.fields.end())
      throw ArgumentError(record.name + ": has no field \"" + key_ + "\"");
    const auto number = detail::whole_number(field->second);
    const auto label = labels_.find(number ? std::to_string(*number) : field->second);
    if (label == labels_.end())
      throw ArgumentError(record.name + ": its class \"" + detail::printable(field->second, 40) +
                          "\" is none of the " + std::to_string(labels_.size()) +
                          " of the training data");
    record.label = label->second;
    return record;
  }

  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    return data_.read(index, number);
  }
  std::vector<std::string> notes() const { return data_.notes(); }

 private:
  AnyDataset data_;
  std::string key_;
  std::map<std::string, std::int32_t> labels_;
};

static_assert(Dataset<LabelledDataset>);

}  // namespace coca
