#pragma once
/// @file
/// A text file that lists pictures and their captions: CSV, TSV (OpenCLIP's
/// `--csv-img-key filepath --csv-caption-key title`) or JSON lines (`metadata.jsonl` of Hugging
/// Face's ImageFolder). Several rows of one picture are several captions of it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/image/read_image.hpp"
#include "coca/io/json.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

/// The format of a caption file.
struct CaptionFileOptions {
  /// Column or JSON key of the picture's path; empty: the first of filepath, image, file_name,
  /// image_path, path that exists.
  std::string image_key{};
  /// Column or JSON key of the caption, in JSON a text or a list of texts; empty: the first of
  /// title, caption, text, captions that exists.
  std::string caption_key{};
  /// Separator of fields; 0: a tab if the first line contains one, otherwise a comma.
  char separator = '\0';
  /// Base of relative paths; empty: the folder that contains the caption file.
  std::string image_folder{};
  /// Columns or JSON keys that become fields of the records, texts or numbers. Each picture must
  /// have them, and all rows of a picture the same.
  std::vector<std::string> field_keys{};
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

/// "a", "b" or "c", for messages.
inline std::string list_of_names(const std::vector<std::string>& names, const char* last_joint) {
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < 20; ++i) {
    if (i > 0) list += i + 1 == names.size() ? last_joint : ", ";
    list += '"' + printable(names[i], 40) + '"';
  }
  return names.size() > 20 ? list + ", ..." : list;
}

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

/// The text of a JSON value that is a text, a number or a boolean; false for anything else.
inline bool read_field(const Json& value, std::string& text) {
  if (value.is_string())
    text = value.get<std::string>();
  else if (value.is_number() || value.is_boolean())
    text = value.dump();
  else
    return false;
  return true;
}

/// parse_json() of one line of a file, with messages that count the lines of the file.
inline Json parse_json_line(std::string_view text, const std::string& path, std::size_t line) {
  constexpr JsonLimits limits{.max_bytes = std::size_t{16} << 20, .max_values = 1'000'000};
  const std::string name = "JSON";
  try {
    return parse_json(text, name, limits);
  } catch (const FileError& error) {
    const std::string problem = std::string(error.what()).substr(name.size() + 2);
    constexpr std::string_view first_line = "line 1, ";
    if (!problem.starts_with(first_line)) fail_in_line(path, line, problem);
    throw FileError(path,
                    "line " + std::to_string(line) + ", " + problem.substr(first_line.size()));
  }
}

}  // namespace detail

