#pragma once
/// @file
/// The training of a CoCa from data to a model, with everything around the steps: validation, log,
/// report, checkpoints, and resuming an interrupted run, bit for bit as if it had never
/// stopped.
///
/// @code
/// // With SigLIP's loss: model.add_logit_bias();
/// coca::initialize(model, options.seed);
/// coca::Trainer trainer(model, {.config = config, .tokenizer = tokenizer}, options);
/// trainer.run();
/// @endcode

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/pipelines/load.hpp"
#include "coca/training/open_clip_config.hpp"
#include "coca/training/run_folder.hpp"
#include "coca/training/skipped_steps.hpp"
#include "coca/training/step.hpp"
#include "coca/training/training_checkpoint.hpp"
#include "coca/training/training_choices.hpp"
#include "coca/training/training_data.hpp"
#include "coca/training/training_events.hpp"
#include "coca/training/training_log.hpp"
#include "coca/training/training_pictures.hpp"
#include "coca/training/training_report.hpp"
#include "coca/training/validation.hpp"
#include "coca/training/word_dropout.hpp"

namespace coca {

/// What a run trains.
struct TrainingSubject {
  CoCaConfig config{};  ///< of the model
  AnyTokenizer tokenizer;
  PreprocessConfig preprocess{};  ///< mean and deviation; the size is the model's
  std::string tokenizer_file{};   ///< stored with the model; empty: CLIP's
};

/// The record of the checkpoint in a run's folder; nothing if there is none. Call it before the
/// model is created: it restores the run's choices of matrix kernels, so that the same bits
/// are computed. If it says that there was a logit_bias, the model needs add_logit_bias().
/// @throws FileError if the checkpoint is damaged.
inline std::optional<TrainingRecord> find_training_record(const std::string& folder) {
  const RunFolder run(folder);
  if (!run.has_checkpoint()) return std::nullopt;
  TrainingRecord record = read_training_record(open_checkpoint(run.checkpoint()));
  if (record.backend.is_object()) detail::preset_gemm_choices(record.backend, run.checkpoint());
  return record;
}

/// Trains a model: any CoCaModel on a backend that can.
template <class Model, class Processes = SingleProcess>
class Trainer {
 public:
  using B = typename Model::backend_type;

  /// Reads the lists of data, creates the run's folder and starts at the first step.
  /// @param model with weights (random or loaded); must live as long
  /// @throws ArgumentError for options that make no sense, a tokenizer of another size than the
  /// model's vocabulary; FileError for data that cannot be read or a folder that cannot be written.
  Trainer(Model& model, TrainingSubject subject, TrainingOptions options,
          TrainingEvents events = {}, Processes processes = {})
      : model_(model),
        subject_(std::move(subject)),
        options_(std::move(options)),
        events_(std::move(events)),
        processes_(std::move(processes)),
        folder_(options_.output),
        preprocess_(preprocess()),
        loader_(open_training_data(options_.data), loader_options()),
        steps_(training_step_count(options_.step, loader_.batches_per_epoch())),
        schedule_(detail::schedule_options(options_.step, steps_)),
        context_(model.backend()),
        trainable_(model, all_but(model, options_.step.freeze)),
        optimizer_(trainable_, model.backend(), detail::optimizer_options(options_.step)),
        step_(model, trainable_, optimizer_, context_, step_options(), processes_) {
    check_options();
    if (options_.step.ema_decay > 0)
      average_.emplace(
          trainable_, model.backend(),
          ExponentialAverageOptions{.decay = static_cast<float>(options_.step.ema_decay)});
    if (options_.step.word_dropout != 0)
      word_dropout_.emplace(loader_.dataset(),
                            WordDropoutOptions{.chance = options_.step.word_dropout,
                                               .count = options_.step.word_dropout_count});
    folder_.create();
    open_validation();
  }

  const TrainingOptions& options() const noexcept { return options_; }
  const TrainingState& state() const noexcept { return state_; }
  /// Of the whole run.
  std::uint64_t steps() const noexcept { return steps_; }
  const RunFolder& folder() const noexcept { return folder_; }
  const Loader& loader() const noexcept { return loader_; }

