#pragma once
/// @file
/// Pictures to classify with their classes, from any of the layouts that zero-shot evaluation
/// knows: a folder per class, CLIP_benchmark's shards, IDX files, and tables (CSV, TSV, JSON) of
/// pictures and labels.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/caption_file.hpp"
#include "coca/data/class_folders.hpp"
#include "coca/data/class_table.hpp"
#include "coca/data/clip_benchmark_folder.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/idx_dataset.hpp"
#include "coca/data/open_data.hpp"

namespace coca {

/// Where pictures are, and what their labels mean.
struct LabelledSource {
  std::string data{};             ///< folder, shards, IDX file or table
  std::string name{};             ///< of the data set, in JSON files of names
  std::string names{};            ///< file of names (read_class_names); empty: those of the data
  std::string labels = "folder";  ///< "folder": by the order of folders or the folders in `names`;
                                  ///< "number": folders are numbers of classes; else a CSV file
                                  ///< with the column folder (and name), whose folders count
  std::string classes{};          ///< file of the folders or numbers that compete; empty: all
  CaptionFileOptions table{};     ///< its caption_key is the column of the label; empty: "label"
};

/// Pictures with classes.
struct LabelledPictures {
  AnyDataset dataset;
  std::vector<std::string> names{};                 ///< of the classes that compete
  std::vector<std::size_t> records{};               ///< of each picture, in the data set
  std::vector<std::vector<std::size_t>> classes{};  ///< of each picture, ascending
  bool several_classes = false;                     ///< pictures may have any number of classes
  std::map<std::string, std::size_t> skipped{};     ///< pictures of no candidate, by label
  std::vector<std::string> broken{};                ///< why each of the others cannot be read
};

namespace detail {

/// Data of any layout, with a text for each label of a picture.
struct LabelledRecords {
  AnyDataset dataset;
  std::vector<std::string> folders{};  ///< of class folders
  std::string class_names{};           ///< file in the data's folder, or empty
  bool several_classes = false;
  bool numbered = false;  ///< labels are numbers
};

inline LabelledRecords open_labelled_shards(const ClipBenchmarkFolder& folder,
                                            const std::string& path) {
  if (folder.labels == ShardLabels::captions)
    throw FileError(path,
                    "its dataset_type.txt says retrieval: its pictures have captions, not "
                    "classes");
  return {open_shards(folder),
          {},
          folder.class_names,
          folder.labels == ShardLabels::several_classes,
          true};
}

inline LabelledRecords open_labelled(const LabelledSource& source) {
  std::error_code ignored;
  const std::string& path = source.data;
  if (is_clip_benchmark_folder(path))
    return open_labelled_shards(read_clip_benchmark_folder(path), path);
  if (std::filesystem::is_directory(path, ignored)) {
    ClassFolders folders(path, {.templates = {}});
    std::vector<std::string> names = folders.classes();
    return {std::move(folders), std::move(names)};
  }
  if (is_idx_images(path)) return {IdxDataset(path), {}, {}, false, true};
  if (is_shards(path)) return {WebDataset(path, {.captions_required = false}), {}, {}, false, true};
  CaptionFileOptions table = source.table;
  if (table.caption_key.empty()) table.caption_key = "label";
  return {CaptionFile(path, table)};
}

inline std::vector<std::string> readable_names(std::vector<std::string> folders) {
  for (std::string& name : folders) std::replace(name.begin(), name.end(), '_', ' ');
  return folders;
}

/// The names and folders that the source gives.
inline ClassTable class_table_of(const LabelledSource& source, const LabelledRecords& records) {
  const bool by_csv = source.labels != "folder" && source.labels != "number";
  ClassNames classes;
  std::string file = !source.names.empty() ? source.names : records.class_names;
  if (!file.empty()) classes = read_class_names(file, source.name);
  if (by_csv) {
    ClassNames listed = read_class_names(source.labels, source.name);
    if (listed.folders.empty())
      throw FileError(source.labels, "has no column \"folder\", which labels need");
    if (classes.names.empty()) classes.names = std::move(listed.names), file = source.labels;
    classes.folders = std::move(listed.folders);
  }
  if (classes.names.empty() && !records.folders.empty() && source.labels != "number") {
    classes = {readable_names(records.folders), records.folders};
    file = source.data;
  }
  if (classes.names.empty())
    throw FileError(file.empty() ? source.data : file,
                    "has no names of classes; give a file of names");
  return ClassTable(std::move(classes), file);
}

/// Which class a label is.
class LabelReader {
 public:
  LabelReader(const LabelledSource& source, const LabelledRecords& records, ClassTable table)
      : source_(source), records_(records), table_(std::move(table)) {
    if (!source.classes.empty())
      table_.restrict_to(caption_lines_of(small_text(source.classes)), source.classes);
    if (source.labels == "folder" && !records.folders.empty() && !table_.has_folders())
      table_.name_folders(records.folders, source.data);
  }

