#pragma once
/// @file
/// CSV files whose first line names the columns, read row by row.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// The rows of a table, by names of columns.
class HeaderTable {
 public:
  /// @param text must outlive this object
  /// @param path what messages call it
  /// @throws FileError for an empty text or a column that is named twice
  HeaderTable(std::string_view text, const std::string& path)
      : path_(path), rows_(detail::without_byte_order_mark(text), ',', path) {
    if (!rows_.next(header_)) throw FileError(path_, "is empty, expected a line of column names");
    for (const std::string& name : header_)
      if (std::count(header_.begin(), header_.end(), name) > 1)
        throw FileError(path_, "the column \"" + detail::printable(name, 40) + "\" occurs twice");
  }

  bool has(const std::string& column) const {
    return std::find(header_.begin(), header_.end(), column) != header_.end();
  }

  /// @throws FileError naming the columns that the table has
  void require(const std::vector<std::string>& columns) const {
    for (const std::string& column : columns)
      if (!has(column))
        throw FileError(path_, "no column \"" + column + "\", the first line names " +
                                   detail::list_of_names(header_, " and "));
  }

  /// The next row; false at the end. @throws FileError for one with another number of fields
  bool next() {
    if (!rows_.next(row_)) return false;
    if (row_.size() != header_.size())
      fail("has " + std::to_string(row_.size()) + " fields, the first line names " +
           std::to_string(header_.size()) + " columns");
    return true;
  }

  /// A field of the row; empty if there is no such column.
  std::string at(const std::string& column) const {
    const auto found = std::find(header_.begin(), header_.end(), column);
    return found == header_.end() ? "" : row_[static_cast<std::size_t>(found - header_.begin())];
  }

  /// An error about the row.
  [[noreturn]] void fail(const std::string& problem) const {
    detail::fail_in_line(path_, rows_.line(), problem);
  }

 private:
  std::string path_;
  DelimitedText rows_;
  std::vector<std::string> header_, row_;
};

}  // namespace coca
