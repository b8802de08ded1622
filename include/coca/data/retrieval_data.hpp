#pragma once
/// @file
/// Pictures with captions for retrieval, in any of the forms that exist: Karpathy's splits, COCO's
/// annotations, CLIP_benchmark's Flickr text files and shards, tables and JSON of pairs.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/caption_document.hpp"
#include "coca/data/clip_benchmark_folder.hpp"
#include "coca/data/coco_captions.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/flickr_captions.hpp"
#include "coca/data/karpathy_captions.hpp"
#include "coca/data/open_data.hpp"
#include "coca/image/read_image.hpp"

namespace coca {

/// Picture files of a folder.
class ListedPictures {
 public:
  ListedPictures(std::string folder, std::vector<std::string> names)
      : folder_(std::move(folder)), names_(std::move(names)) {}

  std::size_t size() const noexcept { return names_.size(); }

  /// Its path, without captions. @throws ArgumentError from size() on
  Record record(std::size_t index) const { return {path(index), {}, std::nullopt}; }

  /// The file. @throws FileError if it is missing, unreadable or no picture
  std::vector<std::uint8_t> read(std::size_t index) const {
    return detail::read_image_bytes(path(index));
  }

 private:
  std::string path(std::size_t index) const {
    detail::check_record_index(index, names_.size());
    return (std::filesystem::path(folder_) / names_[index]).string();
  }

  std::string folder_;
  std::vector<std::string> names_;
};

static_assert(Dataset<ListedPictures>);

/// How retrieval data is read.
struct RetrievalDataOptions {
  std::vector<std::string> splits{"test"};  ///< of Karpathy's files; empty: all
  std::size_t captions = 0;                 ///< of each picture, the first ones; 0: all
  CaptionFileOptions pairs{};               ///< of tables and other JSON; image_folder of all
};

/// Pictures with at least one caption each.
struct RetrievalData {
  AnyDataset dataset;                        ///< of the pictures' files
  std::vector<AnnotatedPicture> pictures{};  ///< file_name: what messages call it
  std::vector<std::size_t> records{};        ///< of each picture, in the data set
  std::size_t uncaptioned = 0;               ///< pictures left out: without caption
  std::vector<std::string> broken{};         ///< why each of the others cannot be read
};

namespace detail {

/// The pictures that have captions, of which only the first ones stay.
inline void keep_captioned(RetrievalData& data, std::size_t captions) {
  std::vector<AnnotatedPicture> pictures;
  std::vector<std::size_t> records;
  for (std::size_t i = 0; i < data.pictures.size(); ++i) {
    AnnotatedPicture& picture = data.pictures[i];
    if (captions != 0 && picture.captions.size() > captions) {
      picture.captions.resize(captions);
      picture.caption_ids.resize(captions);
    }
    if (picture.captions.empty()) {
      ++data.uncaptioned;
      continue;
    }
    records.push_back(data.records[i]);
    pictures.push_back(std::move(picture));
  }
  data.pictures = std::move(pictures);
  data.records = std::move(records);
}

/// Pictures that a text names, in the folder of the text or the one that is given.
inline RetrievalData listed_data(std::vector<AnnotatedPicture> pictures, const std::string& path,
                                 const std::string& image_folder) {
  const std::string folder =
      image_folder.empty() ? std::filesystem::path(path).parent_path().string() : image_folder;
  std::vector<std::string> names;
  std::vector<std::size_t> records;
  for (AnnotatedPicture& picture : pictures) {
    if (picture.file_name.empty())
      throw FileError(path, "the picture " + printable(picture.id, 40) + " has no \"file_name\"");
    records.push_back(names.size());
    names.push_back(picture.file_name);
    picture.file_name = (std::filesystem::path(folder) / picture.file_name).string();
  }
  return {ListedPictures(folder, std::move(names)), std::move(pictures), std::move(records)};
}

/// Data of any kind, whose records have captions.
inline RetrievalData data_of_records(AnyDataset dataset) {
  RetrievalData data{.dataset = std::move(dataset)};
  for (std::size_t i = 0; i < data.dataset.size(); ++i) try {
      Record record = data.dataset.record(i);
      const std::size_t captions = record.captions.size();
      data.pictures.push_back({record.name, record.name, std::move(record.captions),
                               std::vector<std::string>(captions)});
      data.records.push_back(i);
    } catch (const Error& error) {  // its text is broken
      data.broken.emplace_back(error.what());
    }
  return data;
}

/// A text file of one of the kinds that have ids; nothing for others.
inline std::optional<std::vector<AnnotatedPicture>> read_with_ids(
    std::string_view text, const std::string& path, const RetrievalDataOptions& options) {
  text = without_byte_order_mark(text);
  if (const auto document = find_caption_document(text)) {
    if (!document->annotations.text.empty()) return read_coco_captions({text, path});
    JsonCursor images(document->images);
    images.take('[');
    if (AnnotationRow(images.value(), path).has("sentences"))
      return read_karpathy_captions({text, path}, options.splits);
    return std::nullopt;
  }
  std::string_view rest = text;
  take_line(rest);
  const bool is_flickr = std::filesystem::path(path).extension() == ".txt" &&
                         take_line(rest).find(".jpg,") != std::string_view::npos;
  if (!is_flickr) return std::nullopt;
  return read_flickr_captions(text, path);
}

inline RetrievalData open_retrieval_file(const std::string& path,
                                         const RetrievalDataOptions& options) {
  const UnpackedFile file(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  if (auto pictures = read_with_ids(text, path, options))
    return listed_data(std::move(*pictures), path, options.pairs.image_folder);
  return data_of_records(CaptionFile(text, path, options.pairs));
}

inline RetrievalData open_retrieval_shards(const std::string& path) {
  const ClipBenchmarkFolder folder = read_clip_benchmark_folder(path);
  if (folder.labels != ShardLabels::captions)
    throw FileError(path,
                    "its dataset_type.txt does not say retrieval: its pictures have classes, "
                    "not captions");
  return data_of_records(open_shards(folder));
}

}  // namespace detail

/// Reads pictures and captions; the content says in which form they are.
/// @param path a caption file, a folder in CLIP_benchmark's layout, a folder of pictures with
///        captions, or shards
/// @throws FileError for what cannot be read, and if no picture has a caption
inline RetrievalData read_retrieval_data(const std::string& path,
                                         const RetrievalDataOptions& options = {}) {
  std::error_code ignored;
  const auto read = [&]() -> RetrievalData {
    if (is_clip_benchmark_folder(path)) return detail::open_retrieval_shards(path);
    if (std::filesystem::is_regular_file(path, ignored) && !is_idx_images(path) &&
        !detail::is_shards(path))
      return detail::open_retrieval_file(path, options);
    return detail::data_of_records(
        open_data(path, {.captions = options.pairs, .folders = FolderReading::captions}));
  };
  RetrievalData data = read();
  detail::keep_captioned(data, options.captions);
  if (data.pictures.empty())
    throw FileError(path, data.broken.empty() ? "no picture has a caption" : data.broken.front());
  return data;
}

}  // namespace coca