  const ClassTable& table() const noexcept { return table_; }

  /// The texts of a record's labels.
  std::vector<std::string> labels(const Record& record) const {
    if (!records_.folders.empty())
      return {records_.folders[static_cast<std::size_t>(record.label.value())]};
    if (records_.several_classes) {
      const auto found = record.fields.find("labels");
      if (found != record.fields.end()) return words(found->second);
      throw FileError(record.name, "has no .npy member with its classes");
    }
    if (!records_.numbered) return record.captions;
    if (!record.label)
      throw FileError(
          record.name,
          "has no label: a .cls member in a shard, a labels-idx1 file next to IDX pictures");
    return {std::to_string(*record.label)};
  }

  /// The candidate of a label; nothing if it does not count.
  std::optional<std::size_t> class_of(const std::string& label, const std::string& picture) const {
    if (records_.numbered) return table_.of_number(number(label, picture), picture);
    if (records_.folders.empty()) return table_.of_text(label, picture);
    if (source_.labels == "number") return table_.of_number(number(label, picture), picture);
    return table_.of_folder(label);
  }

 private:
  static std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> all;
    for (std::string word; stream >> word;) all.push_back(word);
    return all;
  }

  static std::size_t number(const std::string& label, const std::string& picture) {
    if (const auto value = whole_number(label)) return *value;
    throw FileError(picture,
                    "its folder \"" + printable(label, 40) + "\" is not the number of a class");
  }

  const LabelledSource& source_;
  const LabelledRecords& records_;
  ClassTable table_;
};

/// Adds a picture under its classes, or to what is skipped.
inline void add_labelled(const LabelReader& reader, std::size_t index, const std::string& name,
                         const std::vector<std::string>& labels, LabelledPictures& pictures) {
  std::vector<std::size_t> classes;
  for (const std::string& label : labels)
    if (const auto number = reader.class_of(label, name)) classes.push_back(*number);
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (classes.empty() && !pictures.several_classes) {
    ++pictures.skipped[labels.empty() ? "" : labels.front()];
    return;
  }
  pictures.records.push_back(index);
  pictures.classes.push_back(std::move(classes));
}

}  // namespace detail

/// Opens the data and finds the class of each picture. A table with several labels for a picture,
/// or shards of CLIP_benchmark's kind "multilabel", give pictures with several classes.
/// @throws FileError for files that cannot be read, names that do not fit the folders, labels that
///         no class has, and if no picture is of a class that competes
inline LabelledPictures read_labelled_pictures(const LabelledSource& source) {
  const detail::LabelledRecords records = detail::open_labelled(source);
  const detail::LabelReader reader(source, records, detail::class_table_of(source, records));
  LabelledPictures pictures{.dataset = records.dataset,
                            .names = reader.table().candidates(),
                            .several_classes = records.several_classes};
  for (std::size_t i = 0; i < records.dataset.size(); ++i) {
    std::optional<Record> record;
    std::vector<std::string> labels;
    try {
      record = records.dataset.record(i);
      labels = reader.labels(*record);
    } catch (const Error& error) {  // its text is broken, or it has no label
      pictures.broken.emplace_back(error.what());
      continue;
    }
    detail::add_labelled(reader, i, record->name, labels, pictures);
  }
  for (const std::vector<std::size_t>& classes : pictures.classes)
    if (classes.size() > 1) pictures.several_classes = true;
  if (pictures.records.empty())
    throw FileError(source.data, pictures.broken.empty()
                                     ? "no picture is of a class that competes"
                                     : "no picture can be read; the first: " + pictures.broken[0]);
  return pictures;
}

}  // namespace coca
