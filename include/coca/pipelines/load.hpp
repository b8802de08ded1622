#pragma once
/// @file
/// Weights from files into models, and back.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/io/safetensors_writer.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/pipelines/inferred_config.hpp"
#include "coca/pipelines/position_interpolation.hpp"

namespace coca {

/// How weights are fitted into a model.
struct LoadOptions {
  /// Resizes the picture's position embeddings where the checkpoint was trained on pictures of
  /// another size (bicubic, antialiased, as OpenCLIP does). Otherwise another size is an error.
  bool interpolate_positions = false;
};

namespace detail {

/// Tensors that checkpoints hold beside weights: buffers, and the sizes in OpenAI's files.
inline bool is_ignored_tensor(const std::string& name) {
  static const std::set<std::string> sizes{"input_resolution", "context_length", "vocab_size"};
  return sizes.count(name) != 0 || name.ends_with("attn_mask") || name.ends_with("position_ids");
}

/// Names of CLIP's text tower begin with "text." where OpenCLIP made the model with `custom_text`.
template <class Model>
Checkpoint with_names_of(const Model& model, const Checkpoint& checkpoint) {
  bool wants_prefix = false;
  for_each_parameter(model, [&](const auto& parameter) {
    wants_prefix = wants_prefix || parameter.path().starts_with("text.");
  });
  const bool has_prefix = checkpoint.contains("text.token_embedding.weight");
  if (wants_prefix || !has_prefix) return checkpoint;
  return checkpoint.with_prefix_removed("text.");
}

/// What does not fit, a line a tensor.
template <class Model>
std::vector<std::string> misfits(const Model& model, const Checkpoint& checkpoint,
                                 const LoadOptions& options) {
  std::vector<std::string> lines;
  std::set<std::string> known;
  for_each_parameter(model, [&](const auto& parameter) {
    known.insert(parameter.path());
    if (!checkpoint.contains(parameter.path())) {
      lines.push_back("missing: " + parameter.path() + " " + to_string(parameter.shape()));
      return;
    }
    const Shape& shape = checkpoint.tensor(parameter.path()).shape;
    const bool resizable = options.interpolate_positions &&
                           can_interpolate_positions(parameter.path(), shape, parameter.shape());
    if (!parameter.fits(shape) && !resizable)
      lines.push_back("wrong shape: " + parameter.path() + " is " + to_string(shape) +
                      ", expected " + to_string(parameter.shape()));
  });
  for (const std::string& name : checkpoint.names())
    if (known.count(name) == 0 && !is_ignored_tensor(name))
      lines.push_back("unexpected: " + name + " " + to_string(checkpoint.tensor(name).shape));
  return lines;
}

[[noreturn]] inline void throw_misfits(const Checkpoint& checkpoint,
                                       const std::vector<std::string>& lines) {
  const std::string fit = fitting_config_sentence(checkpoint);
  std::string message =
      "the weights do not fit this model. " + fit + (fit.ends_with("\n") ? "" : "\n");
  message +=
      std::to_string(lines.size()) + (lines.size() == 1 ? " tensor differs:" : " tensors differ:");
  for (const std::string& line : lines) message += "\n  " + line;
  throw FileError(checkpoint.path(), message);
}

}  // namespace detail

/// Fills a model from a checkpoint, tensor by tensor.
/// @throws FileError listing all missing, unexpected and misshapen tensors, and the preset that
/// would fit.
template <class Model>
void load_weights(Model& model, const Checkpoint& checkpoint, const LoadOptions& options = {}) {
  const Checkpoint named = detail::with_names_of(model, checkpoint);
  const std::vector<std::string> misfits = detail::misfits(model, named, options);
  if (!misfits.empty()) detail::throw_misfits(checkpoint, misfits);
  for_each_parameter(model, [&](auto& parameter) {
    const WeightSource source = named.source(parameter.path());
    if (parameter.fits(source.shape))
      parameter.load(model.backend(), source);
    else
      parameter.load(model.backend(), interpolated_positions(source, parameter.shape()));
  });
}

/// A model with the weights of a file (safetensors, its index, `.pt`, `.bin`) or of a folder as
/// Hugging Face lays it out.
/// @throws FileError where the file is damaged or holds another model.
template <class Model>
Model load(const std::string& path,
           typename Model::backend_type backend = typename Model::backend_type{},
           const LoadOptions& options = {}) {
  std::error_code ignored;  // opening the file says what is wrong
  const std::string weights =
      std::filesystem::is_directory(path, ignored) ? open_hugging_face_folder(path).weights : path;
  Model model(std::move(backend));
  load_weights(model, open_checkpoint(weights), options);
  return model;
}

/// Writes a model as safetensors that OpenCLIP loads; the file appears complete or not at all.
/// @param dtype F32, F16 or BF16
/// @throws FileError where it cannot be written.
template <class Model>
void save_weights(const Model& model, const std::string& path, DType dtype = DType::F32) {
  std::vector<TensorAnnouncement> announcements;
  for_each_parameter(model, [&](const auto& parameter) {
    announcements.push_back({parameter.path(), parameter.shape(), dtype});
  });
  SafetensorsWriter writer(path, std::move(announcements));  // of one type, in this order
  for_each_parameter(model, [&](const auto& parameter) {
    const WeightSource source = parameter.store(model.backend());
    const std::size_t rows = source.rows(), width = source.row_size();
    const std::size_t chunk = std::max<std::size_t>(1, (std::size_t{1} << 20) / width);
    std::vector<float> values(std::min(chunk, rows) * width);
    for (std::size_t first = 0; first < rows; first += chunk) {
      const std::size_t count = std::min(chunk, rows - first);
      source.read(first, count, values.data());
      writer.write(parameter.path(), std::span<const float>(values.data(), count * width));
    }
  });
  writer.commit();
}

}  // namespace coca
