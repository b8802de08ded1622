#pragma once
/// @file
/// The frames of a video file, by number or by time. Frames are those that decoding from the start
/// gives, bit for bit, whether they are reached by seeking or not.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/image.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/video/ffmpeg_decoder.hpp"
#include "coca/video/video_options.hpp"

namespace coca {

namespace detail {

/// The frame that is shown at a time: the last that begins by then.
inline std::size_t frame_at(const std::vector<double>& seconds, double time) {
  // Times are rounded to the units of the file: what is a microsecond early counts.
  const auto after = std::upper_bound(seconds.begin(), seconds.end(), time + 1e-6);
  return after == seconds.begin() ? 0 : static_cast<std::size_t>(after - seconds.begin()) - 1;
}

/// @throws ArgumentError for a frame beyond the last
inline void expect_frames(std::span<const std::size_t> numbers, std::size_t count,
                          const std::string& name) {
  for (const std::size_t number : numbers)
    if (number >= count)
      throw ArgumentError(name + ": frame " + std::to_string(number) +
                          " was requested, the last one is " + std::to_string(count - 1));
}

inline std::string two_decimals(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

}  // namespace detail

/// A video. Frames are counted, whatever its header says: by its packets where each holds one
/// frame with a time of its own, otherwise by decoding it once.
///
/// To read a frame, the decoder starts at the key frame before it. Where that cannot be trusted
/// (times that are missing or not unique, errors after seeking, frames at other times than
/// expected), the video is read from the start, and from then on frames are counted by decoding:
/// there may be fewer. Rotation is applied; sample aspect ratio and interlacing are not.
class VideoFile {
 public:
  /// @throws FileError for anything but a video with at least one frame that can be decoded;
  /// UnavailableError if this build has no FFmpeg
  explicit VideoFile(const std::string& path, const VideoOptions& options = {})
      : name_(path), options_(options), file_(std::in_place, path), bytes_(file_->bytes()) {
    count_frames();
  }

  /// A video in memory, which must outlive this object.
  /// @param name what messages call it
  VideoFile(std::span<const std::byte> bytes, std::string name, const VideoOptions& options = {})
      : name_(std::move(name)), options_(options), bytes_(bytes) {
    count_frames();
  }

  std::size_t frame_count() const noexcept { return times_.size(); }

  /// When a frame begins, in seconds since the first.
  const std::vector<double>& seconds() const noexcept { return seconds_; }

  /// The frame that is shown `seconds` after the beginning of the first.
  std::size_t frame_at(double seconds) const { return detail::frame_at(seconds_, seconds); }

  /// What is wrong with the video although it can be read; empty: nothing was found.
  const std::string& damage() const noexcept { return damage_; }

  /// Whether frames are reached by seeking.
  bool is_seekable() const noexcept { return seekable_; }

  /// Frames in the order of the numbers, which may repeat.
  /// @throws ArgumentError for a number that is too large; FileError beyond the limits
  std::vector<Image> read(std::span<const std::size_t> numbers) {
    detail::expect_frames(numbers, frame_count(), name_);
    std::map<std::size_t, Image> frames;
    for (const std::size_t number : numbers) frames.try_emplace(number);
    if (decoder_) decoder_->limit_time();
    if (!seekable_ || !read_by_seeking(frames)) read_from_start(frames);
    std::vector<Image> images;
    for (const std::size_t number : numbers) images.push_back(frames.at(number));
    return images;
  }

  /// Reads all frames in their order: visit(number, image).
  template <class Visitor>
  void for_each_frame(Visitor&& visit) {
    FfmpegDecoder decoder(bytes_, name_, options_);
    for (std::size_t number = 0; number < frame_count() && decoder.next(); ++number) {
      visit(number, decoder.image());
      decoder.limit_time();  // visitors may take their time
    }
    note(decoder.damage());
  }

 private:
  void count_frames() {
    decoder_.emplace(bytes_, name_, options_);
    const std::vector<VideoPacket> packets = decoder_->packets();
    seekable_ = trust(packets);
    if (!seekable_) count_by_decoding();
    if (times_.empty()) throw FileError(name_, "the video has no frame that can be decoded");
    compare_with_claim();
  }

