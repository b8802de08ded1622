#pragma once
/// @file
/// How a program reads pictures, and the damage that it found.

#include <string>

#include "coca/core/counted.hpp"
#include "coca/image/read_image.hpp"

namespace coca_examples {

/// The option --truncated, and a count of damaged pictures that could be read.
struct PictureReading {
  bool truncated = false;
  coca::DamagedPictures damaged{};

  coca::ReadOptions options() { return {.truncated = truncated, .damaged = &damaged}; }
};

/// The one of this program, which has one command line.
inline PictureReading& picture_reading() {
  static PictureReading reading;
  return reading;
}

/// "2 pictures are damaged ...", for the end of a program; empty if there was none.
inline std::string about_damaged(const coca::DamagedPictures& damaged) {
  const std::size_t count = damaged.count();
  if (count == 0) return "";
  if (count == 1) return "1 picture is damaged, but was read: " + damaged.first();
  return coca::counted(count, "picture") + " are damaged, but were read; the first is " +
         damaged.first();
}

}  // namespace coca_examples
