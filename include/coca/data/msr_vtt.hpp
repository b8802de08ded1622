#pragma once
/// @file
/// MSR-VTT (Xu et al. 2016): captions of videos, as JSON with splits, and as CSV of the 1k-A test
/// set (JSFusion) with one caption per video.

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/data/header_table.hpp"
#include "coca/data/video_lists.hpp"

namespace coca {

/// A video and what people said about it.
struct CaptionedVideo {
  std::string video_id{};
  std::string file{};   ///< "video7010.mp4"
  std::string split{};  ///< "train", "validate" or "test"
  std::vector<std::string> captions{};
};

namespace detail {

/// @param fail reports a problem in the row
template <class Fail>
CaptionedVideo captioned_video(std::string id, std::string split, Fail&& fail) {
  if (!is_plain_name(id))
    fail("the video_id \"" + printable(id, 40) + "\" cannot be a file's name");
  CaptionedVideo video{.video_id = std::move(id), .split = std::move(split)};
  video.file = video.video_id + ".mp4";
  return video;
}

}  // namespace detail

/// Reads the JSON of MSR-VTT, in the order of its videos.
/// @throws FileError for what cannot be read, videos that occur twice, and captions of no video
inline std::vector<CaptionedVideo> read_msr_vtt(const AnnotationText& file) {
  const std::string what = "captions of MSR-VTT";
  std::vector<CaptionedVideo> videos;
  std::unordered_map<std::string, std::size_t> places;
  file.each_of("videos", what, [&](const AnnotationRow& row) {
    videos.push_back(
        detail::captioned_video(row.id("video_id"), row.text("split"),
                                [&](const std::string& problem) { row.fail(problem); }));
    if (!places.emplace(videos.back().video_id, videos.size() - 1).second)
      row.fail("an earlier video has the same video_id " +
               detail::printable(videos.back().video_id, 40));
  });
  file.each_of("sentences", what, [&](const AnnotationRow& row) {
    const auto place = places.find(row.id("video_id"));
    if (place == places.end())
      row.fail("no video has the video_id " + detail::printable(row.id("video_id"), 40));
    videos[place->second].captions.push_back(row.text("caption"));
  });
  return videos;
}

/// The videos of a split. @throws FileError if there are none, with the splits that there are
inline std::vector<CaptionedVideo> videos_of_split(const std::vector<CaptionedVideo>& videos,
                                                   const std::string& split,
                                                   const std::string& path) {
  std::vector<CaptionedVideo> chosen;
  std::set<std::string> splits;
  for (const CaptionedVideo& video : videos) {
    splits.insert(video.split);
    if (video.split == split) chosen.push_back(video);
  }
  if (chosen.empty())
    throw FileError(path, "no video is of the split \"" + detail::printable(split, 40) +
                              "\", there are " +
                              detail::list_of_names({splits.begin(), splits.end()}, " and "));
  return chosen;
}

/// Reads the CSV `key,vid_key,video_id,sentence` of the 1k-A test set; the split is "test".
/// @throws FileError for what cannot be read, and videos that occur twice
inline std::vector<CaptionedVideo> read_msr_vtt_csv(std::string_view text,
                                                    const std::string& path) {
  HeaderTable table(text, path);
  table.require({"video_id", "sentence"});
  std::vector<CaptionedVideo> videos;
  std::set<std::string> known;
  while (table.next()) {
    videos.push_back(detail::captioned_video(
        table.at("video_id"), "test", [&](const std::string& problem) { table.fail(problem); }));
    if (!known.insert(videos.back().video_id).second)
      table.fail("an earlier row has the same video_id " +
                 detail::printable(videos.back().video_id, 40));
    videos.back().captions.push_back(table.at("sentence"));
  }
  return videos;
}

}  // namespace coca
