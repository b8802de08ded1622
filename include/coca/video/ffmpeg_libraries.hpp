#pragma once
/// @file
/// The only header that includes FFmpeg's libraries (avformat, avcodec, swscale, avutil; 5.1 or
/// later), and owners of what they allocate.

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "coca/core/error.hpp"
#include "coca/features.hpp"

#if COCA_HAS_FFMPEG
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace coca::detail {

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

}  // namespace coca::detail

#endif
