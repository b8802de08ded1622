#pragma once
/// @file
/// The views of a video that a classifier sees: clips of some frames, and crops of each.

#include <cstddef>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/random_draws.hpp"
#include "coca/video/frame_sampling.hpp"

namespace coca {

/// Which frames, and which parts of them. A view is a clip in one crop.
struct ClipSampling {
  std::size_t frames = 16;   ///< of a clip
  std::size_t clips = 1;     ///< of a video
  std::size_t crops = 1;     ///< 1: whole frames; more: squares, see square_crops()
  std::size_t interval = 0;  ///< 0: frames spread over the video; else every n-th frame of a part
  bool random = false;       ///< as in training: drawn anew for each showing

  std::size_t views() const noexcept { return clips * crops; }
  std::size_t pictures() const noexcept { return views() * frames; }
};

/// @throws ArgumentError for no frames, clips or crops, more pictures than 2^20, and several random
/// clips
inline void expect_clips(const ClipSampling& sampling) {
  constexpr std::size_t most = std::size_t{1} << 20;
  for (const std::size_t count : {sampling.frames, sampling.clips, sampling.crops})
    if (count == 0 || count > most)
      throw ArgumentError(std::to_string(sampling.clips) + " clips of " +
                          std::to_string(sampling.frames) + " frames in " +
                          std::to_string(sampling.crops) +
                          " crops were requested, expected 1 to 1048576 of each");
  if (sampling.frames > most / sampling.clips / sampling.crops)
    throw ArgumentError(std::to_string(sampling.frames) + " frames in " +
                        std::to_string(sampling.clips) + " times " +
                        std::to_string(sampling.crops) +
                        " views are more pictures of a video than 1048576");
  if (sampling.random && sampling.clips != 1)
    throw ArgumentError(std::to_string(sampling.clips) +
                        " random clips of a video were requested, expected 1");
}

/// Clips of frames that are spread over the whole video: clip k of K has the k-th of K parts of
/// each segment, in its middle; a single clip has the middles of the segments.
/// @return [clips][samples] @throws ArgumentError if anything is 0
inline std::vector<std::vector<std::size_t>> spread_clips(std::size_t frames, std::size_t samples,
                                                          std::size_t clips) {
  if (clips == 0) throw ArgumentError("0 clips of a video were requested, expected at least 1");
  const std::vector<std::size_t> all = uniform_frames(frames, samples * clips);
  std::vector<std::vector<std::size_t>> parts(clips);
  for (std::size_t i = 0; i < all.size(); ++i) parts[i % clips].push_back(all[i]);
  return parts;
}

/// The numbers of all clips' frames. @return [clips][frames]
/// @param frames of the video
/// @param key    what random clips are a function of
/// @throws ArgumentError as expect_clips, and for a video without frames
inline std::vector<std::vector<std::size_t>> clip_frames(std::size_t frames,
                                                         const ClipSampling& sampling,
                                                         const SampleKey& key = {}) {
  expect_clips(sampling);
  const DenseSampling dense{sampling.frames, sampling.interval, sampling.clips};
  if (!sampling.random)
    return sampling.interval == 0 ? spread_clips(frames, sampling.frames, sampling.clips)
                                  : dense_frames(frames, dense);
  RandomDraws draws(key, "frames");
  return {sampling.interval == 0 ? random_frames(frames, sampling.frames, draws)
                                 : random_dense_frames(frames, dense, draws)};
}

}  // namespace coca
