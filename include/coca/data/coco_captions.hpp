#pragma once
/// @file
/// Captions to compare, in COCO's two files: annotations, {"images": [{"id", "file_name"}],
/// "annotations": [{"image_id", "caption"}]}, and results, [{"image_id", "caption"}].
/// Source: https://cocodataset.org/#format-results

#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"

namespace coca {

/// A picture of an annotation file.
struct AnnotatedPicture {
  std::string id{};
  std::string file_name{};  ///< empty if the file does not say
  std::vector<std::string> captions{};
  std::vector<std::string> caption_ids{};  ///< of each caption; an empty one if the file has none
};

/// A model's caption of a picture.
struct CaptionResult {
  std::string image_id{};
  std::string caption{};
};

/// The pictures of COCO's annotations, in the order of the file; those without captions, too.
/// @throws FileError for what cannot be read, ids that occur twice, and captions of no picture
inline std::vector<AnnotatedPicture> read_coco_captions(const AnnotationText& file) {
  std::vector<AnnotatedPicture> pictures;
  std::unordered_map<std::string, std::size_t> places;
  const std::string what = "captions of COCO";
  file.each_of("images", what, [&](const AnnotationRow& row) {
    AnnotatedPicture picture{.id = row.id("id")};
    if (row.has("file_name")) picture.file_name = row.text("file_name");
    if (!places.emplace(picture.id, pictures.size()).second)
      row.fail("an earlier picture has the same id " + detail::printable(picture.id, 40));
    pictures.push_back(std::move(picture));
  });
  file.each_of("annotations", what, [&](const AnnotationRow& row) {
    const auto place = places.find(row.id("image_id"));
    if (place == places.end())
      row.fail("no picture has the id " + detail::printable(row.id("image_id"), 40));
    pictures[place->second].captions.push_back(row.text("caption"));
    pictures[place->second].caption_ids.push_back(row.has("id") ? row.id("id") : "");
  });
  return pictures;
}

/// Captions that a model made, in the order of the file.
/// @throws FileError for what cannot be read, and a second caption of a picture
inline std::vector<CaptionResult> read_caption_results(const AnnotationText& file) {
  std::vector<CaptionResult> results;
  std::unordered_map<std::string, std::size_t> places;
  file.each("captions as results of COCO", [&](const AnnotationRow& row) {
    CaptionResult result{row.id("image_id"), row.text("caption")};
    if (!places.emplace(result.image_id, results.size()).second)
      row.fail("an earlier result is of the same picture " +
               detail::printable(result.image_id, 40));
    results.push_back(std::move(result));
  });
  return results;
}

}  // namespace coca
