#pragma once
/// @file
/// The only header that includes FFmpeg's libraries (avformat, avcodec, swscale, avutil; 5.1 or
/// later): one pass through the frames of a video in memory. What a reader makes of it is in
/// `video/video_file.hpp`.

#include <algorithm>
#include <array>
#include <chrono>
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
#include "coca/video/video_options.hpp"

#if COCA_HAS_FFMPEG
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}
#endif

namespace coca {

/// A compressed frame as its container describes it. Times are in units of the stream.
struct VideoPacket {
  std::optional<std::int64_t> time{};  ///< when its frame is shown
  std::int64_t seek_time = 0;          ///< where to seek for it; only if `time` is known
  bool is_key = false;                 ///< whether decoding can begin here
};

#if COCA_HAS_FFMPEG

namespace detail {

inline std::string ffmpeg_text(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

// Deleters of what FFmpeg allocates.
struct FfmpegFree {
  void operator()(AVIOContext* io) const noexcept {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
  void operator()(AVFormatContext* format) const noexcept { avformat_close_input(&format); }
  void operator()(AVCodecContext* codec) const noexcept { avcodec_free_context(&codec); }
  void operator()(AVPacket* packet) const noexcept { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const noexcept { av_frame_free(&frame); }
  void operator()(SwsContext* scaler) const noexcept { sws_freeContext(scaler); }
  void operator()(std::uint8_t* memory) const noexcept { av_free(memory); }
};
template <class T>
using FfmpegPtr = std::unique_ptr<T, FfmpegFree>;

/// @throws Error if FFmpeg could not allocate
template <class T>
FfmpegPtr<T> ffmpeg_owned(T* object) {
  if (object == nullptr) throw Error("FFmpeg has no memory left");
  return FfmpegPtr<T>(object);
}

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

/// Frames to RGB as the ffmpeg program does: bicubic, the frame's own matrix and range, chroma
/// placed as in MPEG-2; opacity is dropped.
class FfmpegScaler {
 public:
  /// @throws FileError for a frame that cannot be converted
  Image operator()(const AVFrame& frame, const std::string& name) {
    const Kind kind{frame.width, frame.height, frame.format, frame.colorspace, frame.color_range};
    if (!scaler_ || kind != kind_) prepare(kind, name);
    const auto width = static_cast<std::size_t>(frame.width);
    const auto height = static_cast<std::size_t>(frame.height);
    std::array<std::uint8_t*, 4> target{buffer_.get(), nullptr, nullptr, nullptr};
    const std::array<int, 4> strides{static_cast<int>(stride_), 0, 0, 0};
    if (sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, target.data(),
                  strides.data()) != frame.height)
      throw FileError(name, "a frame cannot be converted to RGB");
    Image image(width, height);
    for (std::size_t y = 0; y < height; ++y)
      std::copy_n(buffer_.get() + y * stride_, width * Image::channels, image.row(y));
    return image;
  }

 private:
  struct Kind {
    int width, height, format;
    AVColorSpace space;
    AVColorRange range;
    bool operator==(const Kind&) const = default;
  };

  void prepare(const Kind& kind, const std::string& name) {
    scaler_ = ffmpeg_owned(sws_alloc_context());
    const auto set = [&](const char* option, std::int64_t value) {
      av_opt_set_int(scaler_.get(), option, value, 0);
    };
    for (const char* side : {"srcw", "dstw"}) set(side, kind.width);
    for (const char* side : {"srch", "dsth"}) set(side, kind.height);
    set("src_format", kind.format);
    set("dst_format", AV_PIX_FMT_RGB24);
    set("sws_flags", SWS_BICUBIC);
    if (kind.format == AV_PIX_FMT_YUV420P) set("src_v_chr_pos", 128);
    if (sws_init_context(scaler_.get(), nullptr, nullptr) < 0)
      throw FileError(name, "frames of its pixel format cannot be converted to RGB");
    set_colors(kind);
    // swscale may write somewhat beyond the end of a row.
    constexpr std::size_t padding = 64;
    stride_ = (static_cast<std::size_t>(kind.width) * 3 + padding - 1) / padding * padding;
    const std::size_t bytes = stride_ * static_cast<std::size_t>(kind.height) + padding;
    buffer_ = ffmpeg_owned(static_cast<std::uint8_t*>(av_mallocz(bytes)));
    kind_ = kind;
  }

  void set_colors(const Kind& kind) {
    int *inverse = nullptr, *table = nullptr;
    int in_full = 0, out_full = 0, brightness = 0, contrast = 0, saturation = 0;
    if (sws_getColorspaceDetails(scaler_.get(), &inverse, &in_full, &table, &out_full, &brightness,
                                 &contrast, &saturation) < 0)
      return;  // not between YUV and RGB
    if (kind.range != AVCOL_RANGE_UNSPECIFIED) in_full = kind.range == AVCOL_RANGE_JPEG ? 1 : 0;
    const int* matrix = sws_getCoefficients(kind.space);
    sws_setColorspaceDetails(scaler_.get(), matrix, in_full, matrix, out_full, brightness, contrast,
                             saturation);
  }

  FfmpegPtr<SwsContext> scaler_;
  FfmpegPtr<std::uint8_t> buffer_;
  std::size_t stride_ = 0;
  Kind kind_{};
};

/// EXIF's number of the quarter turns and mirrorings that a display matrix describes; 1 for any
/// other matrix.
inline int display_orientation(const std::int32_t* matrix) {
  const auto sign = [](std::int32_t x) { return x > 0 ? 1 : x < 0 ? -1 : 0; };
  const std::array<int, 4> turn{sign(matrix[0]), sign(matrix[1]), sign(matrix[3]), sign(matrix[4])};
  constexpr std::array<std::array<int, 4>, 8> turns{{{1, 0, 0, 1},
                                                     {-1, 0, 0, 1},
                                                     {-1, 0, 0, -1},
                                                     {1, 0, 0, -1},
                                                     {0, 1, 1, 0},
                                                     {0, 1, -1, 0},
                                                     {0, -1, -1, 0},
                                                     {0, -1, 1, 0}}};
  const auto found = std::find(turns.begin(), turns.end(), turn);
  return found == turns.end() ? 1 : static_cast<int>(found - turns.begin()) + 1;
}

/// Containers that hold their video themselves. No playlists, no lists of pictures, no devices.
inline constexpr const char* video_containers =
    "mov,matroska,avi,gif,apng,mpegts,mpeg,mpegvideo,flv,ogg,asf,ivf,h264,hevc,m4v,obu,vc1,nut,mxf,"
    "dv,rm,yuv4mpegpipe";

/// Codecs of which each packet holds one frame that is shown. Others (VP8 with its hidden frames,
/// MPEG-4 with packed ones) are counted by decoding.
inline bool holds_one_frame(const AVCodecParameters& parameters) {
  switch (parameters.codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:  // a packet may hold one of the two fields of an interlaced frame
      return parameters.field_order <= AV_FIELD_PROGRESSIVE;
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_MJPEG:
    case AV_CODEC_ID_PNG:
    case AV_CODEC_ID_FFV1:
    case AV_CODEC_ID_PRORES:
    case AV_CODEC_ID_RAWVIDEO:
      return true;
    default:
      return false;
  }
}

}  // namespace detail

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
