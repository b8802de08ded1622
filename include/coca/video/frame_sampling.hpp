#pragma once
/// @file
/// Which frames of a video a model sees. Frames are counted from 0; a video with fewer frames than
/// are wanted gives some of them several times.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/random_draws.hpp"

namespace coca {

/// Where in a video uniformly spread frames are. N frames, T samples, sample i from 0.
enum class FrameSpread : std::uint8_t {
  segment_centres,  ///< the middle of each of T segments, as MMAction2 tests: (i + 1/2) N / T
  linspace,         ///< from the first to the last, as CLIP4Clip: i (N - 1) / (T - 1)
  segment_starts,   ///< the first of each segment, as BLIP: i N / T
};

namespace detail {

/// @throws ArgumentError for a video without frames, or so long that products overflow
inline void expect_sampling(std::size_t frames, std::size_t samples) {
  constexpr std::size_t most = std::size_t{1} << 31;
  if (frames == 0) throw ArgumentError("a video without frames cannot be sampled");
  if (samples == 0) throw ArgumentError("0 frames of a video were requested, expected at least 1");
  if (frames > most || samples > most)
    throw ArgumentError(std::to_string(samples) + " samples of " + std::to_string(frames) +
                        " frames were requested, expected at most 2^31");
}

}  // namespace detail

/// `samples` frames spread over a video of `frames`, rounded down.
/// @throws ArgumentError if either is 0
inline std::vector<std::size_t> uniform_frames(std::size_t frames, std::size_t samples,
                                               FrameSpread spread = FrameSpread::segment_centres) {
  detail::expect_sampling(frames, samples);
  std::vector<std::size_t> numbers(samples, 0);
  for (std::size_t i = 0; i < samples; ++i) switch (spread) {
      case FrameSpread::segment_centres:
        numbers[i] = (2 * i + 1) * frames / (2 * samples);
        break;
      case FrameSpread::linspace:
        if (samples > 1) numbers[i] = i * (frames - 1) / (samples - 1);
        break;
      case FrameSpread::segment_starts:
        numbers[i] = i * frames / samples;
        break;
    }
  return numbers;
}

/// One random frame of each of `samples` segments of equal length, for training (TSN, arXiv
/// 1608.00859). @throws ArgumentError if either is 0
inline std::vector<std::size_t> random_frames(std::size_t frames, std::size_t samples,
                                              RandomDraws& draws) {
  detail::expect_sampling(frames, samples);
  std::vector<std::size_t> numbers(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double begin = static_cast<double>(i * frames) / static_cast<double>(samples);
    const double length = static_cast<double>(frames) / static_cast<double>(samples);
    numbers[i] = std::min(static_cast<std::size_t>(begin + length * draws.uniform()), frames - 1);
  }
  return numbers;
}

/// Clips of consecutive frames, or of every n-th.
struct DenseSampling {
  std::size_t length = 16;   ///< frames in a clip
  std::size_t interval = 4;  ///< from one to the next
  std::size_t clips = 1;     ///< per video
};

namespace detail {

/// Frames from the first to the last of a clip, both included.
inline std::size_t clip_span(const DenseSampling& sampling) {
  expect_sampling(sampling.interval, sampling.length);
  return (sampling.length - 1) * sampling.interval + 1;
}

/// A clip that begins at a frame; after the last frame comes the first again, as in MMAction2.
inline std::vector<std::size_t> clip_from(std::size_t first, std::size_t frames,
                                          const DenseSampling& sampling) {
  std::vector<std::size_t> numbers(sampling.length);
  for (std::size_t i = 0; i < sampling.length; ++i)
    numbers[i] = (first + i * sampling.interval) % frames;
  return numbers;
}

}  // namespace detail

/// Clips spread over a video of `frames` from its beginning to its end, a single one in its middle:
/// MMAction2's for testing. @return [clips][length]
/// @throws ArgumentError if anything is 0
inline std::vector<std::vector<std::size_t>> dense_frames(std::size_t frames,
                                                          const DenseSampling& sampling) {
  detail::expect_sampling(frames, sampling.clips);
  const std::size_t span = detail::clip_span(sampling);
  const std::size_t room = frames > span ? frames - span : 0;
  std::vector<std::vector<std::size_t>> clips;
  for (std::size_t k = 0; k < sampling.clips; ++k) {
    // k room / (clips - 1), rounded half to even as NumPy does.
    const std::size_t steps = sampling.clips - 1;
    std::size_t first = room / 2;
    if (steps > 0) {
      const std::size_t whole = k * room / steps, twice = 2 * (k * room % steps);
      first = whole + (twice > steps || (twice == steps && whole % 2 == 1) ? 1 : 0);
    }
    clips.push_back(detail::clip_from(first, frames, sampling));
  }
  return clips;
}

/// One clip that begins anywhere, for training. @throws ArgumentError if anything is 0
inline std::vector<std::size_t> random_dense_frames(std::size_t frames,
                                                    const DenseSampling& sampling,
                                                    RandomDraws& draws) {
  detail::expect_sampling(frames, 1);
  const std::size_t span = detail::clip_span(sampling);
  const std::size_t starts = frames >= span ? frames - span + 1 : 1;
  return detail::clip_from(std::min(draws.below(starts), starts - 1), frames, sampling);
}

}  // namespace coca
