#pragma once
/// @file
/// Small parts of labelled data: a few pictures per class, and a held-out tenth.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/core/error.hpp"
#include "coca/core/random.hpp"
#include "coca/data/dataset.hpp"

namespace coca {

/// A few pictures of each class.
struct FewShots {
  AnyDataset data;
  std::vector<std::size_t> indices{};  ///< of its records in the data that they were drawn from
  /// Classes that have fewer pictures than requested, with how many; those without any are not
  /// among them.
  std::map<std::int32_t, std::size_t> short_classes{};
};

/// At most `shots` pictures of each label, drawn by (seed, index): those of fewer shots are among
/// those of more. They keep their order; records without label and broken ones are left out.
/// @throws ArgumentError for no shots, and for data without labels
inline FewShots few_shots(const AnyDataset& data, std::size_t shots, std::uint64_t seed) {
  if (shots == 0) throw ArgumentError("0 shots were requested, expected at least 1");
  using Draw = std::pair<std::uint64_t, std::size_t>;  // a random number, and the index
  std::map<std::int32_t, std::vector<Draw>> classes;
  const std::uint64_t stream = stream_of("few shots");
  for_each_readable_record(data, [&](std::size_t index, const Record& record) {
    if (!record.label) return;
    const auto words = philox(seed, stream, index);
    classes[*record.label].emplace_back(std::uint64_t{words[0]} << 32 | words[1], index);
  });
  if (classes.empty()) throw ArgumentError("no picture of the data has a label to draw shots by");
  std::vector<std::size_t> chosen;
  std::map<std::int32_t, std::size_t> short_classes;
  for (auto& [label, draws] : classes) {
    std::sort(draws.begin(), draws.end());
    if (draws.size() < shots) short_classes[label] = draws.size();
    draws.resize(std::min(draws.size(), shots));
    for (const Draw& draw : draws) chosen.push_back(draw.second);
  }
  std::sort(chosen.begin(), chosen.end());
  return {Subset(data, chosen), chosen, std::move(short_classes)};
}

/// Whether the picture of a name is among the tenth that is held out to choose by: a hash of the
/// name and the folder that it is in, so that it is on the same side whatever else the data holds
/// and wherever that is.
inline bool is_held_out(std::string_view name) {
  const std::size_t file = name.find_last_of('/');
  if (file != std::string_view::npos && file != 0) {
    const std::size_t folder = name.find_last_of('/', file - 1);
    if (folder != std::string_view::npos) name.remove_prefix(folder + 1);
  }
  Digest digest;
  digest.add(name);
  // the lower bits of FNV-1a depend on the last characters alone
  return ((digest.value() >> 32) ^ digest.value()) % 10 == 0;
}

/// Data to train on, and data to choose by.
struct HeldOutSplit {
  AnyDataset training, validation;
};

/// Holds out a tenth, see is_held_out().
/// @throws ArgumentError if one side is empty
inline HeldOutSplit hold_out_tenth(const AnyDataset& data) {
  std::vector<std::size_t> training, validation;
  for_each_readable_record(data, [&](std::size_t index, const Record& record) {
    (is_held_out(record.name) ? validation : training).push_back(index);
  });
  if (training.empty() || validation.empty())
    throw ArgumentError("a tenth of " + std::to_string(data.size()) +
                        " pictures cannot be held out; give data to validate on");
  return {Subset(data, std::move(training)), Subset(data, std::move(validation))};
}

}  // namespace coca
