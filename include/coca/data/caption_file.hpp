#pragma once
/// @file
/// A text file of pictures and captions next to a folder of pictures: a table (CSV, TSV), JSON
/// (lines, an array, COCO's captions, Karpathy's splits), plain or compressed. The content says
/// which. Several rows of one picture are several captions of it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/caption_document.hpp"
#include "coca/data/caption_json.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/data/caption_table.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/data/unpacked_file.hpp"
#include "coca/image/read_image.hpp"

namespace coca {

namespace detail {

/// Whether a text is JSON: it begins so, or its first line is damaged and the second begins so in
/// a file that is called JSON.
inline bool is_json_text(std::string_view text, const std::filesystem::path& path) {
  const auto begins = [](std::string_view some, std::string_view marks) {
    const std::size_t first = some.find_first_not_of(json_space);
    return first != some.npos && marks.find(some[first]) != marks.npos;
  };
  if (begins(text, "{[")) return true;
  const std::string extension = path.extension().string();
  const bool is_called_json =
      extension == ".jsonl" || extension == ".ndjson" || extension == ".json";
  const std::size_t first_line = first_line_of(text).size();
  return is_called_json && begins(text.substr(std::min(first_line, text.size())), "{");
}

}  // namespace detail

/// Pictures and captions that a text file lists. The text is read when this object is made,
/// pictures on request. A row that cannot be read is a record that cannot be read, like a broken
/// sample of a WebDataset; if no row can be read, the file is refused.
class CaptionFile {
 public:
  /// @throws FileError with the line of what is wrong with a header or with all rows
  explicit CaptionFile(std::string path, const CaptionFileOptions& options = {})
      : path_(std::move(path)), folder_(folder_of(path_, options)) {
    const UnpackedFile file(path_);
    read_text({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, options);
  }

  /// A text in memory, for instance one that was just made.
  CaptionFile(std::string_view text, std::string path, const CaptionFileOptions& options)
      : path_(std::move(path)), folder_(folder_of(path_, options)) {
    read_text(text, options);
  }

  /// Number of pictures, and of rows that cannot be read.
  std::size_t size() const noexcept { return entries_.size(); }

  /// Name (as the file lists it), captions and fields of a picture, in the order of their first
  /// rows. @throws FileError for a row that cannot be read, with its line
  Record record(std::size_t index) const {
    const CaptionEntry& entry = at(index);
    return {entry.picture, entry.captions, std::nullopt, entry.fields};
  }

  /// Picture file `number` of a record. @throws FileError if it is missing, unreadable or no
  /// picture.
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    return detail::read_image_bytes(image_path(index, number));
  }

  /// Where a picture file is. @throws FileError if the record has fewer pictures
  std::string image_path(std::size_t index, std::size_t number = 0) const {
    const CaptionEntry& entry = at(index);
    if (number > entry.more.size())
      throw FileError(path_, detail::printable(entry.picture, 80) + " has " +
                                 counted(entry.more.size() + 1, "picture") + ", number " +
                                 std::to_string(number + 1) + " was requested");
    const std::filesystem::path picture = number == 0 ? entry.picture : entry.more[number - 1];
    if (picture.is_absolute()) return picture.string();
    return (folder_ / picture).string();
  }

  /// Where the first picture is. @throws FileError for a row that cannot be read
  std::string picture_file(std::size_t index) const { return image_path(index); }

  /// Notes on how the file was read: sentences that begin with its path.
  const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  static std::filesystem::path folder_of(const std::string& path,
                                         const CaptionFileOptions& options) {
    if (!options.image_folder.empty()) return options.image_folder;
    return std::filesystem::path(path).parent_path();
  }

  const CaptionEntry& at(std::size_t index) const {
    detail::check_record_index(index, entries_.size());
    const CaptionEntry& entry = entries_[index];
    if (!entry.problem.empty()) throw FileError(path_, entry.problem);
    return entry;
  }

  void read_text(std::string_view text, const CaptionFileOptions& options) {
    text = detail::without_byte_order_mark(text);
    CaptionList list(path_);
    if (!detail::is_json_text(text, path_)) {
      read_caption_table(text, options, list);
    } else if (const auto document = find_caption_document(text)) {
      CaptionDocumentReader reader(options, list);
      reader.read(*document);
      for (const std::string& note : reader.notes()) notes_.push_back(path_ + ": " + note);
    } else {
      read_caption_rows(text, options, list);
    }
    entries_ = list.finish();
  }

  std::string path_;
  std::filesystem::path folder_;
  std::vector<CaptionEntry> entries_;
  std::vector<std::string> notes_;
};

static_assert(Dataset<CaptionFile>);

}  // namespace coca
