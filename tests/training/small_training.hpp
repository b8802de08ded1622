#pragma once
/// @file
/// A tiny model with its optimizer, and a batch for it.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "coca/core/random.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/step.hpp"
#include "coca/training/tasks/coca.hpp"
#include "coca/training/trainable.hpp"
#include "models/tested_models.hpp"

namespace coca::testing {

/// Options of a CoCa's task and of its steps.
struct TestedStepOptions {
  CoCaLossOptions loss{};
  TapeOptions tape{};
  std::size_t accumulation = 1;
  std::size_t bucket_size = TrainingStepOptions{}.bucket_size;
  double patch_dropout = 0;
  double switchout = 0;
  std::uint64_t seed = 0;

  ImageTextOptions task() const { return {loss, patch_dropout, switchout}; }
  TrainingStepOptions step() const { return {tape, accumulation, bucket_size, seed}; }
};

/// The variant `plain` with random weights.
template <DifferentiableBackend B>
struct SmallTraining {
  using Model = CoCa<plain, B>;

  explicit SmallTraining(OptimizerOptions options = {}, B backend = {})
      : model(random_model<Model>(1, backend)),
        trainable(model),
        context(backend),
        optimizer(trainable, backend, options),
        task(model) {}

  /// Four pictures. [4, 3, 32, 32]
  Array<B> pixels() {
    const Shape shape{4, 3, 32, 32};
    std::vector<float> values(shape.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = 2 * to_uniform(philox(3, 1, i)[0]) - 1;
    return context.to_device(values, shape);
  }

  /// Texts of different lengths.
  static Tokens tokens() {
    return {{1, 17, 30, 2, 0, 1, 5, 2, 0, 0, 1, 99, 500, 7, 2, 1, 2, 0, 0, 0}, 4, 5};
  }

  /// Gradients without pattern.
  void random_gradients(unsigned seed, float scale = 1) {
    for (std::size_t i = 0; i < trainable.entries().size(); ++i) {
      const auto gradient = trainable.gradient(i);
      std::vector<float> values(gradient.size());
      for (std::size_t k = 0; k < values.size(); ++k)
        values[k] = scale * (2 * to_uniform(philox(seed, i, k)[0]) - 1);
      context.backend().copy_in(std::span<const float>(values), gradient);
    }
  }

  /// All weights and all that the optimizer keeps.
  std::vector<float> everything() const {
    std::vector<float> all = context.to_host(trainable.values());
    optimizer.for_each_state([&](const std::string&, const auto& array) {
      const auto values = context.to_host(array);
      all.insert(all.end(), values.begin(), values.end());
    });
    return all;
  }

  Model model;
  Trainable<Model> trainable;
  Context<B> context;
  Optimizer<Model> optimizer;
  CoCaTask<Model> task;
};

/// The Euclidean norm.
inline double norm_of(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

/// The Euclidean norm of the difference; NaN if the sizes differ.
inline double distance(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::nan("");
  std::vector<float> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return norm_of(difference);
}

}  // namespace coca::testing
