#pragma once
/// @file
/// What is trained: which data a step needs, which losses it has, and what validation measures. The
/// step, the trainer, the log and the report know only the task, no model.
///
/// A step may be computed in parts to save memory, and shared by several processes. Losses that
/// compare all samples (contrast) then need the whole batch; all others add up over the parts. So a
/// task says of each loss which of the two it is:
///
/// - batch losses are computed once, from the arrays that `compared` names (embeddings), with those
///   of all parts and processes;
/// - part losses are computed for each part, and divided by counts (words, pictures) that have been
///   summed over all parts and processes before.

#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/data/batch.hpp"
#include "coca/data/dataset.hpp"
#include "coca/models/runtime_model.hpp"
#include "coca/training/communicator.hpp"
#include "coca/training/model_file.hpp"
#include "coca/training/named_numbers.hpp"
#include "coca/training/step_samples.hpp"
#include "coca/training/training_options.hpp"
#include "coca/training/training_subject.hpp"

namespace coca {

/// Samples [first, first + count) of a process's batch.
struct BatchPart {
  std::size_t first = 0;
  std::size_t count = 0;
  /// Numbers for what is random in a step; nothing: nothing is random, as in validation.
  std::optional<StepSamples> samples{};
};

/// Where losses are added: one number [1] per loss, and what the mean of each part loss is over.
template <Backend B>
struct LossSums {
  std::span<const Array<B>> batch_losses{};
  std::span<const Array<B>> part_losses{};
  std::span<const double> counts{};  ///< of the part losses, over all parts and processes
};

/// A number of the model that log and report track, such as a temperature.
template <Backend B>
struct TrackedNumber {
  std::string name;
  Array<B> value;             ///< [1]
  bool is_logarithm = false;  ///< what is shown is its exponential
};

/// The part of a task that a TrainingStep needs. Objects are constant while steps are made.
///
/// - Inputs: what a step is computed from, of all samples of a process
/// - Outputs: what one pass through the model gives for a part
/// - model(): the model, whose parameters the gradients are of
/// - batch_losses(), part_losses(): names, such as "contrastive_loss"
/// - size(inputs), check(inputs): number of samples; throws ShapeError or ArgumentError if they
///   do not fit the model
/// - counts(inputs): one number per part loss, see LossSums
/// - forward(context, inputs, part): may be called twice for a part, and must draw the same then
/// - compared(outputs): arrays [count, width] that batch losses are computed from; as many in each
///   call, none if there are no batch losses
/// - add_batch_losses(context, arrays, processes, sums): adds to sums.batch_losses. Arrays of other
///   processes come from processes.all_gather; together the processes' numbers are the loss
/// - add_part_losses(context, inputs, outputs, part, sums): adds to sums.part_losses
/// - tracked(): numbers of the model for the log
template <class T>
concept TaskLosses = requires {
  typename T::model_type;
  typename T::Inputs;
  typename T::Outputs;
}
&&DifferentiableBackend<typename T::model_type::backend_type>&& requires(
    const T task, Context<typename T::model_type::backend_type>& context,
    const typename T::Inputs inputs, const typename T::Outputs outputs, const BatchPart part,
    const SingleProcess processes, const LossSums<typename T::model_type::backend_type> sums) {
  { task.model() } -> std::convertible_to<const typename T::model_type&>;
  { task.batch_losses() } -> std::same_as<std::vector<std::string>>;
  { task.part_losses() } -> std::same_as<std::vector<std::string>>;
  { task.size(inputs) } -> std::convertible_to<std::size_t>;
  task.check(inputs);
  { task.counts(inputs) } -> std::same_as<std::vector<double>>;
  { task.forward(context, inputs, part) } -> std::same_as<typename T::Outputs>;
  task.add_batch_losses(context, task.compared(outputs), processes, sums);
  task.add_part_losses(context, inputs, outputs, part, sums);
  {
    task.tracked()
    } -> std::same_as<std::vector<TrackedNumber<typename T::model_type::backend_type>>>;
};

/// All that a Trainer needs.
///
/// - name: "coca"; a checkpoint is of one task
/// - made from a model, a subject and options
/// - fields(): what records must have: "caption", "label", or keys of Record::fields
/// - prepare(data): looks at the data before the first step
/// - inputs(context, batch, samples): from a batch; without samples nothing is random
/// - largest_inputs(context, size): of the largest shapes, for training_memory()
/// - unused(): beginnings of names of parameters that no loss depends on; they stay unchanged
/// - Scorer, made by scorer(): add(context, inputs, outputs) for each batch of the validation data,
///   then scores()
/// - texts(context, pictures): the model's texts for the fixed pictures, or nothing
/// - files(preprocess): what is stored next to the weights
template <class T>
concept TrainingTask = TaskLosses<T> &&
    std::constructible_from<T, typename T::model_type&, const TrainingSubject&,
                            const TrainingOptions&> &&
    requires(T task, const T constant, Context<typename T::model_type::backend_type>& context,
             const AnyDataset data, const Batch batch, const std::optional<StepSamples> samples,
             const typename T::Inputs inputs, const typename T::Outputs outputs,
             std::span<const Pixels> pictures, const PreprocessConfig preprocess) {
  { T::name } -> std::convertible_to<std::string_view>;
  { constant.fields() } -> std::same_as<std::vector<std::string>>;
  task.prepare(data);
  { constant.inputs(context, batch, samples) } -> std::same_as<typename T::Inputs>;
  { constant.largest_inputs(context, std::size_t{}) } -> std::same_as<typename T::Inputs>;
  { constant.unused() } -> std::same_as<std::vector<std::string>>;
  constant.scorer().add(context, inputs, outputs);
  { constant.scorer().scores() } -> std::same_as<NamedNumbers>;
  { constant.texts(context, pictures) } -> std::same_as<std::vector<std::string>>;
  { constant.files(preprocess) } -> std::same_as<std::vector<ModelFile>>;
};

namespace detail {

template <class Task>
struct RuntimeTaskOf {
  using type = Task;
};
template <template <class> class Task, class Model>
struct RuntimeTaskOf<Task<Model>> {
  using type = Task<RuntimeModel<Model>>;
};

}  // namespace detail

/// The task with the type that its model has apart from its configuration:
/// CoCaTask<StandardCoCa<B>> of CoCaTask<CoCa<config, B>>, so that training is compiled once per
/// backend.
template <class Task>
using RuntimeTask = typename detail::RuntimeTaskOf<Task>::type;

/// For tasks that measure nothing but their losses in validation.
struct NoScorer {
  template <class... Arguments>
  void add(const Arguments&...) const {}
  NamedNumbers scores() const { return {}; }
};

/// Whether a record has what a task calls a field.
inline bool has_field(const Record& record, const std::string& field) {
  if (field == "caption") return !record.captions.empty();
  if (field == "label") return record.label.has_value();
  return record.fields.contains(field);
}

/// Looks at the first hundred records. @throws ArgumentError for a field that none of them has.
inline void expect_fields(const AnyDataset& data, const std::vector<std::string>& fields,
                          std::string_view task) {
  constexpr std::size_t looked_at = 100;
  for (const std::string& field : fields) {
    std::string first;
    bool found = data.size() == 0;
    for (std::size_t i = 0; i < data.size() && i < looked_at && !found; ++i) {
      try {
        const Record record = data.record(i);
        if (first.empty()) first = record.name;
        found = has_field(record, field);
      } catch (const Error&) {  // the loader counts and names it
      }
    }
    if (found || first.empty()) continue;
    throw ArgumentError("the task " + std::string(task) + " needs a " + field +
                        " for each picture, but " + first + " and those after it have none");
  }
}

}  // namespace coca
