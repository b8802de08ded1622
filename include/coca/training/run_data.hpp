#pragma once
/// @file
/// The training data of a run.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/data/loader.hpp"
#include "coca/training/data_digest.hpp"
#include "coca/training/run_checkpoints.hpp"
#include "coca/training/training_data.hpp"
#include "coca/training/training_events.hpp"
#include "coca/training/training_subject.hpp"

namespace coca {

/// The share of a process in the batches of a run.
struct ProcessShare {
  std::size_t rank = 0, processes = 1;
};

/// How the pictures of a run are prepared. @param image_size of the model
inline PreprocessConfig run_preprocess(const TrainingOptions& options,
                                       const TrainingSubject& subject, std::size_t image_size) {
  PreprocessConfig config = training_preprocess(subject.preprocess, options.data);
  config.height = config.width = image_size;
  return config;
}

/// How pictures are prepared, and batches of them.
class RunData {
 public:
  /// @param image_size of the model
  /// @throws as open_training_data and Loader
  RunData(const TrainingOptions& options, const TrainingSubject& subject, std::size_t image_size,
          ProcessShare share, DamagedPictures* damaged)
      : share_(share),
        batch_size_(options.step.batch_size),
        classes_(subject.classes),
        preprocess_(run_preprocess(options, subject, image_size)),
        loader_(subject.training_data ? subject.training_data->records
                                      : open_training_data(options.data, subject.classes),
                loader_options(options, subject, damaged)) {}

  const PreprocessConfig& preprocess() const noexcept { return preprocess_; }
  Loader& loader() noexcept { return loader_; }
  const Loader& loader() const noexcept { return loader_; }
  const AnyDataset& dataset() const noexcept { return loader_.dataset(); }

  /// Epochs before a position, 1.5: one and a half.
  double epochs(const DataPosition& position) const {
    return static_cast<double>(position.epoch) +
           static_cast<double>(position.batch) / static_cast<double>(loader_.batches_per_epoch());
  }

  /// What a checkpoint must have in common with a run of this data. Reads all records once.
  const RunIdentity& identity(std::string_view task) {
    if (!identity_)
      identity_ = {std::string(task),      batch_size_,
                   share_.processes,       loader_.batches_per_epoch(),
                   data_digest(dataset()), classes_};
    return *identity_;
  }

 private:
  LoaderOptions loader_options(const TrainingOptions& options, const TrainingSubject& subject,
                               DamagedPictures* damaged) const {
    LoaderOptions loader = training_loader_options(options, preprocess_);
    loader.order.rank = share_.rank;
    loader.order.ranks = share_.processes;
    loader.sample.damaged = damaged;
    loader.sample.features = subject.training_features;
    if (subject.training_data) apply(*subject.training_data, loader.sample);
    return loader;
  }

  ProcessShare share_;
  std::size_t batch_size_;
  std::vector<std::string> classes_;
  PreprocessConfig preprocess_;
  Loader loader_;
  std::optional<RunIdentity> identity_;
};

}  // namespace coca
