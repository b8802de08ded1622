#pragma once
/// @file
/// The validations of a run: over the validation data, and over the fixed pictures.

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "coca/training/training_data.hpp"
#include "coca/training/training_events.hpp"
#include "coca/training/training_pictures.hpp"
#include "coca/training/training_subject.hpp"
#include "coca/training/validation.hpp"

namespace coca {

/// Calls tell(picture) for the broken pictures of a loader that were not reported before, and
/// counts them: each is reported once, however often it is found.
inline void tell_broken(const Loader& loader, std::size_t& told, const TrainingEvents& events) {
  const std::vector<SkippedPicture>& broken = loader.skipped();
  for (; told < broken.size(); ++told)
    if (events.on_broken_picture) events.on_broken_picture(broken[told]);
}

/// Measures a task's model.
template <TrainingTask Task>
class Validator {
 public:
  using B = typename Task::model_type::backend_type;

  /// Opens the validation data, if there is any, and reads the fixed pictures.
  /// @param subject  names by label, where options have a label_key, and features
  /// @param training where the pictures come from without validation data
  /// @param shows_pictures whether this process is the one that shows them
  /// @throws as open_datasets and read_pictures
  Validator(const TrainingOptions& options, const PreprocessConfig& preprocess,
            const TrainingSubject& subject, const AnyDataset& training, bool shows_pictures)
      : options_(options), preprocess_(preprocess), features_(subject.validation_features) {
    if (subject.validation_data) task_data_ = *subject.validation_data;
    if (task_data_)
      data_.emplace(first_of(task_data_->records, options.validation_pictures));
    else if (!options.data.validation.empty())
      data_.emplace(first_of(open_validation_data(options.data, subject.classes),
                             options.validation_pictures));
    if (!shows_pictures) return;
    pictures_ = options.pictures.empty()
                    ? first_pictures(data_ ? *data_ : training, options.picture_count, preprocess_)
                    : read_pictures(options.pictures, preprocess_);
  }

  std::span<const ReportPicture> shown() const { return pictures_.shown; }
  const AnyDataset* data() const { return data_ ? &*data_ : nullptr; }

  /// @param processes that train: the losses of a batch depend on its size, so it is that of all
  /// processes, whichever computes them
  /// @return nothing if it was stopped
  std::optional<TrainingValidation> operator()(Context<B>& context, const Task& task,
                                               std::size_t processes,
                                               const TrainingEvents& events) {
    TrainingValidation validation;
    if (data_) {
      LoaderOptions loading = validation_loader_options(options_, preprocess_);
      loading.sample.damaged = events.damaged;
      loading.sample.features = features_;
      if (task_data_) apply(*task_data_, loading.sample);
      loading.order.batch_size *= processes;
      Loader loader(*data_, loading);
      const auto scores = validate(context, task, loader, events.stop);
      tell_broken(loader, told_, events);
      if (!scores) return std::nullopt;
      validation.scores = *scores;
    }
    validation.captions = task.texts(context, pictures_.pixels);
    return validation;
  }

 private:
  TrainingOptions options_;
  PreprocessConfig preprocess_;
  std::shared_ptr<const FeatureSource> features_;
  std::optional<TaskData> task_data_;
  std::optional<AnyDataset> data_;
  TrainingPictures pictures_;
  std::size_t told_ = 0;  // broken pictures
};

}  // namespace coca
