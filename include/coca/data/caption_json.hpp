#pragma once
/// @file
/// Caption files that are JSON: rows as lines (`metadata.jsonl` of Hugging Face's ImageFolder), as
/// the elements of an array, or one after the other over several lines. JSON is whatever Python's
/// json module reads. Rows are parsed one by one.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_row.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/io/json_pieces.hpp"
#include "coca/io/python_json.hpp"

namespace coca {

namespace detail {

/// The texts of a JSON value that is a text or a list of texts; false for anything else.
inline bool append_texts(const Json& value, std::vector<std::string>& texts) {
  if (value.is_string()) {
    texts.push_back(value.get<std::string>());
    return true;
  }
  if (!value.is_array()) return false;
  return std::all_of(value.begin(), value.end(), [&](const Json& item) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
    return item.is_string();
  });
}

/// The text of a JSON value that is a text, a number or a truth value; false for anything else.
inline bool read_field(const Json& value, std::string& text) {
  if (value.is_string())
    text = value.get<std::string>();
  else if (value.is_number() || value.is_boolean())
    text = value.dump();
  else
    return false;
  return true;
}

/// The same, and lists and objects as their JSON; false for null.
inline bool read_structured_field(const Json& value, std::string& text) {
  if (read_field(value, text)) return true;
  if (value.is_structured()) text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return value.is_structured();
}

/// An object of a JSON caption file.
class JsonRow : public AnnotationRow {
 public:
  /// @param list must outlive this object
  /// @throws FileError for anything but an object, or JSON that cannot be parsed
  JsonRow(const JsonPiece& piece, const CaptionList& list) : AnnotationRow(piece, list.path()) {}

  /// The first of some keys that exists, empty if none does.
  std::string first_of(const std::vector<std::string>& keys) const {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const auto& k) { return has(k); });
    return found == keys.end() ? "" : *found;
  }

  /// The picture of a row. @throws FileError if it is missing, or not a text
  std::string picture(const std::vector<std::string>& keys) const {
    const Json& value = find(keys, "picture");
    if (!value.is_string()) fail("the picture is not a text");
    return checked_name(value.get<std::string>());
  }

  /// The pictures of a row, at least one. @throws FileError if there is none, or one is not a text
  std::vector<std::string> pictures(const std::vector<std::string>& keys) const {
    std::vector<std::string> pictures;
    if (!append_texts(find(keys, "picture"), pictures) || pictures.empty())
      fail("the picture is not a text");
    for (const std::string& picture : pictures) checked_name(picture);
    return pictures;
  }

  /// The captions of a row, of the first key that it has.
  /// @throws FileError if they are required, and there are none or they are not texts
  std::vector<std::string> captions(const std::vector<std::string>& keys,
                                    bool required = true) const {
    std::vector<std::string> texts;
    if (!required && first_of(keys).empty()) return texts;
    const bool are_texts = append_texts(find(keys, "caption"), texts);
    if (!are_texts && !required) return {};
    if (!are_texts) fail("the caption is neither a text nor a list of texts");
    for (const std::string& text : texts) checked(text, "the caption");
    return texts;
  }

  /// A text or a number, or, on request, lists and objects as their JSON.
  /// @throws FileError for anything else
  std::string field(const std::string& key, bool structured = false) const {
    std::string text;
    const bool known =
        structured ? read_structured_field(at(key), text) : read_field(at(key), text);
    if (!known) fail('"' + key + "\" is neither a text nor a number");
    return checked(text, '"' + key + '"');
  }

  /// Fields by their keys. @throws FileError if one is missing
  std::map<std::string, std::string> fields(const std::vector<std::string>& keys,
                                            bool structured) const {
    std::map<std::string, std::string> fields;
    for (const std::string& key : keys) fields.emplace(key, field(key, structured));
    return fields;
  }

 private:
  const Json& find(const std::vector<std::string>& keys, const std::string& what) const {
    const std::string key = first_of(keys);
    if (key.empty()) fail("no " + what + ": expected the key " + list_of_names(keys, " or "));
    return at(key);
  }

  const std::string& checked(const std::string& text, const std::string& what) const {
    if (has_lone_surrogate(text)) fail(what + " holds half of a surrogate pair");
    return text;
  }

  // File names may be any bytes.
  const std::string& checked_name(const std::string& name) const {
    if (has_lost_surrogate(name)) fail("the picture holds half of a surrogate pair");
    return name;
  }
};

/// Reads pictures with their captions, one from each piece.
class JsonRowReader {
 public:
  JsonRowReader(const CaptionFileOptions& options, CaptionList& list)
      : image_keys_(keys_to_try(options.image_key, default_image_keys())),
        caption_keys_(keys_to_try(options.caption_key, default_caption_keys())),
        captions_required_(needs_captions(options)),
        field_keys_(options.field_keys),
        structured_fields_(options.structured_fields),
        list_(list) {}

  void operator()(const JsonPiece& piece) const {
    list_.guard([&] {
      const JsonRow row(piece, list_);
      std::vector<std::string> pictures = row.pictures(image_keys_);
      CaptionEntry entry{.picture = std::move(pictures.front()),
                         .captions = row.captions(caption_keys_, captions_required_),
                         .fields = row.fields(field_keys_, structured_fields_)};
      entry.more.assign(std::make_move_iterator(pictures.begin() + 1),
                        std::make_move_iterator(pictures.end()));
      list_.add(std::move(entry), row.place());
    });
  }

 private:
  std::vector<std::string> image_keys_;
  std::vector<std::string> caption_keys_;
  bool captions_required_;
  const std::vector<std::string>& field_keys_;
  bool structured_fields_;
  CaptionList& list_;
};

inline std::string_view first_line_of(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

inline bool is_blank(std::string_view text) {
  return text.find_first_not_of(json_space) == std::string_view::npos;
}

/// Visits the lines of a text that are not blank, each with its place.
template <class Visitor>
void for_each_json_line(std::string_view text, Visitor&& visit) {
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::string_view content = first_line_of(text);
    if (!is_blank(content)) visit(JsonPiece{content, {line, 1}});
    text.remove_prefix(std::min(content.size() + 1, text.size()));
  }
}

/// Whether objects are lines: the first one ends with its line, or, if that is cut, another
/// begins with the next line.
inline bool has_json_lines(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(json_space), text.size());
  text.remove_prefix(begin);
  const std::string_view first = first_line_of(text);
  if (json_value_size(text) <= first.size()) return true;
  const std::string_view rest = text.substr(std::min(first.size() + 1, text.size()));
  return rest.starts_with('{');
}

}  // namespace detail

/// Reads rows of pictures and captions. Rows that cannot be read are bad rows of the list.
inline void read_caption_rows(std::string_view text, const CaptionFileOptions& options,
                              CaptionList& list) {
  const detail::JsonRowReader read_row(options, list);
  JsonCursor cursor({text, {}});
  if (cursor.peek() == '[') {
    for_each_json_element(cursor.value(), read_row);
    while (!cursor.at_end()) read_row(cursor.value());
  } else if (detail::has_json_lines(text)) {
    detail::for_each_json_line(text, read_row);
  } else {
    while (!cursor.at_end()) read_row(cursor.value());
  }
}

}  // namespace coca