/// Pictures and captions listed in a text file. The text is read on construction,
/// pictures on demand.
class CaptionFile {
 public:
  /// @param path its name ends in .jsonl, .ndjson or .json for JSON lines; anything else is CSV
  /// @throws FileError with the line of whatever is wrong with the text.
  explicit CaptionFile(std::string path, const CaptionFileOptions& options = {})
      : path_(std::move(path)), options_(options) {
    const MappedFile file(path_);
    read_text({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  }

  /// A text in memory. @param path as above
  CaptionFile(std::string_view text, std::string path, const CaptionFileOptions& options)
      : path_(std::move(path)), options_(options) {
    read_text(text);
  }

  /// Number of pictures.
  std::size_t size() const noexcept { return entries_.size(); }

  /// Name (as the file lists it), captions and fields of a picture, in the order of their first
  /// rows.
  Record record(std::size_t index) const {
    const Entry& entry = at(index);
    return {entry.picture, entry.captions, std::nullopt, entry.fields};
  }

  /// The picture file. @throws FileError if it is missing, unreadable or not a picture.
  std::vector<std::uint8_t> read(std::size_t index) const {
    return detail::read_image_bytes(image_path(index));
  }

  /// Where the picture file is.
  std::string image_path(std::size_t index) const {
    const std::filesystem::path picture = at(index).picture;
    if (picture.is_absolute()) return picture.string();
    return (folder_ / picture).string();
  }

 private:
  using Fields = std::map<std::string, std::string>;

  struct Entry {
    std::string picture;
    std::vector<std::string> captions;
    Fields fields;
  };

  const Entry& at(std::size_t index) const {
    detail::check_record_index(index, entries_.size());
    return entries_[index];
  }

  void read_text(std::string_view text) {
    namespace fs = std::filesystem;
    folder_ = options_.image_folder.empty() ? fs::path(path_).parent_path()
                                            : fs::path(options_.image_folder);
    text = detail::without_byte_order_mark(text);
    detail::check_utf8_lines(text, path_);
    const std::string extension = fs::path(path_).extension().string();
    const bool json = extension == ".jsonl" || extension == ".ndjson" || extension == ".json";
    json ? read_json_lines(text) : read_rows(text);
    if (entries_.empty()) throw FileError(path_, "lists no pictures");
    known_.clear();
  }

  void read_rows(std::string_view text) {
    DelimitedText rows(text, separator_of(text), path_);
    std::vector<std::string> fields;
    if (!rows.next(fields)) throw FileError(path_, "lists no pictures");
    const std::size_t columns = fields.size();
    const std::size_t image = find_column(
        fields, detail::keys_to_try(options_.image_key, detail::default_image_keys()), "picture");
    const std::size_t caption = find_column(
        fields, detail::keys_to_try(options_.caption_key, detail::default_caption_keys()),
        "caption");
    std::vector<std::size_t> others;
    for (const std::string& key : options_.field_keys)
      others.push_back(find_column(fields, {key}, "field"));
    while (rows.next(fields)) {
      if (fields.size() != columns) {
        detail::fail_in_line(path_, rows.line(),
                             "the row has " + std::to_string(fields.size()) +
                                 (fields.size() == 1 ? " field" : " fields") + ", the header has " +
                                 std::to_string(columns));
      }
      Fields kept;
      for (std::size_t i = 0; i < others.size(); ++i)
        kept.emplace(options_.field_keys[i], fields[others[i]]);
      add({std::move(fields[image]), {std::move(fields[caption])}, std::move(kept)}, rows.line());
    }
  }

  char separator_of(std::string_view text) const {
    if (options_.separator != '\0') return options_.separator;
    const std::string_view header = text.substr(0, text.find_first_of("\r\n"));
    return header.find('\t') != std::string_view::npos ? '\t' : ',';
  }

  std::size_t find_column(const std::vector<std::string>& header,
                          const std::vector<std::string>& names, const std::string& what) const {
    for (const std::string& name : names) {
      const auto found = std::find(header.begin(), header.end(), name);
      if (found != header.end()) return static_cast<std::size_t>(found - header.begin());
    }
    detail::fail_in_line(path_, 1,
                         "no column of the " + what + ": expected " +
                             detail::list_of_names(names, " or ") + ", the columns are " +
                             detail::list_of_names(header, ", "));
  }

  void read_json_lines(std::string_view text) {
    const auto image_keys = detail::keys_to_try(options_.image_key, detail::default_image_keys());
    const auto caption_keys =
        detail::keys_to_try(options_.caption_key, detail::default_caption_keys());
    for (std::size_t line = 1; !text.empty(); ++line) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view content = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (content.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const Json row = detail::parse_json_line(content, path_, line);
      if (!row.is_object()) detail::fail_in_line(path_, line, "expected a JSON object");
      const Json& image = find_value(row, image_keys, "picture", line);
      if (!image.is_string()) detail::fail_in_line(path_, line, "the picture is not a text");
      std::vector<std::string> captions;
      if (!detail::append_texts(find_value(row, caption_keys, "caption", line), captions)) {
        detail::fail_in_line(path_, line, "the caption is neither a text nor a list of texts");
      }
      add({image.get<std::string>(), std::move(captions), fields_of(row, line)}, line);
    }
  }

  Fields fields_of(const Json& row, std::size_t line) const {
    Fields fields;
    for (const std::string& key : options_.field_keys) {
      const auto found = row.find(key);
      if (found == row.end()) {
        std::vector<std::string> keys;
        for (const auto& item : row.items()) keys.push_back(item.key());
        detail::fail_in_line(path_, line,
                             "no key \"" + detail::printable(key, 40) + "\", the keys are " +
                                 detail::list_of_names(keys, ", "));
      }
      if (!detail::read_field(*found, fields[key]))
        detail::fail_in_line(path_, line, "\"" + key + "\" is neither a text nor a number");
    }
    return fields;
  }

  const Json& find_value(const Json& row, const std::vector<std::string>& keys,
                         const std::string& what, std::size_t line) const {
    for (const std::string& key : keys) {
      const auto found = row.find(key);
      if (found != row.end()) return *found;
    }
    detail::fail_in_line(
        path_, line, "no " + what + ": expected the key " + detail::list_of_names(keys, " or "));
  }

  void add(Entry row, std::size_t line) {
    if (row.picture.empty()) detail::fail_in_line(path_, line, "the name of the picture is empty");
    if (row.picture.find('\0') != std::string::npos) {
      detail::fail_in_line(path_, line, "the name of the picture holds a null character");
    }
    std::erase(row.captions, std::string());
    const auto [known, is_new] = known_.try_emplace(row.picture, entries_.size());
    if (is_new) {
      entries_.push_back(std::move(row));
      return;
    }
    Entry& entry = entries_[known->second];
    expect_same_fields(entry, row, line);
    std::move(row.captions.begin(), row.captions.end(), std::back_inserter(entry.captions));
  }

  void expect_same_fields(const Entry& entry, const Entry& row, std::size_t line) const {
    for (const auto& [key, value] : row.fields)
      if (const std::string& before = entry.fields.at(key); before != value)
        detail::fail_in_line(path_, line,
                             '"' + key + "\" is \"" + detail::printable(value, 40) +
                                 "\", in an earlier row of the same picture it is \"" +
                                 detail::printable(before, 40) + '"');
  }

  std::string path_;
  CaptionFileOptions options_;
  std::filesystem::path folder_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> known_;  // index of each picture, while reading
};

static_assert(Dataset<CaptionFile>);

}  // namespace coca
