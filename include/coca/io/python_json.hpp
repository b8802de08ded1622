#pragma once
/// @file
/// JSON as Python's json module writes and reads it: NaN, Infinity, -Infinity and numbers beyond
/// double are read, and so are halves of surrogate pairs and keys that occur twice. Values that
/// cannot be represented are replaced: they matter only to code that reads them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/io/json.hpp"
#include "coca/io/json_bytes.hpp"
#include "coca/io/json_pieces.hpp"

namespace coca {

/// The result of Python's json.loads, except that a number that is not finite is an empty object,
/// half of a surrogate pair that stands for a byte (json_bytes.hpp) is that byte, and any other
/// half is U+FFFF, which is not a character.
struct PythonJson {
  Json value;
  /// Keys of the outermost object that occur more than once; as in Python, the last one counts.
  std::set<std::string> doubled{};
};

/// Whether a text of a PythonJson held half of a surrogate pair that stands for nothing.
inline bool has_lost_surrogate(std::string_view text) {
  return text.find("\xEF\xBF\xBF") != std::string_view::npos;
}

/// Whether a text of a PythonJson held half of a surrogate pair, those that stand for bytes
/// included: only names of files may have these.
inline bool has_lone_surrogate(std::string_view text) {
  return has_lost_surrogate(text) || !is_valid_utf8(text);
}

namespace detail {

/// The number of a `\uXXXX` that a text begins with; -1 if it does not.
inline int json_escape(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
  if (text.substr(2, 4).find_first_not_of("0123456789abcdefABCDEF") != text.npos) return -1;
  return static_cast<int>(std::strtol(std::string(text.substr(2, 4)).c_str(), nullptr, 16));
}

/// Replaces halves of surrogate pairs in the string that begins at `begin`.
inline void replace_lone_surrogates(std::string& text, std::size_t begin, std::size_t end) {
  const std::string_view view = text;
  for (std::size_t i = begin; i < end; ++i) {
    if (text[i] != '\\') continue;
    const int unit = json_escape(view.substr(i));
    const int next = json_escape(view.substr(std::min(i + 6, view.size())));
    const bool high = unit >= 0xD800 && unit < 0xDC00;
    const bool pair = high && next >= 0xDC00 && next < 0xE000;
    if (!pair && unit >= 0xD800 && unit < 0xE000) text.replace(i + 2, 4, "ffff");
    i += pair ? 11 : unit >= 0 ? 5 : 1;
  }
}

/// Whether a word is a number that is not finite, or not in double.
inline bool is_beyond_double(const std::string& word) {
  if (word == "NaN" || word == "Infinity" || word == "-Infinity") return true;
  const bool is_number = word.find_first_not_of("0123456789+-.eE") == std::string::npos;
  const bool may_be_large = word.size() > 300 || word.find_first_of("eE") != std::string::npos;
  return is_number && may_be_large && std::isinf(std::strtod(word.c_str(), nullptr));
}

/// Makes JSON of what Python writes, byte for byte in its place.
inline std::string to_strict_json(std::string_view text) {
  std::string strict(text);
  for (std::size_t i = 0; i < strict.size();) {
    const std::string_view rest = std::string_view(strict).substr(i);
    const bool is_string = rest.front() == '"';
    const std::size_t size =
        is_string ? std::min(json_string_size(rest), rest.size()) : json_word_size(rest);
    if (is_string)
      replace_lone_surrogates(strict, i, i + size);
    else if (size > 2 && is_beyond_double(std::string(rest.substr(0, size))))
      strict.replace(i, size, "{}" + std::string(size - 2, ' '));
    i += size;
  }
  return strict;
}

}  // namespace detail

/// Parses one JSON value as Python's json.loads does.
/// @param path   what messages call the text
/// @param limits what the value may cost
/// @throws FileError "path: line 3, column 7: what is wrong", the place counted in the whole text
/// that the piece is of.
inline PythonJson parse_python_json(const JsonPiece& piece, const std::string& path,
                                    const JsonLimits& limits = {}) {
  const auto fail = [&](std::size_t byte, const std::string& problem) {
    const TextPlace place = detail::place_after(piece.begin, piece.text.substr(0, byte));
    throw FileError(path, "line " + std::to_string(place.line) + ", column " +
                              std::to_string(place.column) + ": " + problem);
  };
  if (const std::size_t byte = find_invalid_utf8(piece.text); byte != std::string_view::npos)
    fail(byte, "the text is not UTF-8");
  if (const auto excess = detail::find_json_excess(piece.text, limits))
    fail(excess->byte.value_or(0), excess->problem);
  const std::optional<std::string> marked = detail::with_byte_marks(piece.text);
  const std::string text = detail::to_strict_json(marked ? *marked : piece.text);
  PythonJson result;
  std::set<std::string> known;
  const auto note_doubled = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event != Json::parse_event_t::key || depth != 1) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!known.insert(key).second) result.doubled.insert(key);
    return true;
  };
  try {
    result.value = Json::parse(text.begin(), text.end(), note_doubled);
    if (marked) detail::remove_byte_marks(result.value);
  } catch (const Json::parse_error& error) {
    fail(error.byte > 0 ? error.byte - 1 : 0, detail::json_complaint(error.what()));
  } catch (const Json::exception& error) {  // a number beyond double that runs into a word
    fail(0, detail::json_complaint(error.what()));
  }
  return result;
}

}  // namespace coca
