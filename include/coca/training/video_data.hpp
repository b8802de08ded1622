#pragma once
/// @file
/// The data of the task on videos, as options name it.

#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/training/training_options.hpp"
#include "coca/training/training_subject.hpp"
#include "coca/video/labelled_videos.hpp"

namespace coca {

namespace detail {

/// All videos that some paths list, as clips of options.frames.
/// @param classes those of the videos; if it is empty, the first list's are written to it
inline TaskData open_videos(const std::vector<std::string>& paths, const TrainingOptions& options,
                            bool random, std::vector<std::string>& classes) {
  if (paths.empty()) throw ArgumentError("there is no data to train on");
  std::vector<ClassedVideo> videos;
  for (const std::string& path : paths) {
    LabelledVideos some =
        read_labelled_videos({path, options.data.image_folder, options.data.class_names}, classes);
    classes = std::move(some.classes);
    videos.insert(videos.end(), some.videos.begin(), some.videos.end());
  }
  return {VideoDataset(std::move(videos), {.frames = options.frames, .random = random}),
          options.frames};
}

}  // namespace detail

/// A subject with the videos of the task "video" and the names of their classes. In training, one
/// frame is drawn in each segment of a video, unless the features of a single view are kept; in
/// validation it is the middle one. The subject of other tasks is unchanged.
/// @throws FileError for lists that cannot be read; ArgumentError for options that make no sense
inline TrainingSubject with_video_data(TrainingSubject subject, const TrainingOptions& options) {
  if (options.task != "video") return subject;
  const bool random = options.features.folder.empty() || options.features.views > 0;
  subject.training_data =
      detail::open_videos(options.data.training, options, random, subject.classes);
  if (!options.data.validation.empty())
    subject.validation_data =
        detail::open_videos(options.data.validation, options, false, subject.classes);
  return subject;
}

}  // namespace coca
