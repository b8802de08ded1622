#pragma once
/// @file
/// Retrieval of videos by captions and of captions by videos, as with pictures: a video is embedded
/// as the mean of its frames (arXiv 2205.01917, section 4.2.2).

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/data/class_names.hpp"
#include "coca/data/msr_vtt.hpp"
#include "coca/evaluation/caption_retrieval.hpp"
#include "coca/evaluation/video_run.hpp"
#include "coca/pipelines/any_model.hpp"

namespace coca {

/// Reads MSR-VTT's captions; the content says whether they are its JSON or the CSV of 1k-A.
/// @param split of the JSON; the CSV has one
/// @throws FileError as read_msr_vtt, videos_of_split and read_msr_vtt_csv, and for no captions
inline std::vector<CaptionedVideo> read_captioned_videos(const std::string& path,
                                                         const std::string& split) {
  const std::string text = detail::small_text(path);
  std::vector<CaptionedVideo> videos =
      detail::begins_as_json(text)
          ? videos_of_split(read_msr_vtt(AnnotationText(text, path)), split, path)
          : read_msr_vtt_csv(text, path);
  for (const CaptionedVideo& video : videos)
    if (video.captions.empty())
      throw FileError(path,
                      "the video " + detail::printable(video.video_id, 40) + " has no caption");
  if (videos.empty()) throw FileError(path, "lists no videos");
  return videos;
}

/// How videos are retrieved.
struct VideoRetrievalOptions {
  VideoLoading loading{};
  std::string folder{};                                         ///< of the videos
  std::function<void(std::size_t, std::size_t)> on_progress{};  ///< videos done, all
  std::function<void(const SkippedPicture&)> on_broken{};       ///< may throw, to stop
};

/// Videos that could be read, all of their captions, and ranks both ways.
struct VideoRetrievalRun {
  std::vector<std::string> videos{};         ///< ids
  std::vector<std::string> texts{};          ///< captions, which all compete
  CaptionPositives positives{};              ///< texts of each video
  std::vector<std::size_t> text_clusters{};  ///< the video of each text
  CaptionRanks ranks{};
};

namespace detail {

/// The pictures of a batch, one by one.
inline std::vector<Pixels> pictures_of(const PixelBatch& batch) {
  const std::size_t size = batch.channels * batch.height * batch.width;
  std::vector<Pixels> pictures;
  for (std::size_t i = 0; i < batch.batch; ++i) {
    const auto first = batch.values.begin() + static_cast<std::ptrdiff_t>(i * size);
    pictures.push_back({batch.channels,
                        batch.height,
                        batch.width,
                        {first, first + static_cast<std::ptrdiff_t>(size)}});
  }
  return pictures;
}

/// Embeds the videos in order, and adds those that can be read to the run.
inline Embeddings embed_videos(AnyModel& model, std::span<const CaptionedVideo> videos,
                               const VideoRetrievalOptions& options, VideoRetrievalRun& run) {
  std::vector<ClassedVideo> files;
  for (const CaptionedVideo& video : videos)
    files.push_back({(std::filesystem::path(options.folder) / video.file).string(), {}});
  Loader loader(VideoDataset(files, options.loading.sampling),
                video_loading(options.loading, model.info().preprocessing));
  Embeddings all{{}, 0, model.info().embed_dim};
  for (std::size_t i = 0; i < videos.size(); ++i) {
    const Batch batch = loader.next();
    for (const SkippedPicture& broken : batch.skipped)
      if (options.on_broken) options.on_broken(broken);
    if (batch.size() != 0) {
      const Embeddings mean = mean_embedding(model.embed_images(pictures_of(batch.pixels)));
      all.values.insert(all.values.end(), mean.values.begin(), mean.values.end());
      ++all.count;
      run.positives.emplace_back();
      for (const std::string& caption : videos[i].captions) {
        run.positives.back().push_back(run.texts.size());
        run.text_clusters.push_back(run.videos.size());
        run.texts.push_back(caption);
      }
      run.videos.push_back(videos[i].video_id);
    }
    if (options.on_progress) options.on_progress(i + 1, videos.size());
  }
  return all;
}

}  // namespace detail

/// Embeds videos and captions, and ranks each among all of the other kind.
/// @throws Error if no video can be read, and what on_broken throws
inline VideoRetrievalRun retrieve_videos(AnyModel& model, std::span<const CaptionedVideo> videos,
                                         const VideoRetrievalOptions& options) {
  VideoRetrievalRun run;
  const Embeddings of_videos = detail::embed_videos(model, videos, options, run);
  if (run.videos.empty())
    throw Error("none of the " + std::to_string(videos.size()) + " videos can be read");
  constexpr std::size_t at_once = 256;
  Embeddings of_texts{{}, run.texts.size(), of_videos.width};
  for (std::size_t first = 0; first < run.texts.size(); first += at_once) {
    const std::size_t count = std::min(at_once, run.texts.size() - first);
    const Embeddings some = model.embed_texts(std::span(run.texts).subspan(first, count));
    of_texts.values.insert(of_texts.values.end(), some.values.begin(), some.values.end());
  }
  run.ranks = caption_ranks({of_videos.values, of_videos.width}, {of_texts.values, of_texts.width},
                            run.positives);
  return run;
}

}  // namespace coca
