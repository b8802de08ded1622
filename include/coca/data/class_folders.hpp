#pragma once
/// @file
/// Pictures in one folder per class, `root/class_name/picture.png`: torchvision's ImageFolder.
/// Templates turn the names into captions.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/folder_listing.hpp"
#include "coca/image/read_image.hpp"
#include "coca/text/prompt_template.hpp"

namespace coca {

/// How class folders become records.
struct ClassFoldersOptions {
  /// Each makes one caption: {} and {c} stand for the class name, with underscores turned into
  /// spaces.
  std::vector<std::string> templates{"a photo of a {}."};
};

/// Labels are the indices of the class names in alphabetical order, as in torchvision.
class ClassFolders {
 public:
  /// @param root whose folders are the classes; files in it and names that begin with a dot are
  /// ignored
  /// @throws FileError for a folder that is missing or unreadable, one without classes, and a class
  /// without pictures; ArgumentError for a template without {}.
  explicit ClassFolders(const std::string& root, const ClassFoldersOptions& options = {})
      : root_(root), options_(options) {
    for (const std::string& text : options_.templates) fill_template(text, "");
    classes_ = detail::list_folder(root_, [](const auto& entry) {
      std::error_code ignored;  // of a link that leads nowhere
      return entry.is_directory(ignored);
    });
    if (classes_.empty()) throw FileError(root, "holds no folders of classes");
    for (std::size_t label = 0; label < classes_.size(); ++label) add_class(label);
  }

  std::size_t size() const noexcept { return entries_.size(); }

  /// Names of the classes, by label.
  const std::vector<std::string>& classes() const noexcept { return classes_; }

  /// Path, a caption per template, label, and the field "label": the name of the class.
  Record record(std::size_t index) const {
    const Entry& entry = at(index);
    std::string name = classes_[entry.label];
    std::replace(name.begin(), name.end(), '_', ' ');
    Record record{path_of(entry), {}, static_cast<std::int32_t>(entry.label)};
    for (const std::string& text : options_.templates) {
      record.captions.push_back(fill_template(text, name));
    }
    record.fields.emplace("label", std::move(name));
    return record;
  }

  /// The picture file. @throws FileError if it is unreadable or not a picture.
  std::vector<std::uint8_t> read(std::size_t index) const {
    return detail::read_image_bytes(path_of(at(index)));
  }

 private:
  struct Entry {
    std::size_t label = 0;
    std::string file;  // relative to the folder of the class
  };

  void add_class(std::size_t label) {
    const std::size_t before = entries_.size();
    add_files(label, "");
    if (entries_.size() > before) return;
    throw FileError((root_ / classes_[label]).string(),
                    "the class has no pictures, expected .jpg, .jpeg, .png or .webp files");
  }

  /// Files of a folder below that of a class, and of its subfolders; links to folders are not
  /// followed, since they may form cycles.
  void add_files(std::size_t label, const std::filesystem::path& below) {
    const std::filesystem::path folder = root_ / classes_[label] / below;
    const auto anything = [](const auto&) { return true; };
    for (const std::string& name : detail::list_folder(folder, anything)) {
      if (detail::is_real_folder(folder / name)) {
        add_files(label, below / name);
      } else if (detail::has_image_extension(name)) {
        entries_.push_back({label, (below / name).string()});
      }
    }
  }

  const Entry& at(std::size_t index) const {
    detail::check_record_index(index, entries_.size());
    return entries_[index];
  }

  std::string path_of(const Entry& entry) const {
    return (root_ / classes_[entry.label] / entry.file).string();
  }

  std::filesystem::path root_;
  ClassFoldersOptions options_;
  std::vector<std::string> classes_;
  std::vector<Entry> entries_;
};

static_assert(Dataset<ClassFolders>);

}  // namespace coca
