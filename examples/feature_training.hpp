#pragma once
/// @file
/// Training on the features of a frozen image encoder, which a folder keeps.

#include <memory>
#include <optional>
#include <string_view>

#include "coca/io/atomic_file.hpp"
#include "coca/training/frozen_features.hpp"
#include "coca/training/run_data.hpp"
#include "coca/training/run_folder.hpp"
#include "training.hpp"

namespace coca_examples {

/// Computes what a folder of features does not hold; of several processes the first one does.
template <class Model>
std::shared_ptr<const coca::FeatureSource> shared_features(const Model& model,
                                                           const coca::FeatureRequest& wanted,
                                                           const TrainingRequest& request) {
  const coca::FeatureCacheContent content =
      coca::feature_content(model, request.subject.config, request.options, wanted);
  const coca::FeatureEvents events{request.on_features, request.events.stop};
  std::shared_ptr<const coca::FeatureSource> features;
  if (request.processes.rank() == 0)
    features = coca::frozen_features(model, content, wanted, events, request.events.on_note);
  const bool complete = request.processes.sum({features ? 1.0 : 0.0})[0] > 0;
  if (complete && !features)
    features =
        std::make_shared<const coca::CachedFeatures>(coca::FeatureCache(wanted.folder, content));
  return features;
}

/// The options in the run's folder, by which a run is resumed that stops before its first step.
inline void write_options(const TrainingRequest& request) {
  if (request.processes.rank() != 0) return;
  const coca::RunFolder folder(request.options.output);
  folder.create();
  coca::write_file_atomically(
      folder.options(),
      std::string_view(coca::to_json_text(coca::to_json(request.options), 2) + "\n"));
}

/// The request with the features of a frozen encoder; nothing if that was stopped.
template <class Model>
std::optional<TrainingRequest> with_features(const Model& model, TrainingRequest request) {
  coca::expect_frozen(model, request.options);
  write_options(request);
  const coca::PreprocessConfig preprocess =
      coca::run_preprocess(request.options, request.subject, model.image_size);
  request.subject.training_features = shared_features(
      model, coca::training_features(request.options, request.subject, preprocess), request);
  if (!request.subject.training_features) return std::nullopt;
  const auto validation = coca::validation_features(request.options, request.subject, preprocess);
  if (!validation) return request;
  request.subject.validation_features = shared_features(model, *validation, request);
  if (!request.subject.validation_features) return std::nullopt;
  return request;
}

}  // namespace coca_examples
