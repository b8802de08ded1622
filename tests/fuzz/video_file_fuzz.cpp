// Whatever the bytes are, VideoFile either decodes their frames or throws coca::Error.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/video/video_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Small enough that time and memory are spent on structure, not on pixels.
  const coca::VideoOptions options{.max_pixels = 1 << 16, .max_frames = 64, .max_seconds = 5};
  try {
    coca::VideoFile video({reinterpret_cast<const std::byte*>(data), size}, "fuzzed", options);
    if (video.frame_count() == 0 || video.seconds().size() != video.frame_count()) __builtin_trap();
    const std::vector<std::size_t> numbers{video.frame_count() - 1, 0};
    if (video.read(numbers).size() != 2) __builtin_trap();
    video.for_each_frame([&](std::size_t number, const coca::Image& image) {
      if (number >= options.max_frames || image.empty()) __builtin_trap();
    });
  } catch (const coca::Error&) {  // the only way to refuse
  }
  return 0;
}
