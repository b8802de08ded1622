#pragma once
/// @file
/// What a folder of pictures may mean.

#include <cstdint>

namespace coca {

/// How a folder of pictures is read.
enum class FolderReading : std::uint8_t {
  automatic,  ///< captions where half of the pictures have one beside them, otherwise classes
  captions,   ///< pictures with captions beside them, or listed in metadata.jsonl or metadata.csv
  classes,    ///< a folder a class
};

}  // namespace coca
