#pragma once
/// @file
/// What the readers of annotation files (captions, questions, pairs) share: rows of JSON, read one
/// by one, with messages that say where each is.

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_row.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/io/json_pieces.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

namespace detail {

/// What a JSON document with these keys is, for messages; empty if it is nothing that is known.
inline std::string kind_of_document(const std::set<std::string>& keys) {
  const auto has = [&](const char* key) { return keys.count(key) != 0; };
  if (has("questions")) return "questions of VQA";
  if (has("videos")) return "captions of MSR-VTT";
  if (has("images") && has("categories")) return "objects of COCO";
  if (has("images") && has("annotations")) return "captions of COCO";
  if (has("images")) return "Karpathy's captions";
  if (has("annotations")) return "answers of VQA";
  return "";
}

/// The same of the first row of a list.
inline std::string kind_of_row(const AnnotationRow& row) {
  if (row.has("answer") && row.has("question_id")) return "results of VQA";
  if (row.has("caption") && row.has("image_id")) return "captions as results of COCO";
  if (row.has("gold_label")) return "pairs of SNLI-VE";
  if (row.has("identifier") && row.has("sentence")) return "pairs of NLVR2";
  return "";
}

}  // namespace detail

/// The text of an annotation file.
class AnnotationText {
 public:
  /// @param text without the byte order mark if it has one; must outlive this object
  /// @param path what messages call it
  AnnotationText(std::string_view text, std::string path)
      : text_(detail::without_byte_order_mark(text)), path_(std::move(path)) {}

  const std::string& path() const noexcept { return path_; }

  /// Visits the elements of lists in the outermost object: visit(row).
  /// @param what the file should be, for messages
  /// @throws FileError if it is not such an object, and whatever `visit` throws
  template <class Visitor>
  void each_of(const std::string& key, const std::string& what, Visitor&& visit) const {
    const JsonPiece object = whole('{', what);
    std::set<std::string> keys;
    JsonPiece list;
    for_each_json_member(object, [&](std::string_view name, const JsonPiece& value) {
      if (!keys.insert(std::string(name)).second && name == key)
        throw FileError(path_, "the key \"" + key + "\" occurs twice");
      if (name == key) list = value;
    });
    if (!list.text.starts_with('['))
      refuse("no list \"" + key + "\", which " + what + " have", detail::kind_of_document(keys));
    each_element(list, visit);
  }

  /// A text of the outermost object; empty if it has none under that name.
  /// @param what the file should be, for messages
  /// @throws FileError if it is not such an object, or the value is no text
  std::string text_member(const std::string& key, const std::string& what) const {
    std::string text;
    for_each_json_member(whole('{', what), [&](std::string_view name, const JsonPiece& value) {
      if (name != key) return;
      const Json json = parse_python_json(complete(value), path_).value;
      if (!json.is_string())
        throw FileError(path_, detail::at_place(value.begin, "\"" + key + "\" is not a text"));
      text = json.get<std::string>();
    });
    return text;
  }

  /// Visits the elements of the outermost list: visit(row). @throws FileError as above
  template <class Visitor>
  void each(const std::string& what, Visitor&& visit) const {
    each_element(whole('[', what), visit);
  }

  /// Visits the lines, each an object: visit(row). @throws FileError as above
  template <class Visitor>
  void each_line(const std::string& what, Visitor&& visit) const {
    JsonCursor cursor({text_, {}});
    if (cursor.peek() != '{')
      throw FileError(path_, std::string("expected JSON lines (") + what + "), each an object" +
                                 (cursor.peek() == '[' ? ", found one list" : ""));
    while (!cursor.at_end()) visit(AnnotationRow(complete(cursor.value()), path_));
  }

 private:
  JsonPiece complete(const JsonPiece& piece) const {
    if (piece.cut)
      throw FileError(path_, detail::at_place(piece.begin, "the file ends within this value"));
    return piece;
  }

  /// The only value of the text. @throws FileError if it is another kind, or not the only one
  JsonPiece whole(char mark, const std::string& what) const {
    JsonCursor cursor({text_, {}});
    const char first = cursor.peek();
    const std::string wanted = mark == '{' ? "a JSON object" : "a JSON list";
    if (first != '{' && first != '[')
      throw FileError(path_, "expected " + wanted + " (" + what + "), found no JSON");
    const JsonPiece piece = complete(cursor.value());
    if (!cursor.at_end())
      throw FileError(path_, "expected " + wanted + " (" + what +
                                 "), found several JSON values, such as JSON lines");
    if (first == mark) return piece;
    std::set<std::string> keys;
    std::string kind;
    if (first == '{') {
      for_each_json_member(piece,
                           [&](std::string_view name, const JsonPiece&) { keys.emplace(name); });
      kind = detail::kind_of_document(keys);
    } else {
      JsonCursor elements(piece);
      elements.take('[');
      if (elements.peek() == '{')
        kind = detail::kind_of_row(AnnotationRow(complete(elements.value()), path_));
    }
    refuse("expected " + wanted + " (" + what + ")", kind);
  }

  [[noreturn]] void refuse(const std::string& problem, const std::string& kind) const {
    throw FileError(path_, problem + (kind.empty() ? "" : "; this looks like " + kind));
  }

  template <class Visitor>
  void each_element(const JsonPiece& list, Visitor&& visit) const {
    for_each_json_element(
        list, [&](const JsonPiece& piece) { visit(AnnotationRow(complete(piece), path_)); });
  }

  std::string_view text_;
  std::string path_;
};

/// An annotation file that is mapped to memory.
class AnnotationFile {
 public:
  /// @throws FileError if it cannot be read
  explicit AnnotationFile(const std::string& path) : file_(path), text_(as_text(file_), path) {}
  AnnotationFile(const AnnotationFile&) = delete;
  AnnotationFile& operator=(const AnnotationFile&) = delete;

  const AnnotationText& text() const noexcept { return text_; }

 private:
  static std::string_view as_text(const MappedFile& file) {
    const auto bytes = file.bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  MappedFile file_;
  AnnotationText text_;
};

}  // namespace coca
