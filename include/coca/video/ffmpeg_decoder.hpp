#pragma once
/// @file
/// One pass through the frames of a video in memory, decoded by FFmpeg. What a reader makes of it
/// is in `video/video_file.hpp`.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/image/exif.hpp"
#include "coca/image/image.hpp"
#include "coca/video/ffmpeg_formats.hpp"
#include "coca/video/ffmpeg_libraries.hpp"
#include "coca/video/ffmpeg_memory.hpp"
#include "coca/video/ffmpeg_scaler.hpp"
#include "coca/video/video_options.hpp"

namespace coca {

/// A compressed frame as its container describes it. Times are in units of the stream.
struct VideoPacket {
  std::optional<std::int64_t> time{};  ///< when its frame is shown
  std::int64_t seek_time = 0;          ///< where to seek for it; only if `time` is known
  bool is_key = false;                 ///< whether decoding can begin here
};

#if COCA_HAS_FFMPEG

/// Decodes the frames of a video one after the other, from its start or from a key frame.
class FfmpegDecoder {
 public:
  /// @param bytes   must outlive this object
  /// @param name    what messages call the video
  /// @throws FileError for anything but a video that can be decoded
  FfmpegDecoder(std::span<const std::byte> bytes, std::string name, const VideoOptions& options)
      : name_(std::move(name)), options_(options), memory_(new detail::FfmpegMemory(bytes)) {
    be_silent();
    limit_time();
    open_container();
    open_decoder();
    packet_ = detail::ffmpeg_owned(av_packet_alloc());
    frame_ = detail::ffmpeg_owned(av_frame_alloc());
  }

  /// Starts the clock of VideoOptions::max_seconds again.
  void limit_time() { memory_->set_deadline(options_.max_seconds); }

  /// Whether the frames of the video can be counted by its packets.
  bool has_frame_per_packet() const { return detail::holds_one_frame(*stream().codecpar); }

  /// A difference of times in seconds.
  double seconds(std::int64_t time) const {
    return static_cast<double>(time) * av_q2d(stream().time_base);
  }

  /// How long the video is, if its header says so.
  std::optional<double> claimed_seconds() const {
    if (stream_duration_ != AV_NOPTS_VALUE) return seconds(stream_duration_);
    if (format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE ||
        format_->duration == AV_NOPTS_VALUE)
      return std::nullopt;
    return static_cast<double>(format_->duration) / AV_TIME_BASE;
  }

  /// Seconds from one frame to the next, if the file says so; otherwise those of 25 per second.
  double frame_seconds() const {
    const double rate = av_q2d(stream().avg_frame_rate);
    return rate > 0 && std::isfinite(rate) ? 1 / rate : 0.04;
  }

  /// The remaining packets of frames that are shown. Nothing is decoded; seek() leads back.
  /// @throws FileError beyond the limits
  std::vector<VideoPacket> packets() {
    std::vector<VideoPacket> all;
    while (read_packet()) {
      if ((packet_->flags & AV_PKT_FLAG_DISCARD) != 0) continue;
      if (all.size() == options_.max_frames) refuse_more_frames();
      VideoPacket packet{.is_key = (packet_->flags & AV_PKT_FLAG_KEY) != 0};
      if (packet_->pts != AV_NOPTS_VALUE) packet.time = packet_->pts;
      // Containers index by either time; before the earlier of them is always right.
      packet.seek_time =
          packet_->dts == AV_NOPTS_VALUE ? packet_->pts : std::min(packet_->pts, packet_->dts);
      all.push_back(packet);
    }
    return all;
  }

  /// Continues before a key frame. The decoder always gets the first packet of the video first:
  /// x264 names itself only there, and decoders work around the faults of its versions.
  /// @return false if the container cannot seek
  bool seek(std::int64_t time) {
    if (!started_ && first_packet_ == nullptr && !read_packet()) return false;
    if (!started_) avcodec_send_packet(codec_.get(), first_packet_.get());
    started_ = true;
    if (av_seek_frame(format_.get(), stream_index_, time, AVSEEK_FLAG_BACKWARD) < 0) return false;
    avcodec_flush_buffers(codec_.get());
    draining_ = false;
    return true;
  }

