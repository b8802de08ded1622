#pragma once
/// @file
/// Runs of a tiny classifier on pictures that it can learn.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coca/models/standard_classifier.hpp"
#include "coca/training/tasks/classify.hpp"
#include "training/tiny_runs.hpp"

namespace coca::testing {

template <class B = Cpu<float>>
StandardClassifier<B> classifier(std::size_t classes,
                                 ClassifierHead head = ClassifierHead::linear) {
  auto model = make_classifier<B>(tiny_config, {head, classes}, B(CpuOptions{.threads = 1}));
  initialize(model, 1);
  return model;
}

inline std::string big_endian(std::size_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xFF);
  return bytes;
}

/// A square of 6 x 6 pixels in one of the corners of 14 x 14, over gray that changes from picture
/// to picture: the corner is the class.
inline std::string corner(std::size_t picture) {
  const std::size_t label = picture % 4, x0 = label % 2 * 8, y0 = label / 2 * 8;
  std::string pixels(14 * 14, static_cast<char>(picture * 2));
  for (std::size_t y = 0; y < 6; ++y)
    for (std::size_t x = 0; x < 6; ++x) pixels[(y0 + y) * 14 + x0 + x] = '\xFF';
  return pixels;
}

/// IDX files of such pictures.
class Corners {
 public:
  Corners() {
    std::string images =
        std::string("\0\0\x08\x03", 4) + big_endian(48) + big_endian(14) + big_endian(14);
    std::string labels = std::string("\0\0\x08\x01", 4) + big_endian(48);
    for (std::size_t i = 0; i < 48; ++i) {
      images += corner(i);
      labels += static_cast<char>(i % 4);
    }
    folder_.write("t-images-idx3-ubyte", images);
    folder_.write("t-labels-idx1-ubyte", labels);
  }

  TrainingOptions options(const std::string& name = "run") const {
    TrainingOptions options;
    options.data.training = options.data.validation = {folder_.path("t-images-idx3-ubyte")};
    options.data.augment = false;
    options.data.loader_threads = 1;
    options.step.batch_size = 12;
    options.step.steps = 40;
    options.step.learning_rate = 1e-3;
    options.step.warmup_steps = 4;
    options.threads = 1;
    options.validation_steps = 20;
    options.picture_count = 4;
    options.output = folder_.path(name);
    return options;
  }

  /// The first sixteen of them.
  std::string sixteen() const {
    std::string images =
        std::string("\0\0\x08\x03", 4) + big_endian(16) + big_endian(14) + big_endian(14);
    std::string labels = std::string("\0\0\x08\x01", 4) + big_endian(16);
    for (std::size_t i = 0; i < 16; ++i) {
      images += corner(i);
      labels += static_cast<char>(i % 4);
    }
    folder_.write("s-labels-idx1-ubyte", labels);
    return folder_.write("s-images-idx3-ubyte", images);
  }

  const coca_test::TemporaryFolder& folder() const { return folder_; }

 private:
  coca_test::TemporaryFolder folder_;
};

template <class B = Cpu<float>>
TrainingEnd train_classifier(const TrainingOptions& options, bool resume = false,
                             std::uint64_t stop_after = 0, TrainingSubject subject = {}) {
  subject.config = tiny_config;
  subject.classes = training_classes(options.data);
  auto model = classifier<B>(subject.classes.size(), classifier_head(options.head));
  std::atomic<bool> stop{false};
  TrainingEvents events;
  events.stop = &stop;
  events.on_step = [&](const TrainingProgress& progress) {
    if (progress.step == stop_after) stop = true;
  };
  Trainer<ClassificationTask<StandardClassifier<B>>> trainer(model, subject, options, events);
  if (resume) trainer.resume();
  return trainer.run();
}

/// The values of all parameters with a prefix, by name.
template <class Model>
std::map<std::string, std::vector<float>> values_of(const Model& model, const std::string& prefix) {
  std::map<std::string, std::vector<float>> values;
  for_each_parameter(model, [&](const auto& parameter) {
    if (!parameter.path().starts_with(prefix)) return;
    const WeightSource source = parameter.store(model.backend());
    std::vector<float>& own = values[parameter.path()];
    own.resize(source.shape.size());
    source.read(0, source.rows(), own.data());
  });
  return values;
}

}  // namespace coca::testing