  /// Takes frames and key frames from packets, if they can be relied on.
  bool trust(const std::vector<VideoPacket>& packets) {
    if (!decoder_->has_frame_per_packet() || !decoder_->damage().empty()) return false;
    if (packets.empty() || !packets.front().is_key) return false;
    std::map<std::int64_t, const VideoPacket*> in_order;
    for (const VideoPacket& packet : packets)
      if (!packet.time || !in_order.emplace(*packet.time, &packet).second) return false;
    for (const auto& [time, packet] : in_order) {
      if (packet->is_key) keys_.push_back({times_.size(), packet->seek_time});
      times_.push_back(time);
    }
    // A frame before the first key frame is decoded from nothing.
    if (keys_.empty() || keys_.front().number != 0) return false;
    set_seconds();
    return true;
  }

  void count_by_decoding() {
    keys_.clear();
    times_.clear();
    seekable_ = false;
    start_again();
    bool growing = true;
    while (decoder_->next()) {
      if (times_.size() == options_.max_frames)
        throw FileError(name_, "the video has more frames than the limit of " +
                                   std::to_string(options_.max_frames));
      const auto time = decoder_->time();
      growing = growing && time && (times_.empty() || *time > times_.back());
      times_.push_back(time.value_or(0));
    }
    note(decoder_->damage());
    set_seconds();
    for (std::size_t i = 0; !growing && i < seconds_.size(); ++i)
      seconds_[i] = static_cast<double>(i) * decoder_->frame_seconds();
    start_again();
  }

  void set_seconds() {
    seconds_.clear();
    for (const std::int64_t time : times_)
      seconds_.push_back(decoder_->seconds(time) - decoder_->seconds(times_.front()));
  }

  void compare_with_claim() {
    const auto claimed = decoder_->claimed_seconds();
    const double end = seconds_.back() + decoder_->frame_seconds();
    if (claimed && *claimed - end > std::max(0.5, 0.05 * *claimed))
      note("its frames end after " + detail::two_decimals(end) + " s of the " +
           detail::two_decimals(*claimed) + " s that its header claims");
  }

  void note(const std::string& damage) {
    if (damage_.empty()) damage_ = damage;
  }

  void start_again() {
    decoder_.emplace(bytes_, name_, options_);
    next_ = 0;
  }

  /// False if a frame is not what it should be.
  bool read_by_seeking(std::map<std::size_t, Image>& frames) {
    for (auto& [number, image] : frames) {
      if (!reach(number) || !decoder_->damage().empty()) {
        count_by_decoding();
        return false;
      }
      image = decoder_->image();
    }
    return true;
  }

  /// Decodes up to a frame.
  bool reach(std::size_t number) {
    const auto after =
        std::upper_bound(keys_.begin(), keys_.end(), number,
                         [](std::size_t wanted, const Key& key) { return wanted < key.number; });
    const Key& key = *(after - 1);
    const bool continues = next_ && *next_ <= number && key.number <= *next_;
    if (!continues) {
      if (!decoder_->seek(key.seek_time)) return false;
      next_ = key.number;
      if (!skip_before(times_[key.number])) return false;
      if (key.number == number) return true;
    }
    while (*next_ <= number) {
      if (!decoder_->next() || decoder_->time() != times_[*next_]) return false;
      ++*next_;
    }
    return true;
  }

  /// Passes over frames that are shown before a key frame, but stored after it, or between an
  /// earlier key frame and it.
  bool skip_before(std::int64_t time) {
    do {
      if (!decoder_->next() || !decoder_->time()) return false;
    } while (*decoder_->time() < time);
    ++*next_;
    return *decoder_->time() == time;
  }

  void read_from_start(std::map<std::size_t, Image>& frames) {
    if (!next_ || *next_ > frames.begin()->first) start_again();
    Image last;
    for (auto& [number, image] : frames) {
      while (*next_ <= number && decoder_->next())
        if (++*next_ > number || *next_ == frame_count()) last = decoder_->image();
      // Fewer frames than were counted by packets: the last one stands for those that are missing.
      image = last;
    }
  }

  struct Key {
    std::size_t number;
    std::int64_t seek_time;
  };

  std::string name_;
  VideoOptions options_;
  std::optional<MappedFile> file_;
  std::span<const std::byte> bytes_;
  std::optional<FfmpegDecoder> decoder_;
  std::vector<std::int64_t> times_;  // of frames, in units of the stream
  std::vector<double> seconds_;
  std::vector<Key> keys_;  // in order of display
  std::string damage_;
  std::optional<std::size_t> next_;  // number of the frame that decoding gives next, if known
  bool seekable_ = false;
};

}  // namespace coca
