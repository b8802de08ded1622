#pragma once
/// @file
/// Opening pictures and captions in any format, which is recognised by content.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/brace_expansion.hpp"
#include "coca/data/caption_file.hpp"
#include "coca/data/caption_folder.hpp"
#include "coca/data/class_folders.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/folder_reading.hpp"
#include "coca/data/idx_dataset.hpp"
#include "coca/data/tar_file.hpp"
#include "coca/data/unpacked_file.hpp"
#include "coca/data/web_dataset.hpp"

namespace coca {

/// How data of any kind is read.
struct DataOptions {
  /// Keys are those of captions and fields in any JSON.
  CaptionFileOptions captions{};
  std::vector<std::string> templates = ClassFoldersOptions{}.templates;  ///< of class folders
  FolderReading folders = FolderReading::automatic;
};

namespace detail {

/// Opens a folder, and says how it was read if there are several ways.
class FolderOpener {
 public:
  FolderOpener(const std::string& root, const DataOptions& options)
      : root_(root), options_(options), contents_(look_through(root)) {}

  AnyDataset open() {
    if (options_.folders == FolderReading::classes) return classes();
    if (options_.folders == FolderReading::automatic) {
      if (contents_.has_folders && only_folders_count()) return classes();
      drop_foreign_json();
    }
    const std::size_t described = contents_.described(), all = contents_.pictures.size();
    const std::string share =
        std::to_string(described) + " of its " + counted(all, "picture") +
        (described == 1 ? " has a text next to it" : " have a text next to them");
    if (!contents_.lists.empty() && add_lists()) {
      if (described != 0 || contents_.has_folders)
        note("read by " + list_of_names(contents_.lists, " and ") +
             ", neither by texts next to its pictures nor as folders of classes");
      return noted(ConcatDataset(std::move(lists_)));
    }
    if (options_.folders == FolderReading::captions) return captions();
    if (described == 0 && all != 0 && !contents_.has_folders)
      throw FileError(root_,
                      "holds pictures, but no captions next to them (x.txt, x.caption or x.json "
                      "next to x.jpg) and no folders of classes");
    if (described == 0) return noted(classes());
    if (!contents_.has_folders) return noted(captions());
    if (2 * described >= all) {
      note(share +
           ": read as captions, its folders not as classes (--folders classes reads those)");
      return noted(captions());
    }
    note(share + ": read as folders of classes, without these (--folders captions reads those)");
    return noted(classes());
  }

 private:
  AnyDataset classes() const { return ClassFolders(root_, {.templates = options_.templates}); }

  AnyDataset captions() { return CaptionFolder(root_, std::move(contents_), folder_options()); }

  CaptionFolderOptions folder_options() const {
    return {.caption_key = options_.captions.caption_key,
            .captions_required = needs_captions(options_.captions),
            .field_keys = options_.captions.field_keys};
  }

  /// Whether nothing is asked of the pictures but their label, which no file is to give.
  bool only_folders_count() const {
    return !needs_captions(options_.captions) && options_.captions.field_keys.empty();
  }

  /// JSON next to pictures may be about something else, such as outlines of objects in them.
  void drop_foreign_json() {
    constexpr std::size_t looked_at = 10;
    FolderContents some;
    for (const PictureBeside& each : contents_.pictures)
      if (each.text.empty() && !each.json.empty() && some.pictures.size() < looked_at)
        some.pictures.push_back(each);
    if (some.pictures.empty()) return;
    CaptionFolderOptions wanted = folder_options();
    if (wanted.captions_required) wanted.field_keys.clear();
    const CaptionFolder folder(root_, std::move(some), wanted);
    const auto has_text = [&](std::size_t index) {
      try {
        folder.record(index);
      } catch (const FileError&) {
        return false;
      }
      return true;
    };
    for (std::size_t i = 0; i < folder.size(); ++i)
      if (has_text(i)) return;
    for (PictureBeside& each : contents_.pictures) each.json.clear();
    note("the .json files next to its pictures have no " +
         (wanted.captions_required ? std::string("captions")
                                   : list_of_names(wanted.field_keys, " and ")) +
         " and are not read");
  }

  /// Opens the lists of pictures; if one is about something else, none is read.
  bool add_lists() {
    try {
      for (const std::string& list : contents_.lists)
        lists_.emplace_back(
            CaptionFile((std::filesystem::path(root_) / list).string(), options_.captions));
    } catch (const FileError& error) {
      if (options_.folders == FolderReading::captions && contents_.described() == 0) throw;
      notes_.push_back(std::string(error.what()) + "; it is not read");
      return false;
    }
    return true;
  }

  void note(const std::string& sentence) { notes_.push_back(root_ + ": " + sentence); }

  AnyDataset noted(AnyDataset dataset) {
    if (notes_.empty()) return dataset;
    return NotedDataset(std::move(dataset), std::move(notes_));
  }

  std::string root_;
  const DataOptions& options_;
  FolderContents contents_;
  std::vector<AnyDataset> lists_;
  std::vector<std::string> notes_;
};

/// The first existing file of a pattern; empty if there is none.
inline std::string first_file_of(const std::string& pattern) {
  std::error_code ignored;
  if (std::filesystem::exists(pattern, ignored)) return pattern;
  for (const std::string& name : expand_patterns(pattern))
    if (std::filesystem::exists(name, ignored)) return name;
  return "";
}

/// Whether the files of a pattern are tar archives: by their content, and if that is damaged or
/// missing, by their name. @throws FileError for a file that is neither that nor a text
inline bool is_shards(const std::string& pattern) {
  const bool is_called_tar = pattern.find(".tar") != std::string::npos;
  const std::string file = first_file_of(pattern);
  if (file.empty()) return is_called_tar;
  const std::string beginning = unpacked_beginning(file, 512);
  if (begins_as_tar(beginning)) return true;
  if (beginning.find('\0') == std::string::npos) return false;
  if (is_called_tar) return true;
  throw FileError(file,
                  "is neither a tar archive nor a text in UTF-8 (CSV, TSV or JSON), which data can "
                  "be read from");
}

}  // namespace detail

/// Opens what a path or pattern names: a folder of pictures, IDX files, WebDataset's shards, or
/// caption files, plain or compressed.
/// @throws FileError if it cannot be read
inline AnyDataset open_data(const std::string& path, const DataOptions& options = {}) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return detail::FolderOpener(path, options).open();
  if (is_idx_images(path)) return IdxDataset(path);
  if (detail::is_shards(path)) {
    const std::string& key = options.captions.caption_key;
    return WebDataset(path, {.caption_key = key.empty() ? "caption" : key,
                             .captions_required = detail::needs_captions(options.captions),
                             .field_keys = options.captions.field_keys});
  }
  const std::vector<std::string> files = std::filesystem::exists(path, ignored)
                                             ? std::vector<std::string>{path}
                                             : expand_patterns(path);
  if (files.size() == 1) return CaptionFile(path, options.captions);
  std::vector<AnyDataset> datasets;
  for (const std::string& file : files) datasets.emplace_back(CaptionFile(file, options.captions));
  return ConcatDataset(std::move(datasets));
}

}  // namespace coca
