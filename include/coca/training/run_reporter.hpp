#pragma once
/// @file
/// What a run reports while it runs: to observers, and to its log.

#include <cstddef>
#include <string>

#include "coca/data/loader.hpp"
#include "coca/training/run_recorder.hpp"
#include "coca/training/training_events.hpp"
#include "coca/training/validator.hpp"

namespace coca {

/// Of several processes, only the first writes and reports validations and checkpoints.
class RunReporter {
 public:
  /// @param events and recorder must live as long
  /// @param log_steps steps from one line of the log to the next
  RunReporter(const TrainingEvents& events, RunRecorder& recorder, std::size_t log_steps)
      : events_(events), recorder_(recorder), log_steps_(log_steps) {}

  /// How a data set was read.
  void notes(const AnyDataset* data) const {
    if (!events_.on_note || data == nullptr) return;
    for (const std::string& note : data->notes()) events_.on_note(note);
  }

  /// A finished step, with what its batch had instead of broken pictures.
  /// @param writes whether this process writes the log
  void step(const TrainingProgress& progress, const Batch& batch, const Loader& loader,
            bool writes) {
    tell_broken(loader, told_, events_);
    const bool special = !progress.result.applied || !batch.skipped.empty();
    if (writes && (special || progress.step % log_steps_ == 0))
      recorder_.write(log_line(progress, batch));
    if (events_.on_step) events_.on_step(progress);
  }

  void validation(const TrainingValidation& validation) const {
    recorder_.write(log_line(validation));
    if (events_.on_validation) events_.on_validation(validation);
  }

  void checkpoint(const std::string& path) const {
    if (events_.on_checkpoint) events_.on_checkpoint(path);
  }

 private:
  const TrainingEvents& events_;
  RunRecorder& recorder_;
  std::size_t log_steps_;
  std::size_t told_ = 0;  // broken pictures of the training data
};

}  // namespace coca
