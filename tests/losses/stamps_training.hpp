#pragma once
/// @file
/// The small trained model of examples/models/stamps_coca, trained further: OpenCLIP's gradients
/// and steps.

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coca/training/tasks/coca.hpp"
#include "coca/training/trainable.hpp"
#include "models/tested_models.hpp"

namespace coca::testing {

/// The model of the repository, with the 16 pictures and captions of forward.safetensors.
template <DifferentiableBackend B>
class StampsTraining {
 public:
  using Model = CoCa<stamps_coca, B>;

  explicit StampsTraining(B backend = {}, TapeOptions options = {}, CoCaLossOptions loss = {})
      : model(load<Model>(stamps_folder + "/model.safetensors", backend)),
        trainable(ready_for(loss.contrastive, model)),
        context(backend),
        options_(options),
        loss_(loss) {}

  /// One forward and one backward pass. -> the contrastive and the captioning loss, weighted
  std::pair<float, float> pass() {
    trainable.zero_gradients();
    Tape<B> tape(context, options_);
    trainable.watch(tape);
    const Recording<B> recording(context, &tape);
    const CoCaTask<Model> task(model, {.loss = loss_});
    const ImageTextInputs<B> inputs{device_rows(context, stamps_forward(), "pixels", 16),
                                    tokens_of(stamps_forward(), "tokens", 16)};
    const std::array losses{make_loss(context), make_loss(context)};
    const std::vector<double> counts = task.counts(inputs);
    const LossSums<B> sums{{&losses[0], 1}, {&losses[1], 1}, counts};
    const BatchPart all{0, 16};
    const auto outputs = task.forward(context, inputs, all);
    task.add_batch_losses(context, task.compared(outputs), SingleProcess{}, sums);
    task.add_part_losses(context, inputs, outputs, all, sums);
    tape.backward();
    return {static_cast<float>(context.to_host(losses[0])[0]),
            static_cast<float>(context.to_host(losses[1])[0])};
  }

  /// All gradients, by path.
  std::map<std::string, std::vector<float>> gradients() const {
    std::map<std::string, std::vector<float>> all;
    for (std::size_t i = 0; i < trainable.entries().size(); ++i) {
      const auto values = context.to_host(trainable.gradient(i));
      all[trainable.entries()[i].path].assign(values.begin(), values.end());
    }
    return all;
  }

  Model model;
  Trainable<Model> trainable;
  Context<B> context;

 private:
  TapeOptions options_;
  CoCaLossOptions loss_;
};

/// The Euclidean norm.
inline double norm(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

}  // namespace coca::testing
