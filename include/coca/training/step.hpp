#pragma once
/// @file
/// One training step: losses and gradients of a batch, in parts if memory is short, over several
/// processes if there are, and the optimizer's update. The task defines what is computed.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/training/communicator.hpp"
#include "coca/training/gradient_reduction.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/step_samples.hpp"
#include "coca/training/task.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// Options of a training step.
struct TrainingStepOptions {
  TapeOptions tape{};
  /// Parts that a batch is computed in, one after the other. With more than one, the memory of
  /// activations is that of a part; if there are batch losses the forward pass is computed
  /// twice. Losses and gradients are those of the whole batch.
  std::size_t accumulation = 1;
  /// Gradients that processes sum at a time, during the backward pass: at least so many, as far as
  /// there are.
  std::size_t bucket_size = std::size_t{1} << 20;
  std::uint64_t seed = 0;  ///< of what is random in a step, with the number of the optimizer's step
};

/// The result of a step. Losses are those of all processes, weighted, before the update.
struct TrainingStepResult {
  NamedNumbers losses{};    ///< by the task's names, batch losses first
  NamedNumbers numbers{};   ///< of the model, before the update, such as "logit_scale"
  float gradient_norm = 0;  ///< before clipping
  bool applied = false;     ///< false: something was not finite, and nothing has changed

  /// @throws ArgumentError if the task has no loss of that name
  float loss(std::string_view name) const { return static_cast<float>(number_of(losses, name)); }
  /// @throws ArgumentError if the task tracks no number of that name
  float number(std::string_view name) const { return static_cast<float>(number_of(numbers, name)); }
};

/// Steps of a task.
template <TaskLosses Task, class Processes = SingleProcess>
requires Communicator<Processes, typename Task::model_type::backend_type>
class TrainingStep {
 public:
  using Model = typename Task::model_type;
  using B = typename Model::backend_type;
  using Inputs = typename Task::Inputs;

  /// The task, its model's Trainable, the optimizer and the context must live as long.
  /// @throws ArgumentError for no parts.
  TrainingStep(const Task& task, const Trainable<Model>& trainable, Optimizer<Model>& optimizer,
               Context<B>& context, TrainingStepOptions options = {}, Processes processes = {})
      : task_(task),
        trainable_(trainable),
        optimizer_(optimizer),
        context_(context),
        options_(options),
        processes_(std::move(processes)),
        reduction_(trainable, context, processes_, options.bucket_size) {
    if (options.accumulation == 0) throw ArgumentError("a batch cannot be computed in 0 parts");
  }

  const TrainingStepOptions& options() const noexcept { return options_; }
  const GradientReduction<Model, Processes>& reduction() const noexcept { return reduction_; }

  /// Computes gradients and lets the optimizer change the parameters.
  /// @throws what the task's check() does; ShapeError if the parts cannot be of one size.
  TrainingStepResult operator()(const Inputs& inputs, double learning_rate) {
    TrainingStepResult result = compute_gradients(inputs);
    std::vector<float> losses;
    for (const NamedNumber& loss : result.losses) losses.push_back(static_cast<float>(loss.value));
    const OptimizerResult update = optimizer_.step(learning_rate, losses);
    result.gradient_norm = update.gradient_norm;
    result.applied = update.applied;
    return result;
  }

  /// The first half: leaves the gradients of the losses in the Trainable, summed over all
  /// processes. `gradient_norm` and `applied` are not set.
  TrainingStepResult compute_gradients(const Inputs& inputs) {
    expect_parts(inputs);
    trainable_.forget_gradients();
    const StepNumbers numbers(context_, task_);
    const std::vector<double> counts = sum(task_.counts(inputs));
    const LossSums<B> sums = numbers.sums(counts);
    if (options_.accumulation == 1)
      whole_batch(inputs, sums);
    else
      in_parts(inputs, sums);
    trainable_.settle_gradients();
    reduction_.finish();
    return result_of(numbers);
  }

 private:
  // The losses and the task's tracked numbers, side by side on the device.
  class StepNumbers {
   public:
    StepNumbers(Context<B>& context, const Task& task)
        : names_(task.batch_losses()), tracked_(task.tracked()) {
      batch_losses_ = names_.size();
      for (std::string& name : task.part_losses()) names_.push_back(std::move(name));
      all_ = context.empty(Shape{names_.size() + tracked_.size()});
      context.backend().run(ops::On<B, ops::Fill>{.output = ops::Out(all_)});
      for (std::size_t i = 0; i < names_.size(); ++i) losses_.push_back(all_.slice(i, 1));
      for (std::size_t i = 0; i < tracked_.size(); ++i)
        context.backend().run(
            ops::On<B, ops::Copy>{.input = tracked_[i].value.reshaped({1}),
                                  .output = ops::Out(all_.slice(names_.size() + i, 1))});
    }

    LossSums<B> sums(std::span<const double> counts) const {
      const std::span<const Array<B>> losses(losses_);
      return {losses.first(batch_losses_), losses.subspan(batch_losses_), counts};
    }
    const std::vector<std::string>& losses() const { return names_; }
    const std::vector<TrackedNumber<B>>& tracked() const { return tracked_; }
    const Array<B>& all() const { return all_; }

   private:
    std::vector<std::string> names_;  // of the losses
    std::vector<TrackedNumber<B>> tracked_;
    std::size_t batch_losses_ = 0;
    Array<B> all_;
    std::vector<Array<B>> losses_;
  };

  std::vector<double> sum(std::vector<double> numbers) const {
    return numbers.empty() ? numbers : processes_.sum(std::move(numbers));
  }

