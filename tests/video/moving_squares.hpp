#pragma once
/// @file
/// Videos as folders of frames, which need no FFmpeg: a square that moves left, right, up or down.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "coca/image/write_png.hpp"
#include "io/temporary_folder.hpp"

namespace coca_test {

/// root/MOTION/NUMBER/FRAME.png, four videos of six frames of each motion. Video n of a motion has
/// the frames of video n of the opposite one, in reverse.
class MovingSquares {
 public:
  static constexpr std::array<const char*, 4> motions{"down", "left", "right", "up"};
  static constexpr std::size_t videos = 4, frames = 6, side = 32;

  /// @param numbered the red of all pixels but the square's is 10 i + n in frame i of video n, else
  ///        10 n: otherwise frames of opposite motions would not be the same
  explicit MovingSquares(bool numbered = false) : numbered_(numbered) {
    for (std::size_t motion = 0; motion < motions.size(); ++motion)
      for (std::size_t video = 0; video < videos; ++video)
        for (std::size_t frame = 0; frame < frames; ++frame) write(motion, video, frame);
  }

  const TemporaryFolder& folder() const { return folder_; }
  std::string root() const { return folder_.path("videos"); }
  std::string video(std::size_t motion, std::size_t number) const {
    return root() + "/" + motions[motion] + "/" + std::to_string(number);
  }

 private:
  std::uint8_t red(std::size_t number, std::size_t frame) const {
    return static_cast<std::uint8_t>(numbered_ ? 10 * frame + number : 10 * number);
  }

  void write(std::size_t motion, std::size_t number, std::size_t frame) {
    std::filesystem::create_directories(video(motion, number));
    coca::Image image(side, side);
    for (std::size_t y = 0; y < side; ++y)
      for (std::size_t x = 0; x < side; ++x) image.set(x, y, {red(number, frame), 0, 0});
    const bool backwards = motion == 1 || motion == 3;
    const std::size_t along = 4 * (backwards ? frames - 1 - frame : frame) + number;
    const std::size_t across = 12;
    const bool horizontal = motion == 1 || motion == 2;
    for (std::size_t y = 0; y < 8; ++y)
      for (std::size_t x = 0; x < 8; ++x)
        image.set((horizontal ? along : across) + x, (horizontal ? across : along) + y,
                  {255, 255, 255});
    coca::write_png(video(motion, number) + "/" + std::to_string(frame) + ".png", image);
  }

  bool numbered_;
  TemporaryFolder folder_;
};

}  // namespace coca_test
