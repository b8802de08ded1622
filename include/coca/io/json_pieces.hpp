#pragma once
/// @file
/// The values of a JSON text one by one, as pieces of the text: a list of a million pictures is
/// read without a tree of all of them, and an error in one leaves the others readable.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace coca {

/// A place in a text; both count from 1.
struct TextPlace {
  std::size_t line = 1;
  std::size_t column = 1;  ///< bytes
};

/// A value of a JSON text, not parsed.
struct JsonPiece {
  std::string_view text{};
  TextPlace begin{};
  bool cut = false;  ///< the text ends before the value
};

namespace detail {

inline constexpr std::string_view json_space = " \t\r\n";

/// The place after a text. @param passed what begins at `place`
inline TextPlace place_after(TextPlace place, std::string_view passed) {
  const auto breaks = std::count(passed.begin(), passed.end(), '\n');
  if (breaks == 0) return {place.line, place.column + passed.size()};
  return {place.line + static_cast<std::size_t>(breaks), passed.size() - passed.rfind('\n')};
}

/// Bytes of the string that a text begins with, quotes included; npos if it never ends.
inline std::size_t json_string_size(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return std::string_view::npos;
}

/// Bytes of the number, word or stray mark that a text begins with, at least 1.
inline std::size_t json_word_size(std::string_view text) {
  return std::max<std::size_t>(std::min(text.find_first_of(" \t\r\n,:[]{}\""), text.size()), 1);
}

/// Bytes of the value that a text begins with, found only by quotes and brackets; npos if it
/// never ends.
inline std::size_t json_value_size(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t size = 0; size < text.size();) {
    const char c = text[size];
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    const std::string_view rest = text.substr(size);
    const std::size_t step = c == '"'     ? json_string_size(rest)
                             : depth == 0 ? json_word_size(rest)
                                          : 1;
    if (step == std::string_view::npos) break;
    size += step;
    if (depth == 0) return size;
  }
  return std::string_view::npos;
}

}  // namespace detail

/// Walks a JSON text value by value. Only quotes and brackets are checked: other errors are found
/// when a piece is parsed.
class JsonCursor {
 public:
  explicit JsonCursor(JsonPiece piece) : rest_(piece.text), place_(piece.begin) {}

  /// The first character that is not white space; a null character at the end.
  char peek() {
    skip(std::min(rest_.find_first_not_of(detail::json_space), rest_.size()));
    return rest_.empty() ? '\0' : rest_.front();
  }

  /// Whether nothing but white space is left.
  bool at_end() {
    peek();
    return rest_.empty();
  }

  /// Goes past a character, if it is the next.
  bool take(char wanted) {
    if (peek() != wanted || rest_.empty()) return false;
    skip(1);
    return true;
  }

  /// The next value, or whatever is in its place; empty and cut at the end.
  JsonPiece value() {
    peek();
    const std::size_t size = detail::json_value_size(rest_);
    const JsonPiece piece{rest_.substr(0, size), place_, size == std::string_view::npos};
    skip(piece.text.size());
    return piece;
  }

 private:
  void skip(std::size_t size) {
    place_ = detail::place_after(place_, rest_.substr(0, size));
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
  TextPlace place_;
};

/// Visits the elements of an array. Where the text ends before the array, the last one is cut.
/// @param visit called with a JsonPiece
template <class Visitor>
void for_each_json_element(const JsonPiece& array, Visitor&& visit) {
  JsonCursor cursor(array);
  cursor.take('[');
  while (!cursor.take(']')) {
    const JsonPiece piece = cursor.value();
    visit(piece);
    if (piece.cut) return;
    cursor.take(',');
  }
}

/// Visits the members of an object, up to the first thing that is not one.
/// @param visit called with the key, as it is written between its quotes, and a JsonPiece
template <class Visitor>
void for_each_json_member(const JsonPiece& object, Visitor&& visit) {
  JsonCursor cursor(object);
  cursor.take('{');
  while (cursor.peek() == '"') {
    const JsonPiece key = cursor.value();
    if (!cursor.take(':')) return;
    visit(key.text.substr(1, key.text.size() - 2), cursor.value());
    cursor.take(',');
  }
}

}  // namespace coca
