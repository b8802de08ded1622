#pragma once
/// @file
/// The output of a Loader.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coca/data/feature_source.hpp"
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

/// Further fields of a record, by key: UTF-8 text as in its file; numbers, lists and objects of
/// JSON as their JSON.
using RecordFields = std::map<std::string, std::string>;

/// Samples side by side; all lists have one element per sample.
struct Batch {
  DataPosition position;
  /// Normalised floats, [batch * pictures_per_sample, 3, height, width].
  PixelBatch pixels;
  std::size_t pictures_per_sample = 1;
  FeatureBatch features{};            ///< in the place of pixels, if the loader has features
  std::vector<std::string> captions;  ///< "" where a picture has none
  std::vector<std::string> names;
  std::vector<std::int32_t> labels;     ///< no_label where a picture has none
  std::vector<RecordFields> fields;     ///< those of the records, untouched
  std::vector<std::size_t> indices;     ///< of the samples in their data set
  std::vector<SkippedPicture> skipped;  ///< broken pictures that were replaced by others

  /// Number of samples.
  std::size_t size() const noexcept { return indices.size(); }

  /// Calls visit(list) for each list with one element per sample.
  template <class Visitor>
  void for_each_list(Visitor&& visit) {
    visit(captions);
    visit(names);
    visit(labels);
    visit(fields);
    visit(indices);
  }
};

}  // namespace coca
