#pragma once
/// @file
/// Weights from files into models, and back.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/io/safetensors_writer.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/inferred_config.hpp"
#include "coca/pipelines/misfits.hpp"
#include "coca/pipelines/position_interpolation.hpp"

namespace coca {

/// How weights are fitted into a model.
struct LoadOptions {
  /// Resizes the picture's position embeddings if the checkpoint was trained on pictures of
  /// another size (bicubic, antialiased, as OpenCLIP does). Otherwise another size is an error.
  bool interpolate_positions = false;
};

namespace detail {

/// How many of a model's parameters a checkpoint names.
template <class Model>
std::size_t count_known(const Model& model, const Checkpoint& checkpoint) {
  std::size_t known = 0;
  for_each_parameter(model, [&](const auto& parameter) {
    known += checkpoint.contains(parameter.path()) ? 1 : 0;
  });
  return known;
}

/// Removes the prefix that a wrapper has added to all names, if the model then knows more of them.
/// Names of CLIP's text tower begin with "text." if OpenCLIP made the model with `custom_text`.
template <class Model>
Checkpoint with_names_of(const Model& model, Checkpoint checkpoint) {
  const Checkpoint unwrapped = checkpoint.with_prefix_removed(common_prefix(checkpoint));
  if (count_known(model, unwrapped) > count_known(model, checkpoint)) checkpoint = unwrapped;
  bool wants_prefix = false;
  for_each_parameter(model, [&](const auto& parameter) {
    wants_prefix = wants_prefix || parameter.path().starts_with("text.");
  });
  const bool has_prefix = checkpoint.contains("text.token_embedding.weight");
  if (wants_prefix || !has_prefix) return checkpoint;
  return checkpoint.with_prefix_removed("text.");
}

/// Whether all numbers are finite. NaN and infinity have an exponent of all ones: adding one
/// carries into the sign bit. Checks two numbers at a time, since whole models are checked.
inline bool all_finite(std::span<const float> values) {
  constexpr std::uint64_t signs = 0x8000'0000'8000'0000, ones = 0x0080'0000'0080'0000;
  std::uint64_t carries = 0;
  std::size_t i = 0;
  for (; i + 2 <= values.size(); i += 2) {
    std::uint64_t bits;
    std::memcpy(&bits, values.data() + i, sizeof bits);
    carries |= (bits & ~signs) + ones;
  }
  return (carries & signs) == 0 && (i == values.size() || std::isfinite(values[i]));
}

/// A tensor of a checkpoint that throws FileError if it contains NaN or infinity.
inline WeightSource finite_source(const Checkpoint& checkpoint, const std::string& name) {
  WeightSource source = checkpoint.source(name);
  source.read = [read = std::move(source.read), row = source.row_size(), path = checkpoint.path(),
                 name](std::size_t first, std::size_t count, float* out) {
    read(first, count, out);
    if (!all_finite({out, count * row}))
      throw FileError(path, "tensor \"" + name + "\" holds NaN or infinity");
  };
  return source;
}

}  // namespace detail

/// Fills a model from a checkpoint, tensor by tensor.
/// Prefixes that wrappers add to all names, such as "module." or "model.", do not matter. A
/// checkpoint trained with SigLIP's loss includes its logit_bias.
/// @throws FileError listing all missing, unexpected and misshapen tensors, and the preset that
/// would fit; and for values that are not finite, which OpenCLIP loads, but which make every
/// output NaN: training has diverged. (Tensors before that one have been loaded then.) And for a
/// training checkpoint, which contains more than a model.
template <class Model>
requires(!ConfiguredModel<Model>) void load_weights(Model& model, const Checkpoint& checkpoint,
                                                    const LoadOptions& options = {}) {
  expect_model_weights(checkpoint);
  const Checkpoint named = detail::with_names_of(model, checkpoint);
  if constexpr (requires { model.add_logit_bias(); })
    if (named.contains("logit_bias")) model.add_logit_bias();
  const Misfits misfits = find_misfits(model, named, options.interpolate_positions);
  if (!misfits.empty()) throw FileError(checkpoint.path(), misfit_message(misfits, model, named));
  for_each_parameter(model, [&](auto& parameter) {
    const WeightSource source = detail::finite_source(named, parameter.path());
    if (parameter.fits(source.shape))
      parameter.load(model.backend(), source);
    else
      parameter.load(model.backend(), interpolated_positions(source, parameter.shape()));
  });
}

/// The same for a model whose configuration is part of its type.
template <ConfiguredModel Model>
void load_weights(Model& model, const Checkpoint& checkpoint, const LoadOptions& options = {}) {
  load_weights(as_runtime(model), checkpoint, options);
}

/// A model with the weights of a file (safetensors, its index, `.pt`, `.bin`) or of a folder as
/// Hugging Face lays it out.
/// @throws FileError if the file is damaged or holds another model.
template <class Model>
Model load(const std::string& path,
           typename Model::backend_type backend = typename Model::backend_type{},
           const LoadOptions& options = {}) {
  const auto folder = find_hugging_face_folder(path);
  Model model(std::move(backend));
  load_weights(model, open_checkpoint(folder ? folder->weights : path), options);
  return model;
}

/// Writes a model as safetensors that OpenCLIP loads; the file appears complete or not at all.
/// @param dtype F32, F16 or BF16
/// @throws FileError if it cannot be written.
template <class Model>
requires(!ConfiguredModel<Model>) void save_weights(const Model& model, const std::string& path,
                                                    DType dtype = DType::F32) {
  std::vector<TensorAnnouncement> announcements;
  for_each_parameter(model, [&](const auto& parameter) {
    announcements.push_back({parameter.path(), parameter.shape(), dtype});
  });
  SafetensorsWriter writer(path, std::move(announcements));  // of one type, in this order
  for_each_parameter(model, [&](const auto& parameter) {
    for_each_part(parameter.store(model.backend()),
                  [&](std::span<const float> values) { writer.write(parameter.path(), values); });
  });
  writer.commit();
}

/// The same for a model whose configuration is part of its type.
template <ConfiguredModel Model>
void save_weights(const Model& model, const std::string& path, DType dtype = DType::F32) {
  save_weights(as_runtime(model), path, dtype);
}

}  // namespace coca
