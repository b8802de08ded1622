#pragma once
/// @file
/// Karpathy's splits of COCO and Flickr30K: {"images": [{"filename", "filepath", "cocoid", "imgid",
/// "split", "sentids", "sentences": [{"raw", "sentid"}]}], "dataset"}. In COCO's file the ids of
/// sentences and pictures are those of COCO.
/// Source: https://cs.stanford.edu/people/karpathy/deepimagesent

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"
#include "coca/data/coco_captions.hpp"

namespace coca {

namespace detail {

/// The id of a sentence, if it has one. @throws FileError for anything but a whole number or a text
inline std::string sentence_id(const AnnotationRow& row, const Json& sentence) {
  if (!sentence.contains("sentid")) return "";
  const Json& id = sentence.at("sentid");
  if (id.is_number_integer()) return id.dump();
  return row.text_of(id, "sentid");
}

inline AnnotatedPicture karpathy_picture(const AnnotationRow& row) {
  AnnotatedPicture picture{.file_name = row.text("filename")};
  if (picture.file_name.empty()) row.fail("\"filename\" is empty");
  if (row.has("filepath")) picture.file_name = row.text("filepath") + '/' + picture.file_name;
  for (const char* key : {"cocoid", "imgid"})
    if (picture.id.empty() && row.has(key)) picture.id = row.id(key);
  const Json& sentences = row.at("sentences");
  if (!sentences.is_array()) row.fail("\"sentences\" is not a list");
  for (const Json& sentence : sentences) {
    if (!sentence.is_object() || !sentence.contains("raw")) row.fail("a sentence has no \"raw\"");
    picture.captions.push_back(row.text_of(sentence.at("raw"), "raw"));
    picture.caption_ids.push_back(sentence_id(row, sentence));
  }
  return picture;
}

}  // namespace detail

/// Pictures of some splits, in the order of the file.
/// @param splits "test", "val", "train", "restval"; empty: all
/// @throws FileError for what cannot be read, and if no picture is in the splits
inline std::vector<AnnotatedPicture> read_karpathy_captions(const AnnotationText& file,
                                                            std::span<const std::string> splits) {
  std::vector<AnnotatedPicture> pictures;
  std::set<std::string> known;
  file.each_of("images", "Karpathy's captions", [&](const AnnotationRow& row) {
    const std::string split = row.text("split");
    known.insert(split);
    if (!splits.empty() && std::find(splits.begin(), splits.end(), split) == splits.end()) return;
    pictures.push_back(detail::karpathy_picture(row));
  });
  if (!pictures.empty()) return pictures;
  throw FileError(file.path(), "has no pictures of the split " +
                                   detail::list_of_names({splits.begin(), splits.end()}, " and ") +
                                   "; its splits are " +
                                   detail::list_of_names({known.begin(), known.end()}, " and "));
}

}  // namespace coca