  /// Decodes the next frame in order of display; false at the end.
  /// @throws FileError beyond the limits
  bool next() {
    for (std::size_t errors = 0; errors < most_errors_at_end;) {
      const int code = avcodec_receive_frame(codec_.get(), frame_.get());
      if (code == 0) {
        note_frame();
        return true;
      }
      if (code == AVERROR_EOF) return false;
      if (code != AVERROR(EAGAIN)) {
        note(code);
        errors += draining_ ? 1 : 0;
      }
      if (!draining_) feed();
    }
    return false;
  }

  /// When the frame is shown, if that is known.
  std::optional<std::int64_t> time() const {
    if (frame_->best_effort_timestamp == AV_NOPTS_VALUE) return std::nullopt;
    return frame_->best_effort_timestamp;
  }

  /// The frame that next() decoded. @throws FileError if it cannot be converted or is too large
  Image image() {
    expect_extents(frame_->width, frame_->height);
    Image image = scaler_(*frame_, name_);
    return orientation_ == 1 ? image : apply_orientation(image, orientation_);
  }

  /// The first thing that was wrong since it was opened; empty: nothing.
  const std::string& damage() const noexcept { return damage_; }

 private:
  static constexpr std::size_t most_errors_at_end = 64;

  /// FFmpeg prints what it finds wrong, which a library must not do, unless the program has chosen
  /// what is to be printed.
  static void be_silent() {
    if (av_log_get_level() == AV_LOG_INFO) av_log_set_level(AV_LOG_QUIET);
  }

  static int refuse_to_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
    return AVERROR(EPERM);
  }

  const AVStream& stream() const { return *format_->streams[stream_index_]; }

  [[noreturn]] void fail(const std::string& problem, int code) const {
    throw FileError(name_, problem + ": " + detail::ffmpeg_text(code));
  }

  [[noreturn]] void refuse_more_frames() const {
    throw FileError(name_, "the video has more frames than the limit of " +
                               std::to_string(options_.max_frames));
  }

  void expect_in_time() const {
    if (memory_->is_late()) throw FileError(name_, "the video takes too long to decode");
  }

  void expect_extents(int width, int height) const {
    detail::check_extents(name_, static_cast<std::size_t>(std::max(width, 0)),
                          static_cast<std::size_t>(std::max(height, 0)),
                          {.max_pixels = options_.max_pixels});
  }

  void open_container() {
    constexpr int buffer_bytes = 1 << 16;
    auto buffer = detail::ffmpeg_owned(static_cast<std::uint8_t*>(av_malloc(buffer_bytes)));
    io_ = detail::ffmpeg_owned(avio_alloc_context(buffer.get(), buffer_bytes, 0, memory_.get(),
                                                  &detail::FfmpegMemory::read, nullptr,
                                                  &detail::FfmpegMemory::seek));
    buffer.release();  // freed with what reads into it
    AVFormatContext* format = avformat_alloc_context();
    if (format == nullptr) throw Error("FFmpeg has no memory left");
    format->pb = io_.get();
    format->io_open = &refuse_to_open;
    format->interrupt_callback = {&detail::FfmpegMemory::is_late, memory_.get()};
    av_opt_set(format, "format_whitelist", detail::video_containers, 0);
    const int code = avformat_open_input(&format, "", nullptr, nullptr);  // frees it if it fails
    if (code == AVERROR_INVALIDDATA)
      throw FileError(name_, "not a video that can be read, or one that is cut off");
    if (code == AVERROR(EINVAL)) throw FileError(name_, "not a video of a known kind");
    if (code < 0) fail("cannot be opened as a video", code);
    format_.reset(format);
    find_streams();
  }

  void find_streams() {
    std::vector<AVDictionary*> limits(format_->nb_streams, nullptr);
    for (AVDictionary*& limit : limits)
      av_dict_set_int(&limit, "max_pixels", static_cast<std::int64_t>(options_.max_pixels), 0);
    const int code = avformat_find_stream_info(format_.get(), limits.data());
    for (AVDictionary*& limit : limits) av_dict_free(&limit);
    expect_in_time();
    if (code < 0) fail("its streams cannot be found", code);
  }

