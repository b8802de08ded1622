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
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/pipelines/load.hpp"
#include "coca/training/run_checkpoints.hpp"
#include "coca/training/run_recorder.hpp"
#include "coca/training/skipped_steps.hpp"
#include "coca/training/step.hpp"
#include "coca/training/validator.hpp"

namespace coca {

/// Trains the model of a task, on a backend that supports training.
template <TrainingTask Task, class Processes = SingleProcess>
class Trainer {
 public:
  using Model = typename Task::model_type;
  using B = typename Model::backend_type;

  /// Reads the lists of data, creates the run's folder and starts at the first step.
  /// @param model with weights (random or loaded); must live as long
  /// @throws ArgumentError for options that make no sense and what the task refuses, such as a
  /// tokenizer of another size than the model's vocabulary; FileError for data that cannot be read
  /// or a folder that cannot be written.
  Trainer(Model& model, TrainingSubject subject, TrainingOptions options,
          TrainingEvents events = {}, Processes processes = {})
      : model_(model),
        subject_(std::move(subject)),
        options_(named(std::move(options))),
        events_(std::move(events)),
        processes_(std::move(processes)),
        folder_(options_.output),
        preprocess_(preprocess()),
        loader_(open_training_data(options_.data, subject_.classes), loader_options()),
        steps_(training_step_count(options_.step, loader_.batches_per_epoch())),
        schedule_(detail::schedule_options(options_.step, steps_)),
        context_(model.backend()),
        task_(model, subject_, options_),
        trainable_(model, all_but(model, frozen())),
        optimizer_(trainable_, model.backend(), detail::optimizer_options(options_.step)),
        step_(task_, trainable_, optimizer_, context_, step_options(), processes_),
        checkpoints_(folder_),
        recorder_(folder_, options_.model.empty() ? "a CoCa" : options_.model) {
    check_options();
    if (options_.step.ema_decay > 0)
      average_.emplace(
          trainable_, model.backend(),
          ExponentialAverageOptions{.decay = static_cast<float>(options_.step.ema_decay)});
    expect_fields(loader_.dataset(), task_.fields(), Task::name);
    task_.prepare(loader_.dataset());
    folder_.create();
    validator_.emplace(options_, preprocess_, subject_.classes, loader_.dataset(), writes());
    tell_notes();
  }

  const TrainingOptions& options() const noexcept { return options_; }
  const TrainingState& state() const noexcept { return state_; }
  const Task& task() const noexcept { return task_; }
  /// Of the whole run.
  std::uint64_t steps() const noexcept { return steps_; }
  const RunFolder& folder() const noexcept { return folder_; }
  const Loader& loader() const noexcept { return loader_; }

  /// Resumes from the checkpoint in the run's folder: weights, optimizer, average, data and log are
  /// what they were.
  /// @throws as RunCheckpoints::restore
  void resume(const ResumeOptions& options = {}) {
    const TrainingRecord record =
        checkpoints_.restore(tensors(), options_.step, identity(), options);
    optimizer_.set_step_count(record.optimizer_steps);
    if (average_) average_->set_update_count(record.average_updates);
    state_ = record.state;
    skipped_.restore(state_.skipped, state_.skipped_in_a_row);
    loader_.seek(state_.position);
  }

