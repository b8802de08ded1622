#pragma once
/// @file
/// The data of tasks that need more than a list of pictures: questions, pairs of pictures, videos.

#include <cstddef>
#include <string>

#include "coca/data/dataset.hpp"
#include "coca/data/sample_reader.hpp"

namespace coca {

/// Records, and what a loader must know of them.
struct TaskData {
  AnyDataset records;
  std::size_t pictures_per_sample = 1;
  std::string flip_key{};  ///< see SampleOptions; empty: what options say
};

/// Tells a loader.
inline void apply(const TaskData& data, SampleOptions& options) {
  options.pictures_per_sample = data.pictures_per_sample;
  if (!data.flip_key.empty()) options.flip_key = data.flip_key;
}

}  // namespace coca
