#pragma once
/// @file
/// Pictures with their captions next to them: `x.jpg` with `x.txt`, `x.caption` or `x.json`, in a
/// folder and its subfolders, as img2dataset, kohya's scripts and many others write them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/caption_json.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/data/folder_listing.hpp"
#include "coca/image/read_image.hpp"
#include "coca/text/gzip_text.hpp"

namespace coca {

/// The files next to a picture; paths are relative to the scanned folder.
struct PictureBeside {
  std::string picture{};
  std::string text{};  ///< .txt or else .caption; empty if there is none
  std::string json{};  ///< .json; empty if there is none
};

/// The content of a folder of pictures and its subfolders.
struct FolderContents {
  std::vector<PictureBeside> pictures{};
  std::vector<std::string> lists{};  ///< metadata.jsonl or else metadata.csv of each folder
  bool has_folders = false;          ///< whether a picture is in a subfolder

  /// Number of pictures with a text next to them.
  std::size_t described() const {
    return static_cast<std::size_t>(std::count_if(
        pictures.begin(), pictures.end(),
        [](const PictureBeside& each) { return !each.text.empty() || !each.json.empty(); }));
  }
};

namespace detail {

/// Scans a folder.
class FolderWalk {
 public:
  explicit FolderWalk(std::filesystem::path root) : root_(std::move(root)) {}

  /// @param below of the root
  void add(const std::filesystem::path& below, FolderContents& contents) const {
    const std::filesystem::path folder = below.empty() ? root_ : root_ / below;
    const std::vector<std::string> names = list_folder(folder, [](auto&) { return true; });
    const auto beside = [&](const std::string& name) -> std::string {
      const bool found = std::binary_search(names.begin(), names.end(), name);
      return found && !is_real_folder(folder / name) ? (below / name).string() : "";
    };
    for (const char* list : {"metadata.jsonl", "metadata.csv"})
      if (const std::string path = beside(list); !path.empty()) {
        contents.lists.push_back(path);
        break;
      }
    for (const std::string& name : names) {
      if (is_real_folder(folder / name)) {
        add(below / name, contents);
      } else if (has_image_extension(name)) {
        const std::string stem = std::filesystem::path(name).stem().string();
        const std::string text = beside(stem + ".txt");
        contents.pictures.push_back({(below / name).string(),
                                     text.empty() ? beside(stem + ".caption") : text,
                                     beside(stem + ".json")});
        contents.has_folders = contents.has_folders || !below.empty();
      }
    }
  }

 private:
  std::filesystem::path root_;
};

}  // namespace detail

/// Finds pictures and the files next to them. Names that begin with a dot and links to folders are
/// skipped. @throws FileError if a folder cannot be listed
inline FolderContents look_through(const std::string& root) {
  FolderContents contents;
  detail::FolderWalk(root).add("", contents);
  return contents;
}

/// How the texts next to pictures become records.
struct CaptionFolderOptions {
  /// Key of the caption in .json files; empty: the first of title, caption, text, captions that
  /// there is.
  std::string caption_key{};
  bool captions_required = true;  ///< false: a .json that has none counts, too
  /// Keys of .json files that become fields of the records.
  std::vector<std::string> field_keys{};
};

/// Pictures that have a text next to them. The caption is that of the .txt, else of the .caption,
/// else of the .json; fields are those of the .json.
class CaptionFolder {
 public:
  /// @throws FileError for a folder that cannot be listed, or holds no such picture
  explicit CaptionFolder(const std::string& root, const CaptionFolderOptions& options = {})
      : CaptionFolder(root, look_through(root), options) {}

  /// The same for a folder that has been scanned.
  CaptionFolder(const std::string& root, FolderContents contents,
                const CaptionFolderOptions& options)
      : root_(root), options_(options), pictures_(std::move(contents.pictures)) {
    std::erase_if(pictures_, [&](const PictureBeside& each) {
      const bool bare = each.text.empty() && each.json.empty();
      if (bare && bare_++ == 0) first_bare_ = path_of(each.picture);
      return bare;
    });
    if (pictures_.empty())
      throw FileError(root,
                      "holds no picture with a caption next to it: expected x.txt, x.caption "
                      "or x.json next to x.jpg");
  }

  std::size_t size() const noexcept { return pictures_.size(); }

  /// Path, caption and fields. The field "label", if no .json has it, is the name of the folder
  /// below the root that contains the picture, as for ClassFolders.
  /// @throws FileError for a text that is not UTF-8, JSON without a caption, a field that is
  /// missing
  Record record(std::size_t index) const {
    const PictureBeside& picture = at(index);
    Record record{path_of(picture.picture), {}, std::nullopt, folder_label(picture)};
    if (!picture.text.empty()) record.captions = captions_of(picture.text);
    if (!picture.json.empty() && (picture.text.empty() || !options_.field_keys.empty()))
      add_json(picture, record);
    for (const std::string& key : options_.field_keys)
      if (record.fields.count(key) == 0)
        throw FileError(record.name, "no .json next to it has the key \"" + key + '"');
    return record;
  }

  /// The picture file. @throws FileError if it is unreadable or no picture.
  std::vector<std::uint8_t> read(std::size_t index) const {
    return detail::read_image_bytes(path_of(at(index).picture));
  }

  /// Notes on how the folder was read: sentences that begin with a path.
  std::vector<std::string> notes() const {
    if (bare_ == 0) return {};
    const std::string others = bare_ == 1 ? " has no caption next to it and is"
                                          : " and " + std::to_string(bare_ - 1) +
                                                " more have no caption next to them and are";
    return {first_bare_ + others + " left out"};
  }

 private:
  static constexpr std::size_t max_text_bytes = std::size_t{1} << 20;

  const PictureBeside& at(std::size_t index) const {
    detail::check_record_index(index, pictures_.size());
    return pictures_[index];
  }

  std::string path_of(const std::string& file) const { return (root_ / file).string(); }

  std::vector<std::string> captions_of(const std::string& file) const {
    const std::string content = detail::read_bytes(path_of(file), max_text_bytes);
    if (!is_valid_utf8(content)) throw FileError(path_of(file), "the text is not UTF-8");
    const std::string_view text = trim(detail::without_byte_order_mark(content));
    return text.empty() ? std::vector<std::string>{} : std::vector<std::string>{std::string(text)};
  }

  static std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(detail::json_space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(detail::json_space) - first + 1);
  }

  static std::map<std::string, std::string> folder_label(const PictureBeside& picture) {
    const std::size_t end = picture.picture.find('/');
    if (end == std::string::npos) return {};
    std::string name = picture.picture.substr(0, end);
    std::replace(name.begin(), name.end(), '_', ' ');
    return {{"label", name}};
  }

  void add_json(const PictureBeside& picture, Record& record) const {
    const CaptionList file(path_of(picture.json));
    const std::string text = detail::read_bytes(file.path(), max_text_bytes);
    const detail::JsonRow row({detail::without_byte_order_mark(text)}, file);
    if (picture.text.empty())
      record.captions =
          row.captions(detail::keys_to_try(options_.caption_key, detail::default_caption_keys()),
                       options_.captions_required);
    std::erase(record.captions, "");  // as in caption files
    for (const std::string& key : options_.field_keys)
      if (row.has(key)) record.fields[key] = row.field(key);
  }

  std::filesystem::path root_;
  CaptionFolderOptions options_;
  std::vector<PictureBeside> pictures_;
  std::size_t bare_ = 0;  // pictures that are left out
  std::string first_bare_;
};

static_assert(Dataset<CaptionFolder>);

}  // namespace coca
