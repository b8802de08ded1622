#pragma once
/// @file
/// IDX files, the format of MNIST and Fashion-MNIST: `train-images-idx3-ubyte` with
/// `train-labels-idx1-ubyte` next to it, plain or compressed with gzip.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/image/image.hpp"
#include "coca/image/png.hpp"
#include "coca/text/gzip_text.hpp"

namespace coca {

namespace detail {

/// The file of the labels of an images file; "" if its name is not that of one.
inline std::string idx_labels_path(const std::string& images) {
  const std::filesystem::path path(images);
  std::string name = path.filename().string();
  const std::string_view part = "images-idx3";
  const std::size_t at = name.find(part);
  if (at == std::string::npos) return {};
  return (path.parent_path() / name.replace(at, part.size(), "labels-idx1")).string();
}

/// An IDX file of bytes: extents, and the values after them.
struct IdxFile {
  std::vector<std::size_t> extents;
  std::string content;
  std::size_t first = 0;  ///< of the values in the content

  static constexpr std::size_t most = std::size_t{1} << 30;  ///< bytes

  /// @param rank number of extents that it must have
  /// @throws FileError for another format, another rank or type, or a file that is cut off.
  IdxFile(const std::string& path, std::size_t rank)
      : IdxFile(path, rank, read_text_or_gzip(path, most)) {}

  /// The same of bytes in memory.
  IdxFile(const std::string& path, std::size_t rank, std::string bytes)
      : content(std::move(bytes)) {
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(content[i]); };
    first = 4 + 4 * rank;
    if (content.size() < first || byte(0) != 0 || byte(1) != 0 || byte(2) != 8 || byte(3) != rank)
      throw FileError(path, "is no IDX file of bytes with " + counted(rank, "extent"));
    std::size_t size = 1;
    for (std::size_t i = 0; i < rank; ++i) {
      std::size_t extent = 0;
      for (std::size_t k = 0; k < 4; ++k) extent = extent << 8 | byte(4 + 4 * i + k);
      if (extent == 0) throw FileError(path, "extent " + std::to_string(i) + " is 0: it is empty");
      if (extent > most / size)
        throw FileError(path, "extent " + std::to_string(i) + " is " + std::to_string(extent) +
                                  ", more than the file holds");
      size *= extent;
      extents.push_back(extent);
    }
    if (content.size() - first != size)
      throw FileError(path, "holds " + counted(content.size() - first, "value") +
                                ", its extents say " + std::to_string(size));
  }
};

}  // namespace detail

/// Whether a path is an images file of IDX, by its first bytes, or if it is compressed by its name.
inline bool is_idx_images(const std::string& path) {
  char head[4] = {1, 1, 1, 1};
  std::ifstream(path, std::ios::binary).read(head, sizeof head);
  const bool compressed = head[0] == '\x1f' && head[1] == '\x8b';
  if (compressed) return !detail::idx_labels_path(path).empty();
  return head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] == 3;
}

/// Gray pictures and, if their file exists, labels. Everything is in memory.
class IdxDataset {
 public:
  /// @param images path of the pictures; labels are in the file whose name has "labels-idx1" for
  ///        "images-idx3"
  /// @throws FileError for a file that is missing (labels may be), damaged, cut off, or of another
  /// format, and for another number of labels than pictures.
  explicit IdxDataset(const std::string& images) : path_(images), images_(images, 3) {
    const std::string labels = detail::idx_labels_path(images);
    std::error_code ignored;
    if (labels.empty() || !std::filesystem::exists(labels, ignored)) return;
    labels_.emplace(labels, 1);
    if (labels_->extents[0] != size())
      throw FileError(labels, "holds " + counted(labels_->extents[0], "label") + " for " +
                                  counted(size(), "picture"));
  }

  std::size_t size() const noexcept { return images_.extents[0]; }

  /// The name ends in the number of the picture, counted from 0.
  Record record(std::size_t index) const {
    detail::check_record_index(index, size());
    Record record{path_ + ":" + std::to_string(index), {}, std::nullopt};
    if (labels_)
      record.label = static_cast<unsigned char>(labels_->content[labels_->first + index]);
    return record;
  }

  /// The file of all pictures.
  const std::string& picture_file(std::size_t) const noexcept { return path_; }

  /// The picture as a PNG file. @throws UnavailableError without libpng
  std::vector<std::uint8_t> read(std::size_t index) const {
    detail::check_record_index(index, size());
    const std::size_t height = images_.extents[1], width = images_.extents[2];
    Image image(width, height);
    const char* values = images_.content.data() + images_.first + index * width * height;
    for (std::size_t i = 0; i < width * height; ++i)
      for (std::size_t c = 0; c < Image::channels; ++c)
        image.data()[i * Image::channels + c] = static_cast<std::uint8_t>(values[i]);
    return encode_png(image);
  }

 private:
  std::string path_;
  detail::IdxFile images_;
  std::optional<detail::IdxFile> labels_;
};

static_assert(Dataset<IdxDataset>);

}  // namespace coca