  void open_decoder() {
    const AVCodec* decoder = nullptr;
    stream_index_ = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (stream_index_ == AVERROR_DECODER_NOT_FOUND)
      throw FileError(name_, "this build of FFmpeg has no decoder for the video");
    if (stream_index_ < 0 || (stream().disposition & AV_DISPOSITION_ATTACHED_PIC) != 0)
      throw FileError(name_, "it has no video, expected one");
    for (unsigned i = 0; i < format_->nb_streams; ++i)
      if (static_cast<int>(i) != stream_index_) format_->streams[i]->discard = AVDISCARD_ALL;
    expect_extents(stream().codecpar->width, stream().codecpar->height);
    codec_ = detail::ffmpeg_owned(avcodec_alloc_context3(decoder));
    if (const int code = avcodec_parameters_to_context(codec_.get(), stream().codecpar); code < 0)
      fail("its decoder cannot be set up", code);
    codec_->pkt_timebase = stream().time_base;
    codec_->max_pixels = static_cast<std::int64_t>(options_.max_pixels);
    codec_->thread_count = options_.threads;
    if (const int code = avcodec_open2(codec_.get(), decoder, nullptr); code < 0)
      fail("its decoder cannot be opened", code);
    stream_duration_ = stream().duration;
    if (options_.rotate) orientation_ = stored_orientation();
  }

  int stored_orientation() const {
    std::size_t size = 0;
    const std::uint8_t* data = av_stream_get_side_data(&stream(), AV_PKT_DATA_DISPLAYMATRIX, &size);
    std::array<std::int32_t, 9> matrix{};
    if (data == nullptr || size < sizeof(matrix)) return 1;
    std::memcpy(matrix.data(), data, sizeof(matrix));
    return detail::display_orientation(matrix.data());
  }

  /// The next packet of the video; false at the end, or where nothing more can be read.
  bool read_packet() {
    while (true) {
      expect_in_time();
      av_packet_unref(packet_.get());
      const int code = av_read_frame(format_.get(), packet_.get());
      expect_in_time();
      if (code < 0) {
        if (code != AVERROR_EOF) note(code);
        return false;
      }
      // An empty packet would end the decoding.
      if (packet_->stream_index != stream_index_ || packet_->size == 0) continue;
      if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0) note(AVERROR_INVALIDDATA);
      if (first_packet_ == nullptr)
        first_packet_ = detail::ffmpeg_owned(av_packet_clone(packet_.get()));
      return true;
    }
  }

  void feed() {
    draining_ = !read_packet();
    started_ = true;
    const int code = avcodec_send_packet(codec_.get(), draining_ ? nullptr : packet_.get());
    if (code < 0) note(code);
  }

  void note(int code) {
    if (damage_.empty()) damage_ = "it is damaged or cut off: " + detail::ffmpeg_text(code);
  }

  void note_frame() {
    if (frame_->decode_error_flags != 0 || (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0)
      note(AVERROR_INVALIDDATA);
  }

  std::string name_;
  VideoOptions options_;
  std::unique_ptr<detail::FfmpegMemory> memory_;  // FFmpeg keeps its address
  detail::FfmpegPtr<AVIOContext> io_;             // outlives the container
  detail::FfmpegPtr<AVFormatContext> format_;
  detail::FfmpegPtr<AVCodecContext> codec_;
  detail::FfmpegPtr<AVPacket> packet_, first_packet_;
  detail::FfmpegPtr<AVFrame> frame_;
  detail::FfmpegScaler scaler_;
  std::string damage_;
  std::int64_t stream_duration_ = AV_NOPTS_VALUE;
  int stream_index_ = -1;
  int orientation_ = 1;
  bool started_ = false;  // whether the decoder got a packet
  bool draining_ = false;
};

#else

/// Without FFmpeg's libraries: cannot be made.
class FfmpegDecoder {
 public:
  /// @throws UnavailableError always
  FfmpegDecoder(std::span<const std::byte>, const std::string& name, const VideoOptions&) {
    throw UnavailableError(name +
                           ": reading videos needs FFmpeg's libraries, which this build "
                           "does not have");
  }
  void limit_time() {}
  bool has_frame_per_packet() const { return false; }
  double seconds(std::int64_t) const { return 0; }
  std::optional<double> claimed_seconds() const { return std::nullopt; }
  double frame_seconds() const { return 0; }
  std::vector<VideoPacket> packets() { return {}; }
  bool seek(std::int64_t) { return false; }
  bool next() { return false; }
  std::optional<std::int64_t> time() const { return std::nullopt; }
  Image image() { return {}; }
  const std::string& damage() const noexcept { return damage_; }

 private:
  std::string damage_;
};

#endif

}  // namespace coca
