#pragma once
/// @file
/// Steps that were skipped because a loss or a gradient was not finite, and the end of a run that
/// has too many of them.

#include <cstdint>
#include <string>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Training cannot continue.
class TrainingError : public Error {
 public:
  using Error::Error;
};

/// Counts skipped steps.
class SkippedSteps {
 public:
  /// @param limit this many in a row end the training
  explicit SkippedSteps(std::uint64_t limit = 10) : limit_(limit) {}

  /// Records a step. @throws TrainingError at the last one of `limit` skipped in a row.
  void record(bool applied) {
    if (applied) {
      in_a_row_ = 0;
      return;
    }
    ++total_;
    if (++in_a_row_ >= limit_)
      throw TrainingError("the loss or its gradient was not finite in " +
                          counted(in_a_row_, "step") +
                          " in a row: training stops; a lower learning rate, a longer warm-up "
                          "or clipping of gradients may help");
  }

  /// Of the whole run.
  std::uint64_t total() const noexcept { return total_; }
  std::uint64_t in_a_row() const noexcept { return in_a_row_; }
  /// Resumes where a run was interrupted.
  void restore(std::uint64_t total, std::uint64_t in_a_row) noexcept {
    total_ = total;
    in_a_row_ = in_a_row;
  }

 private:
  std::uint64_t limit_;
  std::uint64_t total_ = 0;
  std::uint64_t in_a_row_ = 0;
};

}  // namespace coca
