#pragma once
/// @file
/// What most tasks have in common: everything that a TrainingTask may leave out.

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/training/task.hpp"

namespace coca {

/// A task of a model without losses; a task derives from it, and replaces what it has of its own.
/// The model must live as long.
template <class Model>
class TaskDefaults {
 public:
  using model_type = Model;
  using B = typename Model::backend_type;

  explicit TaskDefaults(const Model& model) : model_(&model) {}

  const Model& model() const noexcept { return *model_; }
  void prepare(const AnyDataset&) {}
  std::vector<std::string> batch_losses() const { return {}; }
  std::vector<std::string> part_losses() const { return {}; }
  std::vector<TrackedNumber<B>> tracked() const { return {}; }
  std::vector<std::string> unused() const { return {}; }
  NoScorer scorer() const { return {}; }
  std::vector<std::string> texts(Context<B>&, std::span<const Pixels>) const { return {}; }
  std::vector<ModelFile> files(const PreprocessConfig&) const { return {}; }

  template <class Inputs>
  std::vector<double> counts(const Inputs&) const {
    return {};
  }
  template <class Outputs>
  std::array<Array<B>, 0> compared(const Outputs&) const {
    return {};
  }
  template <class Compared, class Processes>
  void add_batch_losses(Context<B>&, const Compared&, const Processes&, const LossSums<B>&) const {}
  template <class Inputs, class Outputs>
  void add_part_losses(Context<B>&, const Inputs&, const Outputs&, const BatchPart&,
                       const LossSums<B>&) const {}

 private:
  const Model* model_;
};

/// The pictures of a batch. [batch, 3, height, width]
template <Backend B>
Array<B> to_device(Context<B>& context, const PixelBatch& pixels) {
  const std::vector<typename B::value_type> values(pixels.values.begin(), pixels.values.end());
  return context.to_device(values, pixels.shape());
}

/// The features of a batch. [batch, tokens, width]
template <Backend B>
Array<B> to_device(Context<B>& context, const FeatureBatch& features) {
  const std::vector<typename B::value_type> values(features.values.begin(), features.values.end());
  const std::size_t picture = features.tokens * features.width;
  return context.to_device(values, Shape{values.size() / picture, features.tokens, features.width});
}

/// Memory for as many pictures of a model. [batch, 3, image_size, image_size]
template <class Model, Backend B>
Array<B> empty_pictures(Context<B>& context, const Model& model, std::size_t batch) {
  return context.template empty<typename B::value_type>(
      Shape{batch, 3, model.image_size, model.image_size});
}

/// @param others how many there are of what each picture must have one of
/// @param other  what that is: "label"
/// @throws ShapeError for no pictures, or another number of them.
template <Backend B>
void expect_one_each(const Array<B>& pixels, std::size_t others, const std::string& other) {
  const std::size_t pictures = pixels.shape().rank() == 0 ? 0 : pixels.shape()[0];
  if (pictures == 0 || pictures != others)
    throw ShapeError("a training step needs a " + other + " for each picture, got " +
                     counted(pictures, "picture") + " and " + counted(others, other));
}

}  // namespace coca
