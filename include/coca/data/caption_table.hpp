#pragma once
/// @file
/// Caption files that are tables: CSV, TSV (OpenCLIP's `--csv-img-key filepath --csv-caption-key
/// title`), and the same with semicolons or |. The first line names the columns.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/data/delimited_text.hpp"

namespace coca {

namespace detail {

/// The place of the first of some columns that a table has.
inline std::optional<std::size_t> find_column(const std::vector<std::string>& header,
                                              const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
  }
  return std::nullopt;
}

/// The names of a table's columns; none if its first row cannot be read.
inline std::vector<std::string> header_of(std::string_view text, char separator) {
  std::vector<std::string> header;
  try {
    DelimitedText(text, separator, "").next(header);
  } catch (const FileError&) {  // reported by the reader of the table
    header.clear();
  }
  return header;
}

/// Whether a header has all columns that options want.
inline bool has_wanted_columns(const std::vector<std::string>& header,
                               const CaptionFileOptions& options) {
  const auto has = [&](const std::vector<std::string>& names) {
    return find_column(header, names).has_value();
  };
  if (!has(keys_to_try(options.image_key, default_image_keys()))) return false;
  if (needs_captions(options)) return has(keys_to_try(options.caption_key, default_caption_keys()));
  return std::all_of(options.field_keys.begin(), options.field_keys.end(),
                     [&](const std::string& key) { return has({key}); });
}

/// The separator of a table's fields: if none gives the wanted columns, the one that gives the
/// most.
inline char separator_of(std::string_view text, const CaptionFileOptions& options) {
  if (options.separator != '\0') return options.separator;
  char best = ',';
  std::size_t most = 1;
  for (const char separator : {'\t', ',', ';', '|'}) {
    const std::vector<std::string> header = header_of(text, separator);
    if (has_wanted_columns(header, options)) return separator;
    if (header.size() > most) best = separator;
    most = std::max(most, header.size());
  }
  return best;
}

/// Which columns of a table are read.
struct TableColumns {
  std::size_t count = 0;
  std::size_t image = 0;
  std::optional<std::size_t> caption{};
  std::vector<std::size_t> fields{};  ///< of CaptionFileOptions::field_keys
};

/// @throws FileError if a column is missing
inline TableColumns columns_of(const std::vector<std::string>& header,
                               const CaptionFileOptions& options, const std::string& path) {
  const auto find = [&](const std::vector<std::string>& names, const std::string& what) {
    if (const auto found = find_column(header, names)) return *found;
    fail_in_line(path, 1,
                 "no column of the " + what + ": expected " + list_of_names(names, " or ") +
                     ", the columns are " + list_of_names(header, ", "));
  };
  TableColumns columns{.count = header.size()};
  columns.image = find(keys_to_try(options.image_key, default_image_keys()), "picture");
  const auto captions = keys_to_try(options.caption_key, default_caption_keys());
  columns.caption =
      needs_captions(options) ? find(captions, "caption") : find_column(header, captions);
  for (const std::string& key : options.field_keys) columns.fields.push_back(find({key}, "field"));
  return columns;
}

/// What is wrong with a row; empty: nothing.
inline std::string row_problem(const std::vector<std::string>& row, const TableColumns& columns) {
  if (row.size() != columns.count)
    return "the row has " + counted(row.size(), "field") + ", the header has " +
           std::to_string(columns.count);
  const auto is_text = [&](std::size_t column) { return is_valid_utf8(row[column]); };
  const bool is_utf8 = is_text(columns.image) && (!columns.caption || is_text(*columns.caption)) &&
                       std::all_of(columns.fields.begin(), columns.fields.end(), is_text);
  return is_utf8 ? "" : "the text is not UTF-8";
}

}  // namespace detail

/// The separator that an option names: a character, or "tab". @return 0 for an empty text
/// @throws ArgumentError for anything else
inline char to_separator(const std::string& text) {
  if (text.empty()) return '\0';
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() == 1 && std::string_view("\"\r\n").find(text[0]) == std::string_view::npos)
    return text[0];
  throw ArgumentError("the separator is \"" + detail::printable(text, 20) +
                      "\", expected one character, such as ; or |, or tab");
}

/// Reads a table. @throws FileError for a header that cannot be read or lacks a column; rows that
/// cannot be read are bad rows of the list.
inline void read_caption_table(std::string_view text, const CaptionFileOptions& options,
                               CaptionList& list) {
  DelimitedText rows(text, detail::separator_of(text, options), list.path());
  std::vector<std::string> row;
  if (!rows.next(row)) return;
  for (const std::string& name : row)
    if (!is_valid_utf8(name)) detail::fail_in_line(list.path(), 1, "the text is not UTF-8");
  const detail::TableColumns columns = detail::columns_of(row, options, list.path());
  const auto read_row = [&] {
    const TextPlace place{rows.line(), 1};
    const std::string problem = detail::row_problem(row, columns);
    if (!problem.empty()) list.fail(place, problem);
    CaptionEntry entry{.picture = row[columns.image]};
    if (columns.caption) entry.captions.push_back(row[*columns.caption]);
    for (std::size_t i = 0; i < columns.fields.size(); ++i)
      entry.fields.emplace(options.field_keys[i], row[columns.fields[i]]);
    list.add(std::move(entry), place);
  };
  for (bool more = true; more;)
    list.guard([&] {
      more = rows.next(row);
      if (more) read_row();
    });
}

}  // namespace coca
