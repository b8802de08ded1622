#pragma once
/// @file
/// A checkpoint of a training run: one safetensors file, written atomically. It contains
/// the weights (`model.` and the parameter's name), the optimizer state (`optimizer.`), the
/// weight average (`average.`), and everything else as JSON in its metadata.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/weight_source.hpp"
#include "coca/data/batch.hpp"
#include "coca/io/json.hpp"
#include "coca/io/json_bytes.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/io/safetensors_writer.hpp"
#include "coca/nn/parameter.hpp"
#include "coca/training/checkpoint_digest.hpp"
#include "coca/training/exponential_average.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/training_options_json.hpp"

namespace coca {

/// The progress of a run.
struct TrainingState {
  std::uint64_t step = 0;     ///< steps done, including skipped ones
  DataPosition position{};    ///< the batch that comes next
  std::uint64_t skipped = 0;  ///< steps that were skipped
  std::uint64_t skipped_in_a_row = 0;
  std::uint64_t validated_step = 0;  ///< the step of the last validation
  std::uint64_t log_bytes = 0;       ///< length of log.jsonl
  double seconds = 0;                ///< spent on training
  std::optional<double> best{};      ///< quality of the best validation, if its weights are kept
};

/// Everything in a checkpoint that is not a tensor.
struct TrainingRecord {
  TrainingState state{};
  std::uint64_t optimizer_steps = 0;
  std::uint64_t average_updates = 0;
  std::uint64_t step_pictures = 0;     ///< of a step, of all processes; 0: not known
  std::string data{};                  ///< digest of the training data; empty: not known
  std::vector<std::string> classes{};  ///< names by label; none: the task has none, or not known
  TrainingOptions options{};
  Json backend{};           ///< what the backend needs to compute the same bits again
  bool logit_bias = false;  ///< whether the model has one, according to its tensors
};

namespace detail {

inline Json to_json(const TrainingState& state) {
  Json json{{"step", state.step},
            {"epoch", state.position.epoch},
            {"batch", state.position.batch},
            {"skipped", state.skipped},
            {"skipped_in_a_row", state.skipped_in_a_row},
            {"validated_step", state.validated_step},
            {"log_bytes", state.log_bytes},
            {"seconds", state.seconds}};
  if (state.best) json["best"] = *state.best;
  return json;
}

inline std::uint64_t count_at(const Json& json, const char* key, const std::string& path) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_unsigned())
    throw FileError(path,
                    std::string("the record of the training run has no count \"") + key + "\"");
  return found->get<std::uint64_t>();
}

inline TrainingState training_state(const Json& json, const std::string& path) {
  TrainingState state;
  const auto count = [&](const char* key) { return count_at(json, key, path); };
  state.step = count("step");
  state.position = {count("epoch"), count("batch")};
  state.skipped = count("skipped");
  state.skipped_in_a_row = count("skipped_in_a_row");
  state.validated_step = count("validated_step");
  state.log_bytes = count("log_bytes");
  if (json.contains("seconds") && json.at("seconds").is_number())
    state.seconds = json.at("seconds").get<double>();
  if (json.contains("best") && json.at("best").is_number())
    state.best = json.at("best").get<double>();
  return state;
}

/// The elements of an array as floats.
template <class B>
WeightSource array_source(const B& backend, const Array<B>& array) {
  WeightSource source{array.shape(), {}};
  const std::size_t rows = source.rows(), width = source.row_size();
  source.read = [backend, array, rows, width](std::size_t first, std::size_t count, float* out) {
    const Array<B> part = array.reshaped({rows, width}).slice(first, count);
    backend.copy_out(part, std::span<float>(out, count * width));
  };
  return source;
}

/// The record as it is stored. File names and classes may be any bytes.
inline std::string record_text(const TrainingRecord& record) {
  const Json json{{"version", 1},
                  {"state", to_json(record.state)},
                  {"optimizer_steps", record.optimizer_steps},
                  {"average_updates", record.average_updates},
                  {"step_pictures", record.step_pictures},
                  {"data", record.data},
                  {"classes", record.classes},
                  {"options", parse_json(to_json_text(to_json(record.options)), "options")},
                  {"backend", record.backend}};
  return to_json_text(json);
}

/// The names of classes that a record holds. @throws FileError for what is no list of names
inline std::vector<std::string> recorded_classes(const Json& record, const std::string& path) {
  const auto found = record.find("classes");
  if (found == record.end()) return {};
  const auto is_text = [](const Json& name) { return name.is_string(); };
  if (!found->is_array() || !std::all_of(found->begin(), found->end(), is_text))
    throw FileError(path, "the \"classes\" of the training run are not a list of names");
  return found->get<std::vector<std::string>>();
}

}  // namespace detail

/// The tensors of a run, read and written in place.
template <class Model>
struct TrainedTensors {
  using B = typename Model::backend_type;
  static_assert(std::is_same_v<typename B::value_type, float>,
                "checkpoints of training hold floats, so the backend has to compute with them");

  Model& model;
  const Optimizer<Model>& optimizer;
  const ExponentialAverage<Model>* average = nullptr;  ///< nullptr: there is none