  /// Resumes from the checkpoint in the run's folder: weights, optimizer, average, data and log are
  /// restored.
  /// @throws FileError if there is none, or it is of another model or other options;
  /// ArgumentError if it is of more data, of more or fewer pictures per step, of another
  /// optimizer, or of a run with a weight average if this has none, or vice versa.
  void resume() {
    const Checkpoint checkpoint = open_checkpoint(folder_.checkpoint());
    const TrainingRecord record = read_training_record(checkpoint);
    check_step_pictures(record.step_pictures);
    check_kept_tensors(record.options.step);
    restore_tensors(checkpoint, tensors());
    optimizer_.set_step_count(record.optimizer_steps);
    if (average_) average_->set_update_count(record.average_updates);
    state_ = record.state;
    skipped_.restore(state_.skipped, state_.skipped_in_a_row);
    if (state_.position.batch >= loader_.batches_per_epoch())
      throw ArgumentError(
          folder_.checkpoint() + " stands before batch " + std::to_string(state_.position.batch) +
          " of its epoch, but an epoch has " + std::to_string(loader_.batches_per_epoch()) +
          "; resume with the data that the run began with");
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
  TrainingEnd end() const {
    return state_.step >= steps_ && !validation_is_due() ? TrainingEnd::finished
                                                         : TrainingEnd::stopped;
  }

  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  // Of several processes only the first one writes.
  bool writes() const { return processes_.rank() == 0; }

  bool stopped() const {
    const bool own = events_.stop != nullptr && *events_.stop;
    return processes_.sum({own ? 1.0 : 0.0})[0] > 0;
  }

  PreprocessConfig preprocess() const {
    PreprocessConfig config = training_preprocess(subject_.preprocess, options_.data);
    config.height = config.width = Model::image_size;
    return config;
  }

  LoaderOptions loader_options() const {
    LoaderOptions loader = training_loader_options(options_, preprocess_);
    loader.order.rank = processes_.rank();
    loader.order.ranks = processes_.size();
    return loader;
  }

  CoCaLossOptions loss_options() const {
    return detail::loss_options(options_.step, subject_.config.text.pad_id);
  }

  TrainingStepOptions step_options() const {
    return {.loss = loss_options(),
            .tape = {.recompute_blocks = options_.step.recompute},
            .accumulation = options_.step.accumulation,
            .patch_dropout = options_.step.patch_dropout,
            .switchout = options_.step.switchout,
            .seed = options_.seed};
  }

  void check_options() const {
    const auto words = static_cast<std::size_t>(subject_.tokenizer.vocab_size());
    if (words != Model::vocab_size)
      throw ArgumentError("the tokenizer has " + std::to_string(words) +
                          " words, the model's vocab_size is " + std::to_string(Model::vocab_size) +
                          ": they must be equal");
    if (subject_.tokenizer.pad_id() != subject_.config.text.pad_id)
      throw ArgumentError("the tokenizer pads with " + std::to_string(subject_.tokenizer.pad_id()) +
                          ", the model with " + std::to_string(subject_.config.text.pad_id));
    if (steps_ == 0) throw ArgumentError("there is nothing to do: epochs and steps are 0");
    if (options_.step.batch_size % options_.step.accumulation != 0)
      throw ArgumentError("a batch_size of " + std::to_string(options_.step.batch_size) +
                          " cannot be computed in " + std::to_string(options_.step.accumulation) +
                          " equal parts (accumulation)");
    if (options_.log_steps == 0) throw ArgumentError("log_steps is 0, expected at least 1");
    if (!(options_.checkpoint_minutes > 0))
      throw ArgumentError("checkpoint_minutes must be above 0");
  }

  std::uint64_t step_pictures() const { return options_.step.batch_size * processes_.size(); }

  // The position in the data is counted in steps.
  void check_step_pictures(std::uint64_t stored) const {
    if (stored == 0 || stored == step_pictures()) return;
    throw ArgumentError(folder_.checkpoint() + " is of steps of " + std::to_string(stored) +
                        " pictures, these would have " + std::to_string(step_pictures()) +
                        " (batches of " + std::to_string(options_.step.batch_size) +
                        ", processes: " + std::to_string(processes_.size()) +
                        "); resume with as many processes, or another batch size");
  }

  // What a checkpoint contains in addition to the weights.
  void check_kept_tensors(const TrainingSteps& stored) const {
    const TrainingSteps& step = options_.step;
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

  void open_validation() {
    const TrainingData& data = options_.data;
    if (!data.validation.empty())
      validation_data_.emplace(
          first_of(open_datasets(data.validation, data), options_.validation_pictures));
    if (!writes()) return;
    pictures_ = options_.pictures.empty()
                    ? first_pictures(validation_data_ ? *validation_data_ : loader_.dataset(),
                                     options_.picture_count, preprocess_)
                    : read_pictures(options_.pictures, preprocess_);
  }

  /// All files of the folder that exist before the first step.
  void start() {
    processes_.broadcast(context_, trainable_.values());
    started_ = saved_ = Clock::now();
    first_step_ = state_.step;
    if (!writes()) return;
    lock_.emplace(folder_);
    folder_.remove_leftovers();
    log_ = std::make_unique<TrainingLog>(folder_.log(), state_.log_bytes);
    write_file_atomically(folder_.options(), to_json(options_).dump(2) + "\n");
    // As in validation; an existing file may be the user's own.
    std::error_code ignored;
    if (!std::filesystem::exists(folder_.generation_config(), ignored))
      write_file_atomically(folder_.generation_config(), "{\n  \"min_length\": 0\n}\n");
    if (subject_.tokenizer_file.empty()) return;
    const std::string copy = folder_.tokenizer(subject_.tokenizer_file);
    if (!std::filesystem::equivalent(subject_.tokenizer_file, copy, ignored))
      copy_file_atomically(subject_.tokenizer_file, copy);
  }

  TrainingTexts texts(const Batch& batch) const {
    const auto tokens = [&](const std::vector<std::string>& captions) {
      return to_tokens(subject_.tokenizer, captions, Model::context_length);
    };
    if (!word_dropout_) return tokens(batch.captions);
    const StepSamples samples{.seed = options_.seed,
                              .step = state_.step,
                              .first = processes_.rank() * batch.size(),
                              .count = batch.size()};
    std::vector<std::string> read;
    for (std::size_t i = 0; i < batch.size(); ++i)
      read.push_back((*word_dropout_)(batch.captions[i], samples.draws(i, "word_dropout")));
    return {tokens(read), tokens(batch.captions), subject_.config.text.pad_id};
  }

  void make_step() {
    const Clock::time_point start = Clock::now();
    const double waited = loader_.seconds_waited();
    const Batch batch = loader_.next();
    TrainingProgress progress;
    progress.seconds_waited = loader_.seconds_waited() - waited;
    progress.learning_rate = learning_rate(schedule_, state_.step);
    const std::vector<typename B::value_type> pixels(batch.pixels.values.begin(),
                                                     batch.pixels.values.end());
    progress.result = step_(context_.to_device(pixels, batch.pixels.shape()), texts(batch),
                            progress.learning_rate);
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

  /// The update before the first skipped step may be what spoiled the weights, so a checkpoint is
  /// trusted once a later step has succeeded.
  void note_skipped(bool applied) {
    try {
      skipped_.record(applied);
    } catch (const TrainingError&) {
      if (writes() && is_unproven_) folder_.return_to_kept_checkpoint();
      throw;
    }
    state_.skipped_in_a_row = skipped_.in_a_row();
    if (!applied || !is_unproven_) return;
    is_unproven_ = false;
    if (writes()) folder_.forget_kept_checkpoint();
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
    tell_broken(loader_, broken_);
    const bool special = !progress.result.applied || !batch.skipped.empty();
    if (log_ && (special || state_.step % options_.log_steps == 0))
      log_->write(log_line(progress, batch));
    if (events_.on_step) events_.on_step(progress);
  }

  /// Each picture once, however often it is met: the loader's first `told` have been reported.
  void tell_broken(const Loader& loader, std::size_t& told) const {
    const std::vector<SkippedPicture>& broken = loader.skipped();
    for (; told < broken.size(); ++told)
      if (events_.on_broken_picture) events_.on_broken_picture(broken[told]);
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
      const auto done = with_best_weights([&] { return scores(); });
      if (!done) return;  // stopped: the resumed run begins with it
      log_->write(log_line(*done));
      if (events_.on_validation) events_.on_validation(*done);
    }
    state_.validated_step = state_.step;
    if (writes()) write_report();
  }

  std::optional<TrainingValidation> scores() {
    TrainingValidation validation{state_.step, {}, {}};
    if (validation_data_) {
      // The losses of a batch depend on its size: that of all processes, whichever computes them.
      LoaderOptions loading = validation_loader_options(options_, preprocess_);
      loading.order.batch_size *= processes_.size();
      Loader loader(*validation_data_, loading);
      const auto scores = coca::validate(context_, model_, subject_.tokenizer, loader,
                                         loss_options(), events_.stop);
      tell_broken(loader, broken_validation_);
      if (!scores) return std::nullopt;
      validation.scores = *scores;
    }
    validation.captions =
        caption_all(context_, model_, subject_.tokenizer, pictures_.pixels, options_.beams);
    return validation;
  }

  /// Weights that are not finite must not replace good ones; a run resumed from the last
  /// checkpoint gets to the same point again.
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
    state_.log_bytes = log_->commit();
    folder_.keep_checkpoint();
    is_unproven_ = true;
    save_training_checkpoint(folder_.checkpoint(), tensors(),
                             {.state = state_,
                              .optimizer_steps = optimizer_.step_count(),
                              .average_updates = average_ ? average_->update_count() : 0,
                              .step_pictures = step_pictures(),
                              .options = options_,
                              .backend = detail::gemm_choices_json()});
    if (!missing_in_open_clip(subject_.config))
      write_file_atomically(
          folder_.config(),
          open_clip_config(subject_.config, preprocess_, model_.has_logit_bias()).dump(2) + "\n");
    with_best_weights([&] {
      save_weights(model_, folder_.weights(), options_.half_precision ? DType::F16 : DType::F32);
    });
    if (events_.on_checkpoint) events_.on_checkpoint(folder_.checkpoint());
  }

  void write_report() const {
    const std::vector<Json> log = read_training_log(folder_.log());
    const std::string summary =
        "Step " + std::to_string(state_.step) + " of " + std::to_string(steps_) + ", " +
        std::to_string(loader_.dataset().size()) + " pictures, " +
        std::to_string(static_cast<long>(state_.seconds / 60)) + " minutes of training" +
        (state_.skipped == 0 ? "."
                             : "; " + std::to_string(state_.skipped) + " steps were skipped.");
    const ReportText text{
        .title = "Training of " + (options_.model.empty() ? "a CoCa" : options_.model),
        .summary = summary,
        .options = to_json(options_).dump(2)};
    write_file_atomically(folder_.report(), training_report(text, log, pictures_.shown));
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
  Trainable<Model> trainable_;
  Optimizer<Model> optimizer_;
  TrainingStep<Model, Processes> step_;
  std::optional<WordDropout> word_dropout_;
  std::optional<ExponentialAverage<Model>> average_;
  SkippedSteps skipped_;
  std::optional<AnyDataset> validation_data_;
  TrainingPictures pictures_;
  TrainingState state_;
  std::optional<RunLock> lock_;
  std::unique_ptr<TrainingLog> log_;
  Clock::time_point started_{}, saved_{};
  std::uint64_t first_step_ = 0, saved_step_ = 0;
  bool is_unproven_ = false;  // no step has succeeded since the checkpoint
  // Pictures reported to on_broken_picture, of training and of validation.
  std::size_t broken_ = 0, broken_validation_ = 0;
};

}  // namespace coca
