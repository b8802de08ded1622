#pragma once
/// @file
/// CSV and TSV as written by Python's csv module and pandas: fields may be in quotes, which are
/// doubled inside; quoted fields may hold separators and line breaks; lines end in \\n, \\r\\n or
/// \\r.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"

namespace coca {

namespace detail {

/// Text without the byte order mark that some programs put at the start.
inline std::string_view without_byte_order_mark(std::string_view text) noexcept {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.substr(0, mark.size()) == mark ? text.substr(mark.size()) : text;
}

/// An error about `problem` in a line of a text file.
[[noreturn]] inline void fail_in_line(const std::string& path, std::size_t line,
                                      const std::string& problem) {
  throw FileError(path, "line " + std::to_string(line) + ": " + problem);
}

}  // namespace detail

/// Reads a text of separated fields row by row.
class DelimitedText {
 public:
  /// @param text      must outlive this object
  /// @param separator such as ',' or a tab
  /// @param path      the text's name in messages
  DelimitedText(std::string_view text, char separator, std::string path)
      : rest_(text), separator_(separator), path_(std::move(path)) {}

  /// Reads the next row that is not empty; false at the end.
  /// @throws FileError for a quoted field without end; the next call reads the line after the one
  /// where its row began.
  bool next(std::vector<std::string>& fields) {
    while (!rest_.empty() && is_break(rest_.front())) skip_break();
    if (rest_.empty()) return false;
    row_line_ = line_;
    row_ = rest_;
    fields.clear();
    do {
      fields.push_back(field());
    } while (take_separator());
    if (!rest_.empty()) skip_break();
    return true;
  }

  /// The line on which the last row read begins, from 1.
  std::size_t line() const noexcept { return row_line_; }

 private:
  static bool is_break(char c) noexcept { return c == '\n' || c == '\r'; }

  void skip_break() noexcept {
    const bool two = rest_.substr(0, 2) == "\r\n";
    rest_.remove_prefix(two ? 2 : 1);
    ++line_;
  }

  bool take_separator() noexcept {
    if (rest_.empty() || rest_.front() != separator_) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// One field, up to the separator or the end of the line. Text after a closing quote belongs to
  /// the field, as in Python.
  std::string field() {
    std::string value;
    if (!rest_.empty() && rest_.front() == '"') value = quoted();
    std::size_t size = 0;
    while (size < rest_.size() && rest_[size] != separator_ && !is_break(rest_[size])) ++size;
    value += rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }

  void leave_row() noexcept {
    line_ = row_line_;
    rest_ = row_.substr(std::min(row_.find_first_of("\r\n"), row_.size()));
    if (!rest_.empty()) skip_break();
  }

  std::string quoted() {
    const std::size_t first_line = line_;
    std::string value;
    rest_.remove_prefix(1);
    while (true) {
      const std::size_t quote = rest_.find('"');
      if (quote == std::string_view::npos) {
        leave_row();
        detail::fail_in_line(path_, first_line, "the quoted field that begins here never ends");
      }
      const std::string_view part = rest_.substr(0, quote);
      line_ += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
      value += part;
      rest_.remove_prefix(quote + 1);
      if (rest_.empty() || rest_.front() != '"') return value;
      value += '"';
      rest_.remove_prefix(1);
    }
  }

  std::string_view rest_;
  std::string_view row_;  // rest_ where the row that is read began
  char separator_;
  std::string path_;
  std::size_t line_ = 1;
  std::size_t row_line_ = 1;
};

}  // namespace coca
