#pragma once
/// @file
/// Keys and values cached for decoding, addressed by slot: a sequence is a list of cache rows, one
/// per position, so that beams are reordered, duplicated and dropped by copying row numbers,
/// never keys or values.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// One layer's keys and values: [rows, 2 * width], each key followed by its value.
template <Backend B>
struct KvCache {
  Array<B> rows;

  KvCache(Context<B>& context, std::size_t capacity, std::size_t width)
      : rows(context.empty(Shape{capacity, 2 * width})) {}
};

/// Which cache rows each sequence consists of; shared by all layers, kept on the host, since the
/// host decides which beams live.
class SequenceTable {
 public:
  /// @param sequences initial number of sequences, all empty
  /// @param capacity  cache rows in all
  SequenceTable(std::size_t sequences, std::size_t capacity)
      : rows_(sequences), capacity_(capacity) {}

  std::size_t sequences() const noexcept { return rows_.size(); }
  std::size_t length() const noexcept { return length_; }
  std::size_t capacity() const noexcept { return capacity_; }

  /// Appends `tokens` new rows to every sequence.
  /// @return the new rows, [sequences, tokens].
  /// @throws ArgumentError if the cache is full.
  std::vector<std::int32_t> append(std::size_t tokens) {
    if (used_ + rows_.size() * tokens > capacity_)
      throw ArgumentError("the key-value cache of " + counted(capacity_, "row") +
                          " is too small for " + counted(rows_.size(), "sequence") + " of " +
                          counted(length_ + tokens, "token"));
    std::vector<std::int32_t> fresh;
    fresh.reserve(rows_.size() * tokens);
    for (auto& sequence : rows_)
      for (std::size_t t = 0; t < tokens; ++t) {
        fresh.push_back(static_cast<std::int32_t>(used_++));
        sequence.push_back(fresh.back());
      }
    length_ += tokens;
    return fresh;
  }

  /// Sequence i continues the previous sequence parents[i]; their number may change.
  /// @throws ArgumentError for a parent that does not exist.
  void reorder(const std::vector<std::size_t>& parents) {
    std::vector<std::vector<std::int32_t>> next;
    next.reserve(parents.size());
    for (const std::size_t parent : parents) {
      if (parent >= rows_.size())
        throw ArgumentError("there is no sequence " + std::to_string(parent) + " among " +
                            std::to_string(rows_.size()));
      next.push_back(rows_[parent]);
    }
    rows_ = std::move(next);
  }

  /// The rows of all sequences, [sequences, length].
  std::vector<std::int32_t> rows() const {
    std::vector<std::int32_t> all;
    all.reserve(rows_.size() * length_);
    for (const auto& sequence : rows_) all.insert(all.end(), sequence.begin(), sequence.end());
    return all;
  }

 private:
  std::vector<std::vector<std::int32_t>> rows_;
  std::size_t capacity_;
  std::size_t length_ = 0;
  std::size_t used_ = 0;
};

/// The input of attention in one decoding step, on the device.
template <Backend B>
struct CacheStep {
  std::size_t batch = 0;       ///< sequences
  std::size_t new_tokens = 0;  ///< per sequence
  std::size_t length = 0;      ///< per sequence, the new tokens included
  Indices<B> write_rows;       ///< [batch * new_tokens], where their keys and values go
  Indices<B> key_rows;         ///< [batch, length]
};

}  // namespace coca
