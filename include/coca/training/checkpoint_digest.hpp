#pragma once
/// @file
/// A digest of all that a checkpoint of a run holds, by which damage is noticed: a weight with a
/// wrong bit is a number like any other.

#include <span>
#include <string>
#include <string_view>

#include "coca/core/digest.hpp"
#include "coca/core/weight_source.hpp"

namespace coca {

/// Metadata of a training checkpoint that holds the digest of its content.
inline constexpr const char* training_digest_key = "coca_training_digest";

/// Of the record of a run, and of its tensors in a fixed order.
class CheckpointDigest {
 public:
  /// @param record as it is stored
  explicit CheckpointDigest(std::string_view record) { digest_.add_text(record); }

  /// Reads the tensor, a few rows at a time.
  void add(std::string_view name, const WeightSource& source) {
    FloatDigest values;
    for_each_part(source, [&values](std::span<const float> some) { values.add(some); });
    digest_.add_text(name);
    digest_.add_text(values.text());
  }

  /// 16 hexadecimal digits.
  std::string text() const { return digest_.text(); }

 private:
  Digest digest_;
};

}  // namespace coca
