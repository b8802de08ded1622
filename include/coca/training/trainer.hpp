#pragma once
/// @file
/// Training from data to a model, with everything around the steps: validation, log, report,
/// checkpoints, and resuming where a run was interrupted, bit for bit as if it had not been. What
/// is trained is a task.
///
/// @code
/// // With SigLIP's loss: model.add_logit_bias();
/// coca::initialize(model, options.seed);
/// using Task = coca::CoCaTask<decltype(model)>;
/// coca::Trainer<Task> trainer(model, {.config = config, .tokenizer = tokenizer}, options);
/// trainer.run();
/// @endcode

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/training/learner.hpp"
#include "coca/training/run_checkpoints.hpp"
#include "coca/training/run_data.hpp"
#include "coca/training/run_pace.hpp"
#include "coca/training/run_reporter.hpp"
#include "coca/training/skipped_steps.hpp"
#include "coca/training/validator.hpp"

namespace coca {

/// Trains the model of a task, on a backend that supports training. Named by its alias Trainer.
template <TrainingTask Task, class Processes>
class TaskTrainer {
 public:
  using Model = typename Task::model_type;
  using B = typename Model::backend_type;

  /// Reads the lists of data, creates the run's folder and starts at the first step.
  /// @param model with weights (random or loaded); must live as long
  /// @throws ArgumentError for options that make no sense and what the task refuses, such as a
  /// tokenizer of another size than the model's vocabulary; FileError for data that cannot be read
  /// or a folder that cannot be written.
  TaskTrainer(Model& model, TrainingSubject subject, TrainingOptions options,
              TrainingEvents events = {}, Processes processes = {})
      : model_(model),
        subject_(std::move(subject)),
        options_(detail::of_task(std::move(options), Task::name)),
        events_(std::move(events)),
        processes_(std::move(processes)),
        folder_(options_.output),
        data_(options_, subject_, model.image_size, {processes_.rank(), processes_.size()},
              events_.damaged),
        pace_(options_, loader().batches_per_epoch()),
        schedule_(detail::schedule_options(options_.step, steps())),
        learner_(model, subject_, options_, processes_),
        checkpoints_(folder_),
        recorder_(folder_, options_.model.empty() ? "a CoCa" : options_.model),
        reporter_(events_, recorder_, options_.log_steps) {
    detail::expect_run(options_, steps());
    expect_fields(data_.dataset(), task().fields(), Task::name);
    learner_.task().prepare(data_.dataset());
    folder_.create();
    validator_.emplace(options_, data_.preprocess(), subject_, data_.dataset(), writes());
    if (validator_->data()) expect_fields(*validator_->data(), task().fields(), Task::name);
    reporter_.notes(&data_.dataset());
    reporter_.notes(validator_->data());
  }

  const TrainingOptions& options() const noexcept { return options_; }
  const TrainingState& state() const noexcept { return state_; }
  const Task& task() const noexcept { return learner_.task(); }
  /// Of the whole run.
  std::uint64_t steps() const noexcept { return pace_.steps(); }
  const RunFolder& folder() const noexcept { return folder_; }
  const Loader& loader() const noexcept { return data_.loader(); }

  /// Resumes from the checkpoint in the run's folder: weights, optimizer, average, data and log are
  /// what they were.
  /// @throws as RunCheckpoints::restore; ArgumentError if the run is to have fewer steps than it
  /// has done.
  void resume(const ResumeOptions& options = {}) {
    const TrainingRecord record = checkpoints_.restore(learner_.tensors(), options_.step,
                                                       data_.identity(Task::name), options);
    if (record.state.step > steps())
      throw ArgumentError(folder_.checkpoint() + " is of step " +
                          std::to_string(record.state.step) + ", but the run is to have " +
                          counted(steps(), "step") + "; give more steps or epochs to continue it");
    learner_.restore(record);
    state_ = record.state;
    skipped_.restore(state_.skipped, state_.skipped_in_a_row);
    data_.loader().seek(state_.position);
  }

  /// Trains until all steps are done or the run is stopped; then, and every few minutes, there are
  /// a checkpoint and the model in the folder.
  /// @throws TrainingError if ten steps in a row were not finite, or the last ones and the losses
  /// of the next batch; FileError if something cannot be written. The last checkpoint is then still
  /// there.
  TrainingEnd run() {
    start();
    while (true) {
      if (pace_.validation_is_due(state_)) validate();
      if (pace_.all_steps_done(state_) || stopped()) break;
      if (is_worth_saving() && pace_.checkpoint_is_due(state_)) save();
      make_step();
    }
    if (pace_.all_steps_done(state_)) expect_sound_weights();
    if (is_worth_saving()) save();
    if (writes()) {
      state_.skipped_in_a_row == 0 ? folder_.forget_kept_checkpoint() : checkpoints_.reject();
      write_report();
    }
    return pace_.all_steps_done(state_) && !pace_.validation_is_due(state_) ? TrainingEnd::finished
                                                                            : TrainingEnd::stopped;
  }

 private:
  // Of several processes the first one writes.
  bool writes() const { return processes_.rank() == 0; }

  bool stopped() const {
    const bool own = events_.stop != nullptr && *events_.stop;
    return processes_.sum({own ? 1.0 : 0.0})[0] > 0;
  }

