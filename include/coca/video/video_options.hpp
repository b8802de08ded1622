#pragma once
/// @file
/// How videos are read, and how much of them at most.

#include <cstddef>

#include "coca/image/decoded_image.hpp"

namespace coca {

/// Limits protect against files that claim, or hold, more than anybody wants.
struct VideoOptions {
  std::size_t max_pixels = DecodeOptions{}.max_pixels;  ///< of a frame; larger ones are refused
  std::size_t max_frames = 1'000'000;                   ///< longer videos are refused
  double max_seconds = 600;  ///< that one call may take to decode; then it gives up
  bool rotate = true;        ///< turn frames upright, as the file says; else they stay as stored
  int threads = 1;           ///< of a decoder; 0: one per core. Frames are the same
  double folder_rate = 25;   ///< frames per second of a folder of frames, which has no times
};

}  // namespace coca
