#pragma once
/// @file
/// What is known of containers, codecs and display matrices.

#include <algorithm>
#include <array>
#include <cstdint>

#include "coca/video/ffmpeg_libraries.hpp"

#if COCA_HAS_FFMPEG

namespace coca::detail {

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

}  // namespace coca::detail

#endif