  TrainingStepResult result_of(const StepNumbers& numbers) const {
    const auto host = context_.to_host(numbers.all());
    const std::size_t losses = numbers.losses().size();
    const std::vector<double> sums =
        sum({host.begin(), host.begin() + static_cast<std::ptrdiff_t>(losses)});
    TrainingStepResult result;
    for (std::size_t i = 0; i < losses; ++i)
      result.losses.push_back({numbers.losses()[i], static_cast<float>(sums[i])});
    for (std::size_t i = 0; i < numbers.tracked().size(); ++i) {
      const auto& [name, value, is_logarithm] = numbers.tracked()[i];
      const auto number = static_cast<float>(host[losses + i]);
      result.numbers.push_back({name, is_logarithm ? std::exp(number) : number});
    }
    return result;
  }

  void expect_parts(const Inputs& inputs) const {
    task_.check(inputs);
    const std::size_t samples = task_.size(inputs);
    if (samples % options_.accumulation != 0)
      throw ShapeError("a batch of " + std::to_string(samples) + " cannot be computed in " +
                       std::to_string(options_.accumulation) + " equal parts");
  }

  // [first, first + count) of the `all` that this process has of the step.
  BatchPart part_of(std::size_t first, std::size_t count, std::size_t all) const {
    return {first, count,
            StepSamples{.seed = options_.seed,
                        .step = optimizer_.step_count(),
                        .first = processes_.rank() * all + first,
                        .count = count}};
  }

  void whole_batch(const Inputs& inputs, const LossSums<B>& sums) {
    const std::size_t samples = task_.size(inputs);
    const BatchPart part = part_of(0, samples, samples);
    Tape<B> tape(context_, options_.tape);
    trainable_.watch(tape);
    reduction_.follow(tape, GradientPass::last);
    {
      const Recording<B> recording(context_, &tape);
      const typename Task::Outputs outputs = task_.forward(context_, inputs, part);
      const auto compared = task_.compared(outputs);
      if (!compared.empty()) task_.add_batch_losses(context_, compared, processes_, sums);
      task_.add_part_losses(context_, inputs, outputs, part, sums);
    }
    tape.backward();
  }

  using Compared =
      decltype(std::declval<const Task&>().compared(std::declval<const typename Task::Outputs&>()));

  // Batch losses are of all samples at once, so what they compare is computed without a tape
  // first, then the gradients of the losses with respect to it, and with those each part has a
  // backward pass (Gao et al. 2021, arXiv 2101.06983; the gradients of OpenCLIP's --accum-freq, but
  // with one pass through the loss, where logit_scale gets its gradient once).
  void in_parts(const Inputs& inputs, const LossSums<B>& sums) {
    const std::size_t samples = task_.size(inputs), size = samples / options_.accumulation;
    Compared gradients{};
    if constexpr (std::tuple_size_v<Compared> != 0)
      gradients = gradients_of(all_compared(inputs), sums);
    for (std::size_t first = 0; first < samples; first += size) {
      const BatchPart part = part_of(first, size, samples);
      Tape<B> tape(context_, options_.tape);
      trainable_.watch(tape);
      reduction_.follow(tape, first + size == samples ? GradientPass::last : GradientPass::part);
      {
        const Recording<B> recording(context_, &tape);
        const typename Task::Outputs outputs = task_.forward(context_, inputs, part);
        const Compared compared = task_.compared(outputs);
        for (std::size_t i = 0; i < compared.size(); ++i)
          start_from(tape, compared[i], gradients[i].slice(first, size));
        task_.add_part_losses(context_, inputs, outputs, part, sums);
      }
      tape.backward();
    }
  }

  // What the batch losses compare, of all parts: arrays [samples, width].
  Compared all_compared(const Inputs& inputs) const {
    const Recording<B> off(context_, nullptr);
    const std::size_t samples = task_.size(inputs), size = samples / options_.accumulation;
    Compared all{};
    for (std::size_t first = 0; first < samples; first += size) {
      const Compared some =
          task_.compared(task_.forward(context_, inputs, part_of(first, size, samples)));
      for (std::size_t i = 0; i < all.size(); ++i) {
        const std::size_t width = some[i].shape()[1];
        if (first == 0) all[i] = context_.empty(Shape{samples, width});
        Array<B> output = all[i].reshaped({1, samples, width});
        write_tokens(context_, some[i].reshaped({1, size, width}), Array<B>{}, first, output);
      }
    }
    return all;
  }

  // Adds the batch losses, and the gradients of parameters that they depend on directly.
  Compared gradients_of(const Compared& all, const LossSums<B>& sums) {
    Compared gradients{};
    Tape<B> tape(context_);
    trainable_.watch(tape);
    reduction_.follow(tape, GradientPass::losses);
    for (std::size_t i = 0; i < all.size(); ++i) {
      gradients[i] = context_.empty(all[i].shape());
      context_.backend().run(ops::On<B, ops::Fill>{.output = ops::Out(gradients[i])});
      tape.watch(all[i], gradients[i]);
    }
    {
      const Recording<B> recording(context_, &tape);
      task_.add_batch_losses(context_, all, processes_, sums);
    }
    tape.backward();
    return gradients;
  }

  // The gradient of what follows an output; nothing if only frozen parameters led to it.
  void start_from(Tape<B>& tape, const Array<B>& output, const Array<B>& gradient) const {
    if (tape.follows(output))
      context_.backend().run(ops::On<B, ops::Accumulate>{
          .input = gradient, .output = ops::Add(tape.gradient(output))});
  }

  const Task& task_;
  const Trainable<Model>& trainable_;
  Optimizer<Model>& optimizer_;
  Context<B>& context_;
  TrainingStepOptions options_;
  Processes processes_;
  GradientReduction<Model, Processes> reduction_;
};

}  // namespace coca
