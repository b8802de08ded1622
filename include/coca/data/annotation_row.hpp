#pragma once
/// @file
/// A row of an annotation or caption file that is JSON.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/io/json_pieces.hpp"
#include "coca/io/python_json.hpp"

namespace coca {

/// An object of an annotation or caption file, with messages that say where it is.
class AnnotationRow {
 public:
  /// @param path what messages call the file; must outlive this object
  /// @throws FileError for anything but an object, or JSON that cannot be parsed
  AnnotationRow(const JsonPiece& piece, const std::string& path)
      : path_(path), place_(piece.begin) {
    constexpr JsonLimits limits{.max_bytes = std::size_t{16} << 20, .max_values = 1'000'000};
    json_ = parse_python_json(piece, path, limits);
    if (!json_.value.is_object()) fail("expected a JSON object");
  }

  TextPlace place() const noexcept { return place_; }

  bool has(const std::string& key) const { return json_.value.contains(key); }

  /// @throws FileError for a key that is missing or occurs twice
  const Json& at(const std::string& key) const {
    if (json_.doubled.count(key) != 0)
      fail("the key \"" + detail::printable(key, 40) + "\" occurs twice");
    if (has(key)) return json_.value.at(key);
    std::vector<std::string> keys;
    for (const auto& item : json_.value.items()) keys.push_back(item.key());
    fail("no key \"" + detail::printable(key, 40) + "\", the keys are " +
         detail::list_of_names(keys, ", "));
  }

  /// @throws FileError for a key that is not among these
  void expect_keys(std::span<const std::string_view> known) const {
    for (const auto& item : json_.value.items())
      if (std::find(known.begin(), known.end(), item.key()) == known.end())
        fail("unknown key \"" + detail::printable(item.key(), 40) + "\", expected " +
             detail::list_of_names({known.begin(), known.end()}, " or "));
  }

  /// A text. @throws FileError for anything else
  std::string text(const std::string& key) const { return text_of(at(key), key); }

  /// A text that is a member of this row's value for `key`. @throws FileError for anything else
  std::string text_of(const Json& value, const std::string& key) const {
    if (!value.is_string()) fail("\"" + key + "\" is not a text");
    auto text = value.get<std::string>();
    if (has_lone_surrogate(text)) fail("\"" + key + "\" holds half of a surrogate pair");
    return text;
  }

  /// A text or a whole number, as a text. @throws FileError for anything else
  std::string id(const std::string& key) const {
    const Json& value = at(key);
    if (value.is_number_integer()) return value.dump();
    if (!value.is_string()) fail("\"" + key + "\" is neither a whole number nor a text");
    return text(key);
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw FileError(path_, detail::at_place(place_, problem));
  }

 private:
  const std::string& path_;
  TextPlace place_;
  PythonJson json_;
};

}  // namespace coca
