#pragma once
/// @file
/// The result of the readers of caption files: pictures with their captions, and bad rows, which
/// stay in their place so that they are reported and counted like broken pictures.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/io/json_pieces.hpp"

namespace coca {

/// What a caption file looks like.
struct CaptionFileOptions {
  /// Column or JSON key of the picture's path, in JSON also a list of several pictures' paths;
  /// empty: the first of filepath, image, file_name, image_path, path that there is.
  std::string image_key{};
  /// Column or JSON key of the caption, in JSON a text or a list of texts; empty: the first of
  /// title, caption, text, captions that there is.
  std::string caption_key{};
  /// false: a picture may have no caption, as where its label is what counts. A caption_key that is
  /// given must be there all the same.
  bool captions_required = true;
  /// Between the fields of a row; 0: the one of tab, comma, semicolon and | that yields the columns
  /// of pictures and captions in the first line.
  char separator = '\0';
  /// Where relative paths begin; empty: the folder that the caption file is in.
  std::string image_folder{};
  /// Columns or JSON keys that become fields of the records, texts or numbers. Each picture must
  /// have them, and all rows of a picture the same.
  std::vector<std::string> field_keys{};
  /// Lists and objects of JSON may be fields too, as their JSON.
  bool structured_fields = false;
  /// The splits that are read of a file with splits (Karpathy's); empty: all.
  std::vector<std::string> splits{};
};

/// A picture that a caption file lists, or a row that cannot be read.
struct CaptionEntry {
  std::string picture{};
  std::vector<std::string> captions{};
  std::map<std::string, std::string> fields{};
  std::vector<std::string> more{};  ///< pictures after the first
  std::string problem{};            ///< why the row cannot be read, with its line; empty: it can
};

namespace detail {

inline const std::vector<std::string>& default_image_keys() {
  static const std::vector<std::string> keys{"filepath", "image", "file_name", "image_path",
                                             "path"};
  return keys;
}

inline const std::vector<std::string>& default_caption_keys() {
  static const std::vector<std::string> keys{"title", "caption", "text", "captions"};
  return keys;
}

inline std::vector<std::string> keys_to_try(const std::string& wanted,
                                            const std::vector<std::string>& defaults) {
  return wanted.empty() ? defaults : std::vector<std::string>{wanted};
}

/// Whether each picture must have a caption.
inline bool needs_captions(const CaptionFileOptions& options) {
  return options.captions_required || !options.caption_key.empty();
}

/// "a", "b" or "c", for messages.
inline std::string list_of_names(const std::vector<std::string>& names, const char* last_joint) {
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < 20; ++i) {
    if (i > 0) list += i + 1 == names.size() ? last_joint : ", ";
    list += '"' + printable(names[i], 40) + '"';
  }
  return names.size() > 20 ? list + ", ..." : list;
}

/// "line 3: what is wrong", with the column if a value does not begin its line.
inline std::string at_place(TextPlace place, const std::string& problem) {
  std::string text = "line " + std::to_string(place.line);
  if (place.column > 1) text += ", column " + std::to_string(place.column);
  return text + ": " + problem;
}

}  // namespace detail

/// Pictures in the order of their first rows; several rows of the same pictures become one entry.
class CaptionList {
 public:
  /// @param path what messages call the file
  explicit CaptionList(std::string path) : path_(std::move(path)) {}

  const std::string& path() const noexcept { return path_; }

  /// Takes a row. @throws FileError for a picture without a proper name, and fields that are not
  /// those of earlier rows
  void add(CaptionEntry row, TextPlace place) {
    std::string key = checked_name(row.picture, place);
    for (const std::string& picture : row.more) key += '\0' + checked_name(picture, place);
    std::erase(row.captions, std::string());
    const auto [known, is_new] = known_.try_emplace(std::move(key), entries_.size());
    if (is_new) {
      entries_.push_back(std::move(row));
      return;
    }
    CaptionEntry& entry = entries_[known->second];
    expect_same_fields(entry, row, place);
    std::move(row.captions.begin(), row.captions.end(), std::back_inserter(entry.captions));
  }

  /// Takes a row that cannot be read. @param error of this file
  /// @throws FileError for more such rows than memory should be spent on
  void add_bad(const FileError& error) {
    const std::string_view sentence = error.what();
    const std::string problem(sentence.substr(error.path().size() + 2));
    if (++bad_ > max_bad)
      throw FileError(path_, "more than " + counted(max_bad, "row") +
                                 " cannot be read, the last one: " + problem);
    entries_.push_back({.problem = problem});
  }

  /// Calls a function that may find a row to be bad.
  template <class Action>
  void guard(Action&& action) {
    try {
      action();
    } catch (const FileError& error) {
      add_bad(error);
    }
  }

  /// Ends reading. @throws FileError if no row can be read, with the error in the first
  std::vector<CaptionEntry> finish() {
    known_.clear();
    const auto is_good = [](const CaptionEntry& entry) { return entry.problem.empty(); };
    if (std::any_of(entries_.begin(), entries_.end(), is_good)) return std::move(entries_);
    throw FileError(path_, entries_.empty() ? "lists no pictures" : entries_.front().problem);
  }

  [[noreturn]] void fail(TextPlace place, const std::string& problem) const {
    throw FileError(path_, detail::at_place(place, problem));
  }

 private:
  const std::string& checked_name(const std::string& picture, TextPlace place) const {
    if (picture.empty()) fail(place, "the name of the picture is empty");
    if (picture.find('\0') != std::string::npos)
      fail(place, "the name of the picture holds a null character");
    return picture;
  }

  void expect_same_fields(const CaptionEntry& entry, const CaptionEntry& row,
                          TextPlace place) const {
    for (const auto& [key, value] : row.fields)
      if (const std::string& before = entry.fields.at(key); before != value)
        fail(place, '"' + key + "\" is \"" + detail::printable(value, 40) +
                        "\", in an earlier row of the same picture it is \"" +
                        detail::printable(before, 40) + '"');
  }

  static constexpr std::size_t max_bad = 1'000'000;

  std::string path_;
  std::vector<CaptionEntry> entries_;
  std::size_t bad_ = 0;
  std::unordered_map<std::string, std::size_t>
      known_;  // entry of each row's pictures, while reading
};

}  // namespace coca
