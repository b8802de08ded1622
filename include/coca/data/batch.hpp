#pragma once
/// @file
/// The output of a Loader.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/image/preprocess.hpp"

namespace coca {

/// A position in a run over the data: which batch of which epoch comes next. Both count from 0.
struct DataPosition {
  std::uint64_t epoch = 0;
  std::size_t batch = 0;

  friend constexpr bool operator==(const DataPosition&, const DataPosition&) = default;
};

/// A picture that could not be shown.
struct SkippedPicture {
  std::size_t index = 0;  ///< of the sample in its data set
  std::string name;       ///< of its record
  std::string reason;     ///< one sentence
};

/// The label of samples without one.
inline constexpr std::int32_t no_label = -1;

/// Samples side by side; all lists have one element per picture.
struct Batch {
  DataPosition position;
  PixelBatch pixels;                  ///< normalised floats, [batch, 3, height, width]
  std::vector<std::string> captions;  ///< "" if a picture has none
  std::vector<std::string> names;
  std::vector<std::int32_t> labels;     ///< no_label if a picture has none
  std::vector<std::size_t> indices;     ///< of the samples in their data set
  std::vector<SkippedPicture> skipped;  ///< broken pictures that were replaced by others

  /// Number of pictures.
  std::size_t size() const noexcept { return indices.size(); }
};

}  // namespace coca