  /// All files of the folder that exist before the first step.
  void start() {
    learner_.share(processes_);
    pace_.start(state_.step);
    if (writes())
      recorder_.start(state_.log_bytes, options_, task().files(data_.preprocess()),
                      subject_.tokenizer_file);
  }

  void make_step() {
    const auto start = std::chrono::steady_clock::now();
    const double waited = loader().seconds_waited();
    const Batch batch = data_.loader().next();
    TrainingProgress progress;
    progress.seconds_waited = loader().seconds_waited() - waited;
    progress.learning_rate = learning_rate(schedule_, state_.step);
    progress.result = learner_.step(inputs(batch), progress.learning_rate);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    progress.pictures_per_second =
        static_cast<double>(batch.size() * processes_.size()) / std::max(seconds.count(), 1e-9);
    advance(progress.result.applied, seconds.count());
    complete(progress);
    reporter_.step(progress, batch, loader(), writes());
    note_skipped(progress.result.applied);
  }

  typename Task::Inputs inputs(const Batch& batch) {
    return task().inputs(learner_.context(), batch,
                         StepSamples{.seed = options_.seed,
                                     .step = state_.step,
                                     .first = processes_.rank() * batch.size(),
                                     .count = batch.size()});
  }

  void advance(bool applied, double seconds) {
    ++state_.step;
    state_.position = loader().position();
    state_.skipped += applied ? 0 : 1;
    state_.seconds += seconds;
  }

  void complete(TrainingProgress& progress) const {
    progress.step = state_.step;
    progress.steps = steps();
    progress.epoch = data_.epochs(state_.position);
    progress.skipped = state_.skipped;
    progress.seconds_left = pace_.seconds_left(state_);
  }

  /// A checkpoint is trusted once a later step has succeeded.
  void note_skipped(bool applied) {
    try {
      skipped_.record(applied);
    } catch (const TrainingError&) {
      if (writes()) checkpoints_.reject();
      throw;
    }
    state_.skipped_in_a_row = skipped_.in_a_row();
    if (applied && writes()) checkpoints_.prove();
  }

  /// A run whose last steps were skipped ends well only if the weights still are.
  void expect_sound_weights() {
    if (state_.skipped_in_a_row == 0) return;
    if (!learner_.is_sound(inputs(data_.loader().next()))) {
      if (writes()) checkpoints_.reject();
      throw TrainingError("the loss or its gradient was not finite in the last " +
                          counted(state_.skipped_in_a_row, "step") +
                          ": the checkpoint is that of an earlier one; a lower learning rate, a "
                          "longer warm-up or clipping of gradients may help");
    }
    state_.skipped_in_a_row = 0;
    skipped_.restore(state_.skipped, 0);
  }

  void validate() {
    if (writes()) {
      auto done = learner_.with_exported_weights([&] {
        auto validation = (*validator_)(learner_.context(), task(), processes_.size(), events_);
        if (validation && note_best(validation->scores)) save_model(folder_.best_weights());
        return validation;
      });
      if (!done) return;  // stopped: a run that is resumed begins with it
      done->step = state_.step;
      reporter_.validation(*done);
    }
    state_.validated_step = state_.step;
    if (writes()) write_report();
  }

  /// Whether the validation is the best so far, if the best weights are to be kept.
  bool note_best(const ValidationScores& scores) {
    const double quality = quality_of(scores);
    if (!options_.keep_best || !(quality > state_.best.value_or(lowest_quality))) return false;
    state_.best = quality;
    return true;
  }

  void save_model(const std::string& path) const {
    save_weights(model_, path, options_.half_precision ? DType::F16 : DType::F32);
  }

  /// Weights that are not finite must not take the place of good ones; a run that is resumed from
  /// the last checkpoint gets to the same point again.
  bool is_worth_saving() const { return state_.skipped_in_a_row == 0 || !folder_.has_checkpoint(); }

  void save() {
    pace_.note_checkpoint(state_.step);
    if (!writes()) return;
    state_.log_bytes = recorder_.commit();
    TrainingRecord record{.state = state_,
                          .step_pictures = data_.identity(Task::name).step_pictures(),
                          .data = data_.identity(Task::name).data,
                          .classes = subject_.classes,
                          .options = options_};
    learner_.note(record);
    checkpoints_.save(learner_.tensors(), record);
    recorder_.write_files(task().files(data_.preprocess()), true);
    learner_.with_exported_weights([&] { save_model(folder_.weights()); });
    reporter_.checkpoint(folder_.checkpoint());
  }

  void write_report() const {
    recorder_.write_report(state_, steps(), data_.dataset().size(), validator_->shown());
  }

  Model& model_;
  TrainingSubject subject_;
  TrainingOptions options_;
  TrainingEvents events_;
  Processes processes_;
  RunFolder folder_;
  RunData data_;
  RunPace pace_;
  ScheduleOptions schedule_;
  Learner<Task, Processes> learner_;
  RunCheckpoints checkpoints_;
  RunRecorder recorder_;
  RunReporter reporter_;
  std::optional<Validator<Task>> validator_;
  SkippedSteps skipped_;
  TrainingState state_;
};

/// Trains the model of a task: `Trainer<CoCaTask<Model>>`. The type does not depend on a
/// configuration that is part of the model's, so that a program compiles it once per task and
/// backend.
/// @tparam Processes what takes part in each step: SingleProcess or MpiCommunicator
template <class Task, class Processes = SingleProcess>
using Trainer = TaskTrainer<RuntimeTask<Task>, Processes>;

}  // namespace coca
