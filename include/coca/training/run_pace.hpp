#pragma once
/// @file
/// When a run validates, when it saves, and how long it will still take.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "coca/training/training_checkpoint.hpp"
#include "coca/training/training_data.hpp"
#include "coca/training/training_options.hpp"

namespace coca {

/// Decides by steps and minutes.
class RunPace {
 public:
  /// @param batches_per_epoch of the data: steps between validations, unless options say otherwise
  RunPace(const TrainingOptions& options, std::size_t batches_per_epoch)
      : steps_(training_step_count(options.step, batches_per_epoch)),
        validation_steps_(options.validation_steps != 0 ? options.validation_steps
                                                        : batches_per_epoch),
        checkpoint_steps_(options.checkpoint_steps),
        checkpoint_minutes_(options.checkpoint_minutes) {}

  /// Of the whole run.
  std::uint64_t steps() const noexcept { return steps_; }

  /// Starts the clocks. @param step the steps done by then
  void start(std::uint64_t step) {
    first_step_ = step;
    started_ = saved_ = Clock::now();
  }

  /// A checkpoint of that step is being written.
  void note_checkpoint(std::uint64_t step) {
    saved_step_ = step;
    saved_ = Clock::now();
  }

  bool all_steps_done(const TrainingState& state) const { return state.step >= steps_; }

  /// After every so many steps and after the last, once each.
  bool validation_is_due(const TrainingState& state) const {
    const bool due =
        state.step != 0 && (state.step % validation_steps_ == 0 || all_steps_done(state));
    return due && state.validated_step != state.step;
  }

  /// After every so many steps or minutes, but not of the step that the run began with.
  bool checkpoint_is_due(const TrainingState& state) const {
    if (state.step == first_step_ || state.step == saved_step_) return false;
    return (checkpoint_steps_ != 0 && state.step % checkpoint_steps_ == 0) ||
           seconds_since(saved_) >= 60 * checkpoint_minutes_;
  }

  /// At the speed since start().
  double seconds_left(const TrainingState& state) const {
    return seconds_since(started_) * static_cast<double>(steps_ - state.step) /
           static_cast<double>(state.step - first_step_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  std::uint64_t steps_, validation_steps_, checkpoint_steps_;
  double checkpoint_minutes_;
  Clock::time_point started_{}, saved_{};
  std::uint64_t first_step_ = 0, saved_step_ = 0;
};

}  // namespace coca
