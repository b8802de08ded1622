#pragma once
/// @file
/// The checkpoints of a run: when one is worth saving, and whether one may be resumed.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/training/data_digest.hpp"
#include "coca/training/run_classes.hpp"
#include "coca/training/run_folder.hpp"
#include "coca/training/training_checkpoint.hpp"
#include "coca/training/training_choices.hpp"

namespace coca {

/// How a run is resumed.
struct ResumeOptions {
  bool data_changed = false;  ///< the training data may differ from that at the checkpoint
};

/// What a run and the checkpoint that it resumes must have in common.
struct RunIdentity {
  std::string task{};
  std::uint64_t batch_size = 0;
  std::uint64_t processes = 1;
  std::uint64_t batches_per_epoch = 0;
  std::string data{};                  ///< digest
  std::vector<std::string> classes{};  ///< names by label

  /// Of a step, of all processes.
  std::uint64_t step_pictures() const { return batch_size * processes; }
};

/// Saves and restores; the previous checkpoint is kept until a step after the new one succeeds.
class RunCheckpoints {
 public:
  explicit RunCheckpoints(RunFolder folder) : folder_(std::move(folder)) {}

  /// Restores all tensors. @return the checkpoint's other content
  /// @throws FileError if there is none, or it is of another model or other options;
  /// ArgumentError if the run is another one (see RunIdentity), of another optimizer, or of a
  /// run with a weight average if this has none, or the reverse.
  template <class Model>
  TrainingRecord restore(const TrainedTensors<Model>& tensors, const TrainingSteps& step,
                         const RunIdentity& run, const ResumeOptions& options) const {
    const Checkpoint checkpoint = open_checkpoint(folder_.checkpoint());
    TrainingRecord record = read_training_record(checkpoint);
    check_task(record.options.task, run);
    check_step_pictures(record.step_pictures, run);
    check_kept_tensors(record.options.step, step);
    check_classes(record, run);
    if (options.data_changed)
      record.state.position = place_in(record.state.position, run);
    else
      check_data(record, run);
    restore_tensors(checkpoint, tensors);
    return record;
  }

  template <class Model>
  void save(const TrainedTensors<Model>& tensors, const TrainingRecord& record) {
    folder_.keep_checkpoint();
    is_unproven_ = true;
    save_training_checkpoint(folder_.checkpoint(), tensors, record);
  }

  /// A step has succeeded since the checkpoint.
  void prove() {
    if (!std::exchange(is_unproven_, false)) return;
    folder_.forget_kept_checkpoint();
  }

  /// No step has succeeded since: the update before the first skipped step may have spoiled the
  /// weights, so the previous checkpoint is current again.
  void reject() const {
    if (is_unproven_) folder_.return_to_kept_checkpoint();
  }

 private:
  // A run without a task's name, as in older versions, is a contrastive captioner's.
  void check_task(const std::string& stored, const RunIdentity& run) const {
    const std::string task = stored.empty() ? "coca" : stored;
    if (task != run.task)
      throw ArgumentError(folder_.checkpoint() + " is of the task " + task + ", this run has " +
                          run.task);
  }

  // The place in the data is counted in steps.
  void check_step_pictures(std::uint64_t stored, const RunIdentity& run) const {
    if (stored == 0 || stored == run.step_pictures()) return;
    throw ArgumentError(folder_.checkpoint() + " is of steps of " + counted(stored, "picture") +
                        ", these would have " + std::to_string(run.step_pictures()) +
                        " (batches of " + std::to_string(run.batch_size) +
                        ", processes: " + std::to_string(run.processes) +
                        "); resume with as many processes, or another batch size");
  }

  // The content of a checkpoint other than the weights.
  void check_kept_tensors(const TrainingSteps& stored, const TrainingSteps& step) const {
    if (stored.optimizer != step.optimizer)
      throw ArgumentError(folder_.checkpoint() + " is of the optimizer " +
                          choice_name(stored.optimizer, detail::optimizer_choices) +
                          ", this run has " +
                          choice_name(step.optimizer, detail::optimizer_choices));
    if ((stored.ema_decay > 0) != (step.ema_decay > 0))
      throw ArgumentError(folder_.checkpoint() + " is of a run " +
                          (stored.ema_decay > 0 ? "with" : "without") +
                          " an average of the weights, this one is " +
                          (step.ema_decay > 0 ? "with one" : "without") + " (ema_decay)");
  }

  // Labels would change their meaning, or the head its shape.
  void check_classes(const TrainingRecord& record, const RunIdentity& run) const {
    const std::vector<std::string> classes =
        record.classes.empty() ? folder_.class_names() : record.classes;
    if (classes.empty() || run.classes.empty()) return;
    const std::string difference = class_difference(classes, run.classes);
    if (!difference.empty())
      throw ArgumentError(
          folder_.checkpoint() + " is of a run with " +
          counted(classes.size(), "class", "classes") + ", but " + difference +
          "; resume with the classes that the run began with, or start another run");
  }

  void check_data(const TrainingRecord& record, const RunIdentity& run) const {
    const std::uint64_t batch = record.state.position.batch;
    if (batch >= run.batches_per_epoch)
      throw ArgumentError(folder_.checkpoint() + " stands before batch " + std::to_string(batch) +
                          " of its epoch, but an epoch has " +
                          std::to_string(run.batches_per_epoch) +
                          "; resume with the data that the run began with");
    if (!record.data.empty() && record.data != run.data)
      throw ArgumentError(
          folder_.checkpoint() +
          " is of other training data (records, their order or their texts have changed); resume "
          "with the data that the run began with, or with --data-changed to use these");
  }

  // In data of another size, the same place or the next epoch.
  static DataPosition place_in(const DataPosition& position, const RunIdentity& run) {
    if (position.batch < run.batches_per_epoch) return position;
    return {position.epoch + 1, 0};
  }

  RunFolder folder_;
  bool is_unproven_ = false;  // no step has succeeded since the checkpoint
};

/// The record of the checkpoint in a run's folder; nothing if there is none. Before the model is
/// made, preset_backend_choices(record->backend, path) lets it compute the same bits; if it
/// says that there was a logit_bias, the model needs add_logit_bias().
/// @throws FileError if the checkpoint is damaged.
inline std::optional<TrainingRecord> find_training_record(const std::string& folder) {
  const RunFolder run(folder);
  if (!run.has_checkpoint()) return std::nullopt;
  return read_training_record(open_checkpoint(run.checkpoint()));
}

}  // namespace coca
