#pragma once
/// @file
/// The ways to read a folder of pictures.

#include <cstdint>

namespace coca {

/// How a folder of pictures is read.
enum class FolderReading : std::uint8_t {
  automatic,  ///< captions if half of the pictures have one next to them, otherwise classes
  captions,   ///< pictures with captions next to them, or listed in metadata.jsonl or metadata.csv
  classes,    ///< one folder per class
};

}  // namespace coca
