#pragma once
/// @file
/// Reading JSON from untrusted files. The only header that includes nlohmann-json.

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json_bytes.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

using Json = nlohmann::json;

/// Limits on a JSON text.
struct JsonLimits {
  std::size_t max_bytes = std::size_t{64} << 20;
  std::size_t max_depth = 64;
  std::size_t max_values = 4'000'000;
};

namespace detail {

/// "line 3, column 7" of a byte of a text; both count from 1.
inline std::string text_position(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // 0 if there is no line break
  return "line " + std::to_string(lines + 1) + ", column " +
         std::to_string(before.size() - line_start + 1);
}

/// Printable ASCII of at most `limit` characters, for showing foreign text in a message.
inline std::string printable(std::string_view text, std::size_t limit = 120) {
  std::string shown;
  for (const char c : text.substr(0, limit)) shown += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > limit ? shown + "..." : shown;
}

/// The parser's message without its prefix and position.
inline std::string json_complaint(std::string_view what) {
  const std::size_t syntax = what.find("syntax error");
  if (syntax != std::string_view::npos) return printable(what.substr(syntax), 200);
  const std::size_t bracket = what.find("] ");
  return printable(bracket == std::string_view::npos ? what : what.substr(bracket + 2), 200);
}

/// What a text has too much of.
struct JsonExcess {
  std::optional<std::size_t> byte;  ///< where, if that helps
  std::string problem;
};

/// Bounds depth and number of values before anything is built from the text.
inline std::optional<JsonExcess> find_json_excess(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes)
    return JsonExcess{std::nullopt, "holds " + counted(text.size(), "byte") + " of JSON, at most " +
                                        std::to_string(limits.max_bytes) + " are accepted"};
  std::size_t depth = 0;
  std::size_t values = 1;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      continue;
    }
    if (c == '"') in_string = true;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
    if (c == ',' || c == '[' || c == '{') ++values;
    if (depth > limits.max_depth)
      return JsonExcess{i,
                        "JSON nested deeper than " + std::to_string(limits.max_depth) + " levels"};
    if (values > limits.max_values)
      return JsonExcess{std::nullopt,
                        "holds more than " + std::to_string(limits.max_values) + " JSON values"};
  }
  return std::nullopt;
}

/// @throws FileError for a text that costs more than it may
inline void check_json_limits(std::string_view text, const std::string& path,
                              const JsonLimits& limits) {
  const auto excess = find_json_excess(text, limits);
  if (!excess) return;
  const std::string place = excess->byte ? text_position(text, *excess->byte) + ": " : "";
  throw FileError(path, place + excess->problem);
}

}  // namespace detail

/// Parses one JSON document. A key that occurs twice in an object is an error. Bytes that
/// to_json_text() has escaped are bytes again.
/// @param path what messages call the text
/// @throws FileError "path: line 3, column 7: what is wrong".
inline Json parse_json(std::string_view text, const std::string& path,
                       const JsonLimits& limits = {}) {
  detail::check_json_limits(text, path, limits);
  std::vector<std::set<std::string>> open_objects;
  const auto refuse_duplicates = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_objects.back().insert(key).second)
        throw FileError(path, "the key \"" + detail::printable(key) + "\" occurs twice");
    }
    return true;
  };
  try {
    const std::optional<std::string> marked = detail::with_byte_marks(text);
    const std::string_view source = marked ? std::string_view(*marked) : text;
    Json json = Json::parse(source.begin(), source.end(), refuse_duplicates);
    if (marked) detail::remove_byte_marks(json);
    return json;
  } catch (const Json::parse_error& error) {
    const std::size_t byte = error.byte > 0 ? error.byte - 1 : 0;
    throw FileError(
        path, detail::text_position(text, byte) + ": " + detail::json_complaint(error.what()));
  } catch (const Json::exception& error) {  // a number out of double's range
    throw FileError(path, detail::json_complaint(error.what()));
  }
}

/// Reads a JSON file. @throws FileError like MappedFile and parse_json.
inline Json read_json_file(const std::string& path, const JsonLimits& limits = {}) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path, limits);
}

}  // namespace coca
