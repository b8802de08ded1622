#pragma once
/// @file
/// Decoded frames as RGB.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/core/error.hpp"
#include "coca/image/image.hpp"
#include "coca/video/ffmpeg_libraries.hpp"

#if COCA_HAS_FFMPEG

namespace coca::detail {

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

}  // namespace coca::detail

#endif
