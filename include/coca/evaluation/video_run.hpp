#pragma once
/// @file
/// Classification of a list of videos: threads decode the next ones while the model sees one.

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/data/loader.hpp"
#include "coca/evaluation/video_results.hpp"
#include "coca/pipelines/video_model.hpp"
#include "coca/video/labelled_videos.hpp"

namespace coca {

/// How videos are read in the background.
struct VideoLoading {
  ClipSampling sampling{};
  std::size_t decoders = 2;  ///< threads; 0: videos are decoded in between
  DamagedPictures* damaged = nullptr;
};

/// A loader that gives one video at a time, in order, each once: of a broken one an empty batch.
/// @param preprocess of the model @throws ArgumentError as expect_clips
inline LoaderOptions video_loading(const VideoLoading& loading,
                                   const PreprocessConfig& preprocess) {
  LoaderOptions options;
  options.order = {.batch_size = 1, .shuffle = false, .drop_last = false};
  options.sample.preprocess = preprocess;
  options.sample.pictures_per_sample = loading.sampling.pictures();
  options.sample.damaged = loading.damaged;
  options.replace_broken = false;
  options.threads = loading.decoders;
  options.prefetch = loading.decoders + 1;
  return options;
}

/// How videos are classified.
struct VideoRunOptions {
  VideoLoading loading{};
  std::size_t top = 5;  ///< classes that are kept of each video
  std::function<void(std::size_t, std::size_t)> on_progress{};  ///< videos done, all
  std::function<void(const SkippedPicture&)> on_broken{};       ///< may throw, to stop
};

/// What results depend on, by name.
inline std::map<std::string, std::string> video_results_of(const VideoModelInfo& model,
                                                           const LabelledVideos& videos,
                                                           const VideoRunOptions& options) {
  std::map<std::string, std::string> made_from(model.identity_parts.begin(),
                                               model.identity_parts.end());
  const ClipSampling& sampling = options.loading.sampling;
  made_from["frames"] = std::to_string(sampling.frames);
  made_from["clips"] = std::to_string(sampling.clips);
  made_from["crops"] = std::to_string(sampling.crops);
  made_from["interval"] = std::to_string(sampling.interval);
  made_from["top"] = std::to_string(options.top);
  Digest digest;
  for (const ClassedVideo& video : videos.videos) {
    digest.add_text(video.path);
    digest.add_text(std::to_string(*video.label));
  }
  made_from["videos"] = std::to_string(videos.videos.size()) + " " + digest.text();
  return made_from;
}

/// Classifies the videos that have no result yet, by the mean of the probabilities of their views.
/// @param videos of the model's classes
/// @throws Error as AnyVideoModel::logits, and what on_broken throws
inline void classify_videos(AnyVideoModel& model, const LabelledVideos& videos,
                            const VideoRunOptions& options, VideoResultFile& results) {
  const ClipSampling& sampling = options.loading.sampling;
  std::vector<std::size_t> left;
  for (std::size_t i = 0; i < videos.videos.size(); ++i)
    if (!results.has(i)) left.push_back(i);
  if (left.empty()) return;
  Loader loader(Subset(VideoDataset(videos.videos, sampling), left),
                video_loading(options.loading, model.info().preprocessing));
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Batch batch = loader.next();
    for (const SkippedPicture& broken : batch.skipped)
      if (options.on_broken) options.on_broken(broken);
    if (batch.size() != 0) {
      const std::vector<float> logits = model.logits(batch.pixels, sampling.frames);
      VideoResult result =
          ranked_classes(mean_probabilities(logits, model.info().classes.size()),
                         static_cast<std::size_t>(batch.labels.front()), options.top);
      result.number = left[i];
      result.video = batch.names.front();
      results.add(result);
    }
    if (options.on_progress)
      options.on_progress(videos.videos.size() - left.size() + i + 1, videos.videos.size());
  }
}

}  // namespace coca
