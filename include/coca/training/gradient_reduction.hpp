#pragma once
/// @file
/// The sum of all processes' gradients, begun while the backward pass still runs (Li et al.,
/// "PyTorch Distributed", 2020, arXiv 2006.15704).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/training/communicator.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// What the backward pass of a tape is to a step.
enum class GradientPass : std::uint8_t {
  losses,  ///< of losses only, before the pass through the model
  part,    ///< more will be added to the gradients by others
  last,    ///< completes the gradients
};

/// Sums gradients in buckets of parameters that lie side by side, those of the last first: about
/// the order in which a backward pass completes them. Which operation is the last to add to a
/// parameter is learnt from the first one, and used in all later ones that have as many
/// operations. When a bucket's sum begins changes no bit of it, and its place among the sums is the
/// same on all processes.
template <class Model, class Processes>
requires Communicator<Processes, typename Model::backend_type>
class GradientReduction : private TapeObserver<typename Model::backend_type> {
 public:
  using B = typename Model::backend_type;

  /// @param trainable must live as long, as must `context`
  /// @param bucket_size minimum elements per bucket, if there are so many
  GradientReduction(const Trainable<Model>& trainable, Context<B>& context, Processes processes,
                    std::size_t bucket_size)
      : trainable_(trainable),
        context_(context),
        processes_(std::move(processes)),
        complete_below_(trainable.entries().size(), 0) {
    make_buckets(std::max<std::size_t>(bucket_size, 1));
  }
  GradientReduction(const GradientReduction&) = delete;
  GradientReduction& operator=(const GradientReduction&) = delete;

  std::size_t bucket_count() const noexcept { return buckets_.size(); }
  /// Of the last step: sums that were begun before the end of its backward pass.
  std::size_t begun_early() const noexcept { return begun_early_; }

  /// Lets a tape, which already watches the parameters, report its progress.
  void follow(Tape<B>& tape, GradientPass pass) {
    if (processes_.size() == 1) return;
    pass_ = pass;
    left_ = forward;
    tape.observe(*this);
  }

  /// Returns when the gradients are the sums.
  void finish() {
    if (processes_.size() == 1) return;
    begun_early_ = begun_.size();
    while (begun_.size() < buckets_.size()) begin_next();
    for (auto& reduction : begun_) reduction.wait();
    begun_.clear();
  }

 private:
  using Pending = decltype(std::declval<const Processes&>().start_all_reduce(
      std::declval<Context<B>&>(), std::declval<const Array<B>&>()));

  static constexpr std::size_t forward = std::numeric_limits<std::size_t>::max();

  struct Bucket {
    std::size_t first_entry = 0, last_entry = 0;  // [first, last)
    std::size_t first = 0, size = 0;              // elements
  };

  void make_buckets(std::size_t size) {
    const auto& entries = trainable_.entries();
    std::size_t end = trainable_.gradients().shape().size();
    for (std::size_t last = entries.size(), i = last; i-- > 0;) {
      if (end - entries[i].offset < size && i != 0) continue;
      buckets_.push_back({i, last, entries[i].offset, end - entries[i].offset});
      last = i;
      end = entries[i].offset;
    }
  }

  void on_watched_gradient(const Array<B>& values) override {
    if (values.buffer().id() != trainable_.values().buffer().id()) return;
    const auto& entries = trainable_.entries();
    const auto after = std::upper_bound(
        entries.begin(), entries.end(), values.offset(),
        [](std::size_t offset, const TrainableEntry& entry) { return offset < entry.offset; });
    const auto entry = static_cast<std::size_t>(after - entries.begin()) - 1;
    if (!begun_.empty() && entry >= buckets_[begun_.size() - 1].first_entry)
      throw Error(entries[entry].path +
                  " has a gradient after its sum over all processes has begun: the model has "
                  "recorded other operations than before");
    std::size_t& below = complete_below_[entry];
    below = below == 0 ? left_ : std::min(below, left_);
  }

  void on_operations_left(std::size_t count) override {
    if (pass_ == GradientPass::losses) return;
    if (left_ == forward) begin_backward(count);
    left_ = count;
    if (pass_ == GradientPass::last && knows_)
      while (begun_.size() < buckets_.size() && is_complete(buckets_[begun_.size()])) begin_next();
    for (auto& reduction : begun_) reduction.progress();
  }

  // What was learnt from other operations does not apply; but what losses added to is complete.
  void begin_backward(std::size_t count) {
    knows_ = count == operations_;
    operations_ = count;
    if (!knows_)
      for (std::size_t& below : complete_below_) below = below == forward ? forward : 0;
  }

  bool is_complete(const Bucket& bucket) const {
    for (std::size_t i = bucket.first_entry; i < bucket.last_entry; ++i)
      if (left_ >= complete_below_[i]) return false;
    return true;
  }

  void begin_next() {
    const Bucket& bucket = buckets_[begun_.size()];
    trainable_.settle_gradients(bucket.first_entry, bucket.last_entry);
    begun_.push_back(processes_.start_all_reduce(
        context_, trainable_.gradients().slice(bucket.first, bucket.size)));
  }

  const Trainable<Model>& trainable_;
  Context<B>& context_;
  Processes processes_;
  std::vector<Bucket> buckets_;  // in the order of their sums
  // An entry is complete when fewer operations are left; 0: not known.
  std::vector<std::size_t> complete_below_;
  std::size_t operations_ = 0;  // of the backward pass that this is known from
  std::size_t left_ = forward;
  std::size_t begun_early_ = 0;
  GradientPass pass_ = GradientPass::last;
  bool knows_ = false;
  std::vector<Pending> begun_;
};

}  // namespace coca
