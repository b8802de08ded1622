#pragma once
/// @file
/// Videos as a data set: a Loader decodes and prepares their frames in background threads.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/video/clip_sampling.hpp"
#include "coca/video/read_video.hpp"
#include "coca/video/views.hpp"

namespace coca {

/// A video, and its class if it has one.
struct ClassedVideo {
  std::string path{};
  std::optional<std::int32_t> label{};
};

/// A record's frames are those of its views, view by view: pictures_per_sample of a Loader is
/// ClipSampling::pictures().
class VideoDataset {
 public:
  /// @throws ArgumentError as expect_clips
  explicit VideoDataset(std::vector<ClassedVideo> videos, const ClipSampling& sampling = {},
                        const VideoOptions& reading = {})
      : videos_(std::move(videos)), sampling_(sampling), reading_(reading) {
    expect_clips(sampling);
  }

  std::size_t size() const noexcept { return videos_.size(); }
  const ClipSampling& sampling() const noexcept { return sampling_; }

  /// Path and label.
  Record record(std::size_t index) const {
    detail::check_record_index(index, videos_.size());
    return {videos_[index].path, {}, videos_[index].label};
  }

  /// @throws FileError always: a video is no picture file
  std::vector<std::uint8_t> read(std::size_t index) const {
    throw FileError(record(index).name, "is a video, of which frames are read");
  }

  /// The frames of all views. [clips][crops][frames] @throws FileError if they cannot be read
  Frames frames(const SampleKey& key) const {
    Video video(record(static_cast<std::size_t>(key.index)).name, reading_);
    Frames shown;
    for (const std::vector<std::size_t>& numbers :
         clip_frames(video.frame_count(), sampling_, key)) {
      std::vector<Image> clip = video.read(numbers);
      if (sampling_.crops == 1)
        add(std::move(clip), shown);
      else
        add_crops(clip, shown);
    }
    shown.damage = video.damage();
    return shown;
  }

 private:
  static void add(std::vector<Image> clip, Frames& shown) {
    for (Image& frame : clip) shown.images.push_back(std::move(frame));
  }

  void add_crops(const std::vector<Image>& clip, Frames& shown) const {
    std::vector<std::vector<Image>> crops(sampling_.crops);
    for (const Image& frame : clip) {
      std::vector<Image> parts = square_crops(frame, sampling_.crops);
      for (std::size_t k = 0; k < parts.size(); ++k) crops[k].push_back(std::move(parts[k]));
    }
    for (std::vector<Image>& each : crops) add(std::move(each), shown);
  }

  std::vector<ClassedVideo> videos_;
  ClipSampling sampling_;
  VideoOptions reading_;
};

static_assert(HasFrames<VideoDataset>);

}  // namespace coca
