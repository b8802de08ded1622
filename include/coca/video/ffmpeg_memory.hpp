#pragma once
/// @file
/// A file in memory, as FFmpeg reads it.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "coca/video/ffmpeg_libraries.hpp"

#if COCA_HAS_FFMPEG

namespace coca::detail {

/// The bytes of a file and a position in them, which FFmpeg reads through callbacks; so no protocol
/// of FFmpeg's is ever used. After the deadline there is nothing more to read.
class FfmpegMemory {
 public:
  explicit FfmpegMemory(std::span<const std::byte> bytes) : bytes_(bytes) {}

  void set_deadline(double seconds) {
    using Clock = std::chrono::steady_clock;
    deadline_ = Clock::now() +
                std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  bool is_late() const { return std::chrono::steady_clock::now() > deadline_; }

  /// Packets that FFmpeg read can be no larger than the file.
  std::size_t size() const noexcept { return bytes_.size(); }

  static int read(void* opaque, std::uint8_t* target, int size) {
    auto& self = *static_cast<FfmpegMemory*>(opaque);
    if (self.is_late()) return AVERROR_EXIT;
    const std::size_t count =
        std::min(static_cast<std::size_t>(std::max(size, 0)), self.bytes_.size() - self.position_);
    if (count == 0) return AVERROR_EOF;
    std::memcpy(target, self.bytes_.data() + self.position_, count);
    self.position_ += count;
    return static_cast<int>(count);
  }

  static std::int64_t seek(void* opaque, std::int64_t offset, int whence) {
    auto& self = *static_cast<FfmpegMemory*>(opaque);
    const auto size = static_cast<std::int64_t>(self.bytes_.size());
    if ((whence & AVSEEK_SIZE) != 0) return size;
    const auto position = static_cast<std::int64_t>(self.position_);
    const int from = whence & ~AVSEEK_FORCE;
    const std::int64_t base = from == SEEK_CUR ? position : from == SEEK_END ? size : 0;
    if (offset < -base || offset > size - base) return AVERROR(EINVAL);
    self.position_ = static_cast<std::size_t>(base + offset);
    return base + offset;
  }

  static int is_late(void* opaque) { return static_cast<FfmpegMemory*>(opaque)->is_late() ? 1 : 0; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  std::chrono::steady_clock::time_point deadline_{};
};

}  // namespace coca::detail

#endif
