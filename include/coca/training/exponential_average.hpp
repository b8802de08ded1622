#pragma once
/// @file
/// The exponential moving average of weights: a smoother model than the one being trained,
/// for validation and for the exported model.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// Options of the average.
struct ExponentialAverageOptions {
  float decay = 0.999f;  ///< share of the average kept in each step
  /// Keeps at most (1 + t) / (10 + t) in step t (from 0), so that the random weights of the
  /// beginning are soon forgotten (as torch_ema and TensorFlow's ExponentialMovingAverage).
  bool warmup = true;
};

/// The average of a Trainable's values; frozen parameters are unchanged.
template <class Model>
class ExponentialAverage {
 public:
  using B = typename Model::backend_type;
  using Values = typename Trainable<Model>::Values;

  /// Starts with the current values.
  /// @param trainable must live as long
  /// @throws ArgumentError for a decay outside [0, 1).
  ExponentialAverage(const Trainable<Model>& trainable, const B& backend,
                     ExponentialAverageOptions options = {})
      : trainable_(trainable), backend_(backend), options_(options), average_(like_values()) {
    if (!(options.decay >= 0 && options.decay < 1))
      throw ArgumentError("the decay of a weight average must be at least 0 and below 1, got " +
                          std::to_string(options.decay));
    copy(trainable.values(), average_);
  }

  const ExponentialAverageOptions& options() const noexcept { return options_; }

  /// Takes in the values as they are now: call it after each step that was applied.
  void update() {
    const auto t = static_cast<float>(updates_++);
    const float keep =
        options_.warmup ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
    if (average_.size() != 0)
      backend_.run(ops::On<B, ops::Blend>{
          .input = trainable_.values(), .keep = keep, .output = ops::InOut(average_)});
  }

  /// During its lifetime the model has the averaged weights, and the average holds the trained
  /// ones; afterwards all bits are back in place. No training meanwhile.
  class [[nodiscard]] InPlace {
   public:
    explicit InPlace(ExponentialAverage& average)
        : average_(average), scratch_(average.like_values()) {
      average_.swap(scratch_);
    }
    ~InPlace() { average_.swap(scratch_); }
    InPlace(const InPlace&) = delete;
    InPlace& operator=(const InPlace&) = delete;

   private:
    ExponentialAverage& average_;
    Values scratch_;
  };

  /// Gives the model the averaged weights during the lifetime of the result.
  InPlace in_place() { return InPlace(*this); }

  /// Calls visit(name, array) for each parameter's average, such as "average.visual.proj"; the
  /// arrays share the memory of the average.
  template <class Visitor>
  void for_each_state(Visitor&& visit) const {
    for (const TrainableEntry& entry : trainable_.entries())
      visit("average." + entry.path, Trainable<Model>::view(average_, entry));
  }

  /// Number of calls of update.
  std::uint64_t update_count() const noexcept { return updates_; }
  void set_update_count(std::uint64_t count) noexcept { updates_ = count; }

 private:
  Values like_values() const {
    return backend_.template allocate<typename B::value_type>(trainable_.values().shape());
  }

  void copy(const Values& input, const Values& output) const {
    if (input.size() != 0)
      backend_.run(ops::On<B, ops::Copy>{.input = input, .output = ops::Out(output)});
  }

  void swap(const Values& scratch) const {
    copy(trainable_.values(), scratch);
    copy(average_, trainable_.values());
    copy(scratch, average_);
  }

  const Trainable<Model>& trainable_;
  B backend_;
  ExponentialAverageOptions options_;
  Values average_;  // laid out as the parameters are
  std::uint64_t updates_ = 0;
};

}  // namespace coca
