#pragma once
/// @file
/// Names of classes in the files that zero-shot evaluation knows: CLIP_benchmark's JSON
/// ({data set: [names]}), a name per line (classnames.txt), and CSV with the columns "folder" and
/// "name", such as that of ObjectNet.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/caption_table.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/data/web_dataset.hpp"
#include "coca/io/json.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/text/prompt_template.hpp"

namespace coca {

/// Classes in the order of their numbers. Two classes may have the same name.
struct ClassNames {
  std::vector<std::string> names{};
  std::vector<std::string> folders{};  ///< of each class; empty if the file does not say
};

/// The names under which a data set may be listed: its own, then without CLIP_benchmark's "wds/",
/// "vtab/" and "tfds/".
inline std::vector<std::string> names_of_data_set(const std::string& name) {
  std::vector<std::string> names{name};
  for (const std::string_view prefix : {"wds/", "vtab/", "tfds/"})
    if (names.back().starts_with(prefix)) names.push_back(names.back().substr(prefix.size()));
  return names;
}

namespace detail {

/// The whole text of a small file. @throws FileError if it cannot be read, is large, or not UTF-8
inline std::string small_text(const std::string& path) {
  constexpr std::size_t most = std::size_t{64} << 20;
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (bytes.size() > most)
    throw FileError(path, "has " + std::to_string(bytes.size()) + " bytes, at most " +
                              std::to_string(most) + " are read");
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text = without_byte_order_mark(text);
  if (const std::size_t at = find_invalid_utf8(text); at != std::string_view::npos)
    throw FileError(path, text_position(text, at) + ": the text is not UTF-8");
  return std::string(text);
}

/// Whether a text is JSON: an object or a list. A template may begin with its placeholder.
inline bool begins_as_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(json_space);
  if (first == std::string_view::npos || !placeholder_at(text, first).empty()) return false;
  return text[first] == '{' || text[first] == '[';
}

/// The texts of a JSON list. @throws FileError for anything else, and an empty list
inline std::vector<std::string> list_of_texts(const Json& list, const std::string& what,
                                              const std::string& path) {
  std::vector<std::string> texts;
  if (list.is_array())
    for (const Json& text : list) {
      if (!text.is_string()) break;
      texts.push_back(text.get<std::string>());
    }
  if (texts.empty() || texts.size() != list.size())
    throw FileError(path, what + " is not a list of texts");
  return texts;
}

/// The member of an object for a data set. @throws FileError that lists the data sets
inline const Json& member_of_data_set(const Json& object, const std::vector<std::string>& names,
                                      const std::string& path) {
  for (const std::string& name : names)
    if (object.contains(name)) return object.at(name);
  std::vector<std::string> known;
  for (const auto& item : object.items()) known.push_back(item.key());
  throw FileError(path, "has no data set " + list_of_names(names, " or ") + "; it has " +
                            list_of_names(known, " and "));
}

/// "folder,name" and further columns. @throws FileError for rows without a folder or name, and
/// folders that occur twice
inline ClassNames read_class_table(std::string_view text, const std::string& path) {
  DelimitedText rows(text, ',', path);
  std::vector<std::string> row;
  rows.next(row);
  const std::size_t columns = row.size();
  const auto folder = find_column(row, {"folder", "wnid"}), name = find_column(row, {"name"});
  if (!folder)
    fail_in_line(path, 1, "no column \"folder\", the columns are " + list_of_names(row, ", "));
  ClassNames classes;
  std::set<std::string> known;
  while (rows.next(row)) {
    if (row.size() != columns)
      fail_in_line(path, rows.line(),
                   "the row has " + std::to_string(row.size()) + " fields, the header has " +
                       std::to_string(columns));
    if (row[*folder].empty()) fail_in_line(path, rows.line(), "the folder is empty");
    if (!known.insert(row[*folder]).second)
      fail_in_line(path, rows.line(),
                   "an earlier row has the same folder " + printable(row[*folder], 40));
    classes.folders.push_back(row[*folder]);
    if (!name) continue;
    if (row[*name].empty()) fail_in_line(path, rows.line(), "the name is empty");
    classes.names.push_back(row[*name]);
  }
  if (classes.folders.empty()) throw FileError(path, "lists no classes");
  return classes;
}

/// Whether the first line is the header of such a table.
inline bool is_class_table(std::string_view text) {
  const std::vector<std::string> header = header_of(text, ',');
  return header.size() > 1 && find_column(header, {"folder", "wnid"}).has_value();
}

}  // namespace detail

/// Names of classes of any of the formats; the content says which.
/// @param data_set which names of a JSON file with several data sets (names_of_data_set)
/// @throws FileError for a text that is none of these, and a data set that is not in it
inline ClassNames parse_class_names(std::string_view text, const std::string& path,
                                    const std::string& data_set) {
  if (detail::begins_as_json(text)) {
    const Json json = parse_json(text, path);
    if (json.is_array()) return {detail::list_of_texts(json, "the JSON", path), {}};
    const Json& list = detail::member_of_data_set(json, names_of_data_set(data_set), path);
    return {detail::list_of_texts(list, "the value of a data set", path), {}};
  }
  if (detail::is_class_table(text)) return detail::read_class_table(text, path);
  ClassNames classes{detail::caption_lines_of(text), {}};
  if (classes.names.empty()) throw FileError(path, "lists no classes");
  return classes;
}

/// The same of a file. @throws FileError if it cannot be read, and as above
inline ClassNames read_class_names(const std::string& path, const std::string& data_set) {
  return parse_class_names(detail::small_text(path), path, data_set);
}

}  // namespace coca