  /// Trains until all steps are done or the run is stopped; then, and every few minutes, there are
  /// a checkpoint and the model in the folder.
  /// @throws TrainingError if ten steps in a row were not finite; FileError if something
  /// cannot be written. The last checkpoint is then still there.
  TrainingEnd run() {
    start();
    while (true) {
      if (validation_is_due()) validate();
      if (state_.step >= steps_ || stopped()) break;
      if (checkpoint_is_due()) save();
      make_step();
    }
    if (is_worth_saving()) save();
    if (!writes()) return end();
    folder_.forget_kept_checkpoint();
    write_report();
    return end();
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  static TrainingOptions named(TrainingOptions options) {
    if (options.task.empty()) options.task = Task::name;
    return options;
  }

  // Of several processes the first one writes.
  bool writes() const { return processes_.rank() == 0; }

  bool stopped() const {
    const bool own = events_.stop != nullptr && *events_.stop;
    return processes_.sum({own ? 1.0 : 0.0})[0] > 0;
  }

  TrainingEnd end() const {
    return state_.step >= steps_ && !validation_is_due() ? TrainingEnd::finished
                                                         : TrainingEnd::stopped;
  }

  PreprocessConfig preprocess() const {
    PreprocessConfig config = training_preprocess(subject_.preprocess, options_.data);
    config.height = config.width = model_.image_size;
    return config;
  }

  LoaderOptions loader_options() const {
    LoaderOptions loader = training_loader_options(options_, preprocess_);
    loader.order.rank = processes_.rank();
    loader.order.ranks = processes_.size();
    loader.sample.damaged = events_.damaged;
    return loader;
  }

  std::vector<std::string> frozen() const {
    std::vector<std::string> prefixes = task_.unused();
    prefixes.insert(prefixes.end(), options_.step.freeze.begin(), options_.step.freeze.end());
    return prefixes;
  }

  TrainingStepOptions step_options() const {
    return {.tape = {.recompute_blocks = options_.step.recompute},
            .accumulation = options_.step.accumulation,
            .seed = options_.seed};
  }

  void check_options() const {
    if (options_.task != Task::name)
      throw ArgumentError("the task is " + options_.task + ", but what trains is " +
                          std::string(Task::name));
    if (steps_ == 0) throw ArgumentError("there is nothing to do: epochs and steps are 0");
    if (options_.step.batch_size % options_.step.accumulation != 0)
      throw ArgumentError("a batch_size of " + std::to_string(options_.step.batch_size) +
                          " cannot be computed in " + std::to_string(options_.step.accumulation) +
                          " equal parts (accumulation)");
    if (options_.log_steps == 0) throw ArgumentError("log_steps is 0, expected at least 1");
    if (!(options_.checkpoint_minutes > 0))
      throw ArgumentError("checkpoint_minutes must be above 0");
  }

  const RunIdentity& identity() {
    if (!identity_)
      identity_ = {std::string(Task::name), options_.step.batch_size, processes_.size(),
                   loader_.batches_per_epoch(), data_digest(loader_.dataset())};
    return *identity_;
  }

  /// All files of the folder that exist before the first step.
  void start() {
    processes_.broadcast(context_, trainable_.values());
    started_ = saved_ = Clock::now();
    first_step_ = state_.step;
    if (writes())
      recorder_.start(state_.log_bytes, options_, task_.files(preprocess_),
                      subject_.tokenizer_file);
  }

  typename Task::Inputs inputs(const Batch& batch) {
    return task_.inputs(context_, batch,
                        StepSamples{.seed = options_.seed,
                                    .step = state_.step,
                                    .first = processes_.rank() * batch.size(),
                                    .count = batch.size()});
  }

  void make_step() {
    const Clock::time_point start = Clock::now();
    const double waited = loader_.seconds_waited();
    const Batch batch = loader_.next();
    TrainingProgress progress;
    progress.seconds_waited = loader_.seconds_waited() - waited;
    progress.learning_rate = learning_rate(schedule_, state_.step);
    progress.result = step_(inputs(batch), progress.learning_rate);
    if (progress.result.applied && average_) average_->update();
    ++state_.step;
    state_.position = loader_.position();
    state_.skipped += progress.result.applied ? 0 : 1;
    const double seconds = seconds_since(start);
    state_.seconds += seconds;
    progress.pictures_per_second =
        static_cast<double>(batch.size() * processes_.size()) / std::max(seconds, 1e-9);
    report_step(progress, batch);
    note_skipped(progress.result.applied);
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

  void report_step(TrainingProgress& progress, const Batch& batch) {
    progress.step = state_.step;
    progress.steps = steps_;
    progress.epoch = static_cast<double>(state_.position.epoch) +
                     static_cast<double>(state_.position.batch) /
                         static_cast<double>(loader_.batches_per_epoch());
    progress.skipped = state_.skipped;
    progress.seconds_left = seconds_since(started_) * static_cast<double>(steps_ - state_.step) /
                            static_cast<double>(state_.step - first_step_);
    tell_broken(loader_, told_, events_);
    const bool special = !progress.result.applied || !batch.skipped.empty();
    if (writes() && (special || state_.step % options_.log_steps == 0))
      recorder_.write(log_line(progress, batch));
    if (events_.on_step) events_.on_step(progress);
  }

  void tell_notes() const {
    if (!events_.on_note) return;
    for (const std::string& note : loader_.dataset().notes()) events_.on_note(note);
    if (validator_->data() == nullptr) return;
    for (const std::string& note : validator_->data()->notes()) events_.on_note(note);
  }

  bool validation_is_due() const {
    const std::uint64_t interval =
        options_.validation_steps != 0 ? options_.validation_steps : loader_.batches_per_epoch();
    const bool due = state_.step != 0 && (state_.step % interval == 0 || state_.step >= steps_);
    return due && state_.validated_step != state_.step;
  }

  /// What is validated and exported: the weight average, if there is one.
  template <class Body>
  auto with_best_weights(const Body& body) {
    if (!average_) return body();
    const auto averaged = average_->in_place();
    return body();
  }

  void validate() {
    if (writes()) {
      auto done = with_best_weights(
          [&] { return (*validator_)(context_, task_, processes_.size(), events_); });
      if (!done) return;  // stopped: a run that is resumed begins with it
      done->step = state_.step;
      recorder_.write(log_line(*done));
      if (events_.on_validation) events_.on_validation(*done);
    }
    state_.validated_step = state_.step;
    if (writes()) write_report();
  }

  /// Weights that are not finite must not take the place of good ones; a run that is resumed from
  /// the last checkpoint gets to the same point again.
  bool is_worth_saving() const {
    return state_.skipped_in_a_row == 0 || state_.step >= steps_ || !folder_.has_checkpoint();
  }

  bool checkpoint_is_due() const {
    if (state_.step == first_step_ || state_.step == saved_step_ || !is_worth_saving())
      return false;
    const std::size_t interval = options_.checkpoint_steps;
    return (interval != 0 && state_.step % interval == 0) ||
           seconds_since(saved_) >= 60 * options_.checkpoint_minutes;
  }

  TrainedTensors<Model> tensors() { return {model_, optimizer_, average_ ? &*average_ : nullptr}; }

  void save() {
    saved_ = Clock::now();
    saved_step_ = state_.step;
    if (!writes()) return;
    state_.log_bytes = recorder_.commit();
    checkpoints_.save(tensors(), {.state = state_,
                                  .optimizer_steps = optimizer_.step_count(),
                                  .average_updates = average_ ? average_->update_count() : 0,
                                  .step_pictures = identity().step_pictures(),
                                  .data = identity().data,
                                  .options = options_,
                                  .backend = detail::backend_choices<B>()});
    recorder_.write_files(task_.files(preprocess_), true);
    with_best_weights([&] {
      save_weights(model_, folder_.weights(), options_.half_precision ? DType::F16 : DType::F32);
    });
    if (events_.on_checkpoint) events_.on_checkpoint(folder_.checkpoint());
  }

  void write_report() const {
    recorder_.write_report(state_, steps_, loader_.dataset().size(), validator_->shown());
  }

  Model& model_;
  TrainingSubject subject_;
  TrainingOptions options_;
  TrainingEvents events_;
  Processes processes_;
  RunFolder folder_;
  PreprocessConfig preprocess_;
  Loader loader_;
  std::uint64_t steps_;
  ScheduleOptions schedule_;
  Context<B> context_;
  Task task_;
  Trainable<Model> trainable_;
  Optimizer<Model> optimizer_;
  TrainingStep<Task, Processes> step_;
  RunCheckpoints checkpoints_;
  RunRecorder recorder_;
  std::optional<ExponentialAverage<Model>> average_;
  std::optional<Validator<Task>> validator_;
  std::optional<RunIdentity> identity_;
  SkippedSteps skipped_;
  TrainingState state_;
  Clock::time_point started_{}, saved_{};
  std::uint64_t first_step_ = 0, saved_step_ = 0;
  std::size_t told_ = 0;  // broken pictures of the training data
};

}  // namespace coca