  /// Calls visit(name, source) for each tensor.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    const B backend = model.backend();
    for_each_parameter(std::as_const(model), [&](const auto& parameter) {
      visit("model." + parameter.path(), parameter.store(backend));
    });
    for_each_array([&](const std::string& name, const Array<B>& array) {
      visit(name, detail::array_source(backend, array));
    });
  }

  /// Calls visit(name, array) for each that is not a weight of the model.
  template <class Visitor>
  void for_each_array(Visitor&& visit) const {
    optimizer.for_each_state(
        [&](const std::string& name, const Array<B>& array) { visit("optimizer." + name, array); });
    if (average != nullptr) average->for_each_state(visit);
  }
};

/// Writes a checkpoint in the place of the previous one.
/// @throws FileError if it cannot be written; the previous one is then untouched.
template <class Model>
void save_training_checkpoint(const std::string& path, const TrainedTensors<Model>& tensors,
                              const TrainingRecord& record) {
  const std::string text = detail::record_text(record);
  CheckpointDigest digest(text);  // of the header, so the tensors are read twice
  std::vector<TensorAnnouncement> announcements;
  tensors.for_each([&](const std::string& name, const WeightSource& source) {
    announcements.push_back({name, source.shape, DType::F32});
    digest.add(name, source);
  });
  SafetensorsWriter writer(path, std::move(announcements),
                           {{training_record_key, text}, {training_digest_key, digest.text()}});
  tensors.for_each([&](const std::string& name, const WeightSource& source) {
    for_each_part(source, [&](std::span<const float> values) { writer.write(name, values); });
  });
  writer.commit();
}

/// The record of a checkpoint.
/// @throws FileError if it is not a checkpoint of a training run, or damaged.
inline TrainingRecord read_training_record(const Checkpoint& checkpoint) {
  const std::string& path = checkpoint.path();
  const auto found = checkpoint.metadata().find(training_record_key);
  if (found == checkpoint.metadata().end())
    throw FileError(path, "is not a checkpoint of a training run");
  const Json json = parse_json(found->second, path);
  for (const char* key : {"state", "options"})
    if (!json.is_object() || !json.contains(key) || !json.at(key).is_object())
      throw FileError(path, std::string("the record of the training run has no \"") + key + "\"");
  if (detail::count_at(json, "version", path) != 1)
    throw FileError(path, "was written by another version of the trainer");
  TrainingRecord record;
  record.state = detail::training_state(json.at("state"), path);
  record.optimizer_steps = detail::count_at(json, "optimizer_steps", path);
  record.average_updates = detail::count_at(json, "average_updates", path);
  if (json.contains("step_pictures"))
    record.step_pictures = detail::count_at(json, "step_pictures", path);
  if (json.contains("data") && json.at("data").is_string())
    record.data = json.at("data").get<std::string>();
  record.classes = detail::recorded_classes(json, path);
  read_options(json.at("options"), path, record.options);
  if (json.contains("backend")) record.backend = json.at("backend");
  record.logit_bias = checkpoint.contains("model.logit_bias");
  return record;
}

/// Reads a checkpoint once. Those of versions that stored no digest are taken as they are.
/// @throws FileError if the content is not what was written
template <class Model>
void expect_intact(const Checkpoint& checkpoint, const TrainedTensors<Model>& tensors) {
  const auto& metadata = checkpoint.metadata();
  const auto stored = metadata.find(training_digest_key),
             record = metadata.find(training_record_key);
  if (stored == metadata.end() || record == metadata.end()) return;
  CheckpointDigest digest(record->second);
  tensors.for_each([&](const std::string& name, const WeightSource&) {
    digest.add(name, checkpoint.source(name));
  });
  if (digest.text() != stored->second)
    throw FileError(checkpoint.path(), "is damaged: its content is not what was written (digest " +
                                           digest.text() + ", expected " +
                                           detail::printable(stored->second, 20) +
                                           "); restore it from a copy, or start another run");
}

/// Restores all tensors of a checkpoint.
/// @throws FileError if one is missing, superfluous or of another shape (another model, or other
/// options of the optimizer), or the checkpoint is damaged.
template <class Model>
void restore_tensors(const Checkpoint& checkpoint, const TrainedTensors<Model>& tensors) {
  std::set<std::string> known;
  tensors.for_each([&](const std::string& name, const WeightSource& source) {
    known.insert(name);
    const Shape& stored = checkpoint.tensor(name).shape;
    if (stored != source.shape)
      throw FileError(checkpoint.path(), "tensor \"" + name + "\" is " + to_string(stored) +
                                             ", expected " + to_string(source.shape));
  });
  for (const std::string& name : checkpoint.names())
    if (known.count(name) == 0)
      throw FileError(checkpoint.path(),
                      "holds \"" + name + "\", which a run with these options does not have");
  expect_intact(checkpoint, tensors);
  const auto backend = tensors.model.backend();
  for_each_parameter(tensors.model, [&](auto& parameter) {
    parameter.load(backend, checkpoint.source("model." + parameter.path()));
  });
  tensors.for_each_array([&](const std::string& name, const auto& array) {
    detail::fill_storage(backend, checkpoint.source(name), array);
  });
}

}  // namespace coca
