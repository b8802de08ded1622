#pragma once
/// @file
/// The order of the samples in an epoch, and their distribution over the ranks of a run.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/random.hpp"
#include "coca/data/random_draws.hpp"

namespace coca {

/// How samples are ordered and grouped.
struct OrderOptions {
  std::size_t batch_size = 1;  ///< per rank
  bool shuffle = true;         ///< otherwise each epoch is 0, 1, 2, ...
  bool drop_last = true;       ///< drop the samples of an epoch that do not fill a batch
  std::uint64_t seed = 0;
  /// Maximum number of consecutive samples of one group, so that a batch contains things that are
  /// hard to tell apart (Yuksekgonul et al. 2023, arXiv 2210.01936, have such negatives in their
  /// batches); 1: groups do not matter.
  std::size_t group_size = 1;
  std::size_t rank = 0;   ///< of this process
  std::size_t ranks = 1;  ///< processes that share the data
};

/// Batches of sample numbers. The order of an epoch is a function of (seed, epoch), and batch `i`
/// of R ranks with batch size b, one after the other, is batch `i` of one rank with batch size R *
/// b.
class ShuffledOrder {
 public:
  /// @param size   number of samples
  /// @param groups index of each sample's group, below `size`; empty: there are no groups
  /// @throws ArgumentError for options that contradict each other, or an epoch without any batch.
  explicit ShuffledOrder(std::size_t size, const OrderOptions& options = {},
                         std::vector<std::size_t> groups = {})
      : size_(size), options_(options), groups_(std::move(groups)) {
    check();
  }

  std::size_t size() const noexcept { return size_; }
  const OrderOptions& options() const noexcept { return options_; }

  /// Samples of a batch of all ranks together.
  std::size_t global_batch_size() const noexcept { return options_.batch_size * options_.ranks; }

  /// The same on each rank.
  std::size_t batches_per_epoch() const noexcept {
    const std::size_t full = size_ / global_batch_size();
    const bool rest = size_ % global_batch_size() != 0;
    return full + (rest && !options_.drop_last ? 1 : 0);
  }

  /// Indices in the order of an epoch, [first, last), of this rank's batch. Of an incomplete
  /// last batch each rank takes about the same share, perhaps nothing.
  std::pair<std::size_t, std::size_t> positions(std::size_t batch) const noexcept {
    const std::size_t begin = batch * global_batch_size();
    const std::size_t count = std::min(global_batch_size(), size_ - std::min(size_, begin));
    return {begin + share(count, options_.rank), begin + share(count, options_.rank + 1)};
  }

  /// All samples in the order of that epoch: a uniformly drawn permutation of 0 ... size - 1
  /// (Fisher and Yates), groups drawn together; or those numbers in order without shuffling.
  std::vector<std::size_t> permutation(std::uint64_t epoch) const {
    std::vector<std::size_t> order(size_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (!options_.shuffle) return order;
    shuffle(order, epoch);
    return options_.group_size > 1 && !groups_.empty() ? grouped(order) : order;
  }

  /// Sample numbers of this rank's batch. @throws ArgumentError if the epoch has no such batch.
  std::vector<std::size_t> batch(std::uint64_t epoch, std::size_t batch) const {
    if (batch >= batches_per_epoch()) {
      throw ArgumentError("batch " + std::to_string(batch) + " was requested from an epoch of " +
                          std::to_string(batches_per_epoch()));
    }
    const std::vector<std::size_t> order = permutation(epoch);
    const auto [first, last] = positions(batch);
    return {order.begin() + static_cast<std::ptrdiff_t>(first),
            order.begin() + static_cast<std::ptrdiff_t>(last)};
  }

 private:
  void shuffle(std::vector<std::size_t>& order, std::uint64_t epoch) const {
    const std::uint64_t stream = detail::epoch_stream("order", epoch);
    for (std::size_t i = size_; i > 1; --i) {
      const auto words = philox(options_.seed, stream, i);
      // 32 bits more than the range needs, so that no number is noticeably more likely.
      const std::uint64_t high = std::uint64_t{words[0]} * i;
      const std::uint64_t low = std::uint64_t{words[1]} * i;
      std::swap(order[i - 1], order[(high + (low >> 32)) >> 32]);
    }
  }

  /// Each sample is followed by others of its group: the next ones in `order`.
  std::vector<std::size_t> grouped(const std::vector<std::size_t>& order) const {
    std::vector<std::vector<std::size_t>> runs;
    std::vector<std::size_t> open_run(size_, size_);  // of each group; size_: none
    for (const std::size_t sample : order) {
      std::size_t& run = open_run[groups_[sample]];
      if (run == size_) {
        run = runs.size();
        runs.emplace_back();
      }
      runs[run].push_back(sample);
      if (runs[run].size() == options_.group_size) run = size_;
    }
    std::vector<std::size_t> result;
    result.reserve(size_);
    for (const std::vector<std::size_t>& run : runs)
      result.insert(result.end(), run.begin(), run.end());
    return result;
  }

  /// First place of a rank among `count` places that all ranks share.
  std::size_t share(std::size_t count, std::size_t rank) const noexcept {
    const std::size_t each = count / options_.ranks;
    return each * rank + std::min(rank, count % options_.ranks);
  }

  void check() const {
    if (options_.batch_size == 0) throw ArgumentError("batch_size is 0, expected at least 1");
    if (options_.ranks == 0 || options_.rank >= options_.ranks ||
        options_.batch_size > std::numeric_limits<std::uint32_t>::max() / options_.ranks) {
      throw ArgumentError("the order of samples: batch size " +
                          std::to_string(options_.batch_size) + ", rank " +
                          std::to_string(options_.rank) + " of " + std::to_string(options_.ranks) +
                          " (expected a rank below their number, and at most 4294967295 samples in "
                          "the batch of all)");
    }
    if (size_ > std::numeric_limits<std::uint32_t>::max()) {
      throw ArgumentError("a data set of " + counted(size_, "sample") +
                          " is too large, at most 4294967295 are ordered");
    }
    const auto is_group = [this](std::size_t group) { return group < size_; };
    if (options_.group_size == 0 || (!groups_.empty() && groups_.size() != size_) ||
        !std::all_of(groups_.begin(), groups_.end(), is_group)) {
      throw ArgumentError("the order of samples: groups of " + std::to_string(options_.group_size) +
                          " and " + std::to_string(groups_.size()) + " group numbers for " +
                          counted(size_, "sample") +
                          " (expected at least 1, and a number below that for each)");
    }
    if (batches_per_epoch() == 0) {
      throw ArgumentError("a data set of " + counted(size_, "sample") +
                          " does not fill one batch of " + counted(global_batch_size(), "sample") +
                          "; choose a smaller batch size");
    }
  }

  std::size_t size_;
  OrderOptions options_;
  std::vector<std::size_t> groups_;
};

}  // namespace coca
