#pragma once
/// @file
/// Sentences about pictures as data sets: SNLI-VE's hypotheses about one picture, NLVR2's about
/// two.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/pair_files.hpp"
#include "coca/data/side_words.hpp"
#include "coca/image/read_image.hpp"

namespace coca {

namespace detail {

/// The folder that pictures are in, by default the one of the file that lists them.
inline std::filesystem::path picture_folder_of(const std::string& folder, const std::string& list) {
  return folder.empty() ? std::filesystem::path(list).parent_path() : std::filesystem::path(folder);
}

inline std::string flip_text(const std::string& sentence) {
  return names_a_side(sentence) ? "false" : "true";
}

}  // namespace detail

/// SNLI-VE's pairs. Records have a label, an index in entailment_classes, and the fields
/// "sentence", "pair_id" and may_flip_field. Pairs on which people did not agree are left out and
/// counted.
class EntailmentDataset {
 public:
  /// @param folder of the pictures; empty: that of the file @throws FileError as read_snli_ve
  explicit EntailmentDataset(const std::string& path, const std::string& folder = {})
      : folder_(detail::picture_folder_of(folder, path)) {
    EntailmentPairs read = read_snli_ve(AnnotationFile(path).text());
    pairs_ = std::move(read.pairs);
    if (pairs_.empty()) throw FileError(path, "has no pair with a label");
    if (read.undecided != 0)
      notes_.push_back(path + ": " + std::to_string(read.undecided) +
                       " pairs have the label \"-\" and are left out");
  }

  std::size_t size() const noexcept { return pairs_.size(); }

  Record record(std::size_t index) const {
    const EntailmentPair& pair = at(index);
    return {pair.image,
            {},
            static_cast<std::int32_t>(pair.label),
            {{"sentence", pair.hypothesis},
             {"pair_id", pair.pair_id},
             {may_flip_field, detail::flip_text(pair.hypothesis)}}};
  }

  /// @throws FileError if the picture is missing, unreadable or no picture
  std::vector<std::uint8_t> read(std::size_t index) const {
    return detail::read_image_bytes((folder_ / at(index).image).string());
  }

  const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  const EntailmentPair& at(std::size_t index) const {
    detail::check_record_index(index, pairs_.size());
    return pairs_[index];
  }

  std::filesystem::path folder_;
  std::vector<EntailmentPair> pairs_;
  std::vector<std::string> notes_;
};

/// NLVR2's pairs of pictures. Records have a label, 1 where the sentence is true, two pictures,
/// left and right, and the fields "sentence", "identifier", "sentence_id" and may_flip_field.
class PicturePairDataset {
 public:
  /// @param folder of the pictures; empty: that of the file @throws FileError as read_nlvr2
  explicit PicturePairDataset(const std::string& path, const std::string& folder = {})
      : folder_(detail::picture_folder_of(folder, path)),
        pairs_(read_nlvr2(AnnotationFile(path).text())) {
    if (pairs_.empty()) throw FileError(path, "has no pairs of pictures");
  }

  std::size_t size() const noexcept { return pairs_.size(); }

  Record record(std::size_t index) const {
    const PicturePair& pair = at(index);
    return {pair.left,
            {},
            pair.is_true ? 1 : 0,
            {{"sentence", pair.sentence},
             {"identifier", pair.identifier},
             {"sentence_id", pair.sentence_id},
             {may_flip_field, detail::flip_text(pair.sentence)}}};
  }

  /// @param number 0: the left picture, 1: the right one
  /// @throws FileError if the picture is missing, unreadable or no picture
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    const PicturePair& pair = at(index);
    if (number > 1)
      throw FileError(pair.identifier,
                      "has two pictures, number " + std::to_string(number + 1) + " was requested");
    return detail::read_image_bytes((folder_ / (number == 0 ? pair.left : pair.right)).string());
  }

 private:
  const PicturePair& at(std::size_t index) const {
    detail::check_record_index(index, pairs_.size());
    return pairs_[index];
  }

  std::filesystem::path folder_;
  std::vector<PicturePair> pairs_;
};

static_assert(Dataset<EntailmentDataset> && HasSeveralPictures<PicturePairDataset>);

}  // namespace coca
