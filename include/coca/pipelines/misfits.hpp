#pragma once
/// @file
/// Differences between a checkpoint and a model, and the message that reports them.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/inferred_config.hpp"
#include "coca/pipelines/position_interpolation.hpp"

namespace coca {

/// Tensors in which a checkpoint and a model differ.
struct Misfits {
  struct Tensor {
    std::string name;
    std::string shape;  ///< " [32]", or " is [32], expected [64]"
  };
  std::vector<Tensor> missing;     ///< tensors that the checkpoint lacks
  std::vector<Tensor> unexpected;  ///< tensors that the model does not know
  std::vector<Tensor> misshapen;

  bool empty() const noexcept { return missing.empty() && unexpected.empty() && misshapen.empty(); }
};

namespace detail {

/// Tensors in checkpoints that are not weights: buffers, and the sizes in OpenAI's files.
inline bool is_ignored_tensor(const std::string& name) {
  static const std::set<std::string> sizes{"input_resolution", "context_length", "vocab_size"};
  return sizes.count(name) != 0 || name.ends_with("attn_mask") || name.ends_with("position_ids");
}

/// "missing tensors: 5 (a, b, c and 2 more)", shorter if not the first count.
inline void add_count(std::string& text, const char* first_kind, const char* kind,
                      const std::vector<Misfits::Tensor>& tensors) {
  constexpr std::size_t shown = 3;
  if (tensors.empty()) return;
  text += (text.empty() ? std::string(first_kind) : ", " + std::string(kind)) + ": " +
          std::to_string(tensors.size()) + " (";
  for (std::size_t i = 0; i < std::min(shown, tensors.size()); ++i)
    text += (i == 0 ? "" : ", ") + tensors[i].name;
  if (tensors.size() > shown) text += " and " + std::to_string(tensors.size() - shown) + " more";
  text += ")";
}

inline std::string count_text(const Misfits& misfits) {
  std::string text;
  add_count(text, "missing tensors", "missing", misfits.missing);
  add_count(text, "unexpected tensors", "unexpected", misfits.unexpected);
  add_count(text, "tensors of another shape", "of another shape", misfits.misshapen);
  return text;
}

/// One line per tensor.
inline std::string list_text(const Misfits& misfits) {
  std::string text;
  const auto add = [&](const char* kind, const std::vector<Misfits::Tensor>& tensors) {
    for (const Misfits::Tensor& tensor : tensors)
      text += std::string("\n  ") + kind + ": " + tensor.name + tensor.shape;
  };
  add("missing", misfits.missing);
  add("unexpected", misfits.unexpected);
  add("of another shape", misfits.misshapen);
  return text;
}

}  // namespace detail

/// Compares names and shapes.
/// @param interpolate_positions whether positions of another number of patches fit
template <class Model>
Misfits find_misfits(const Model& model, const Checkpoint& checkpoint,
                     bool interpolate_positions = false) {
  Misfits misfits;
  std::set<std::string> known;
  for_each_parameter(model, [&](const auto& parameter) {
    known.insert(parameter.path());
    if (!checkpoint.contains(parameter.path())) {
      misfits.missing.push_back({parameter.path(), " " + to_string(parameter.shape())});
      return;
    }
    const Shape& shape = checkpoint.tensor(parameter.path()).shape;
    const bool resizable = interpolate_positions &&
                           can_interpolate_positions(parameter.path(), shape, parameter.shape());
    if (!parameter.fits(shape) && !resizable)
      misfits.misshapen.push_back({parameter.path(), " is " + to_string(shape) + ", expected " +
                                                         to_string(parameter.shape())});
  });
  for (const std::string& name : checkpoint.names())
    if (known.count(name) == 0 && !detail::is_ignored_tensor(name))
      misfits.unexpected.push_back(
          {detail::printable(name), " " + to_string(checkpoint.tensor(name).shape)});
  return misfits;
}

/// Reports what does not fit: how many tensors and the first names; their origin; every tensor; and
/// if no preset matches them, a configuration that does.
/// @param checkpoint the tensors under the names that the model knows
template <class Model>
std::string misfit_message(const Misfits& misfits, const Model& model,
                           const Checkpoint& checkpoint) {
  const std::string cause = "the weights do not fit this model; " + detail::count_text(misfits);
  const std::string list = detail::list_text(misfits);
  if (find_misfits(model, checkpoint, true).empty())
    return cause +
           "\nThey were trained on pictures of another size; interpolate_positions "
           "(--interpolate-positions) takes them all the same." +
           list;
  const TensorShapes wanted = tensor_shapes(model);
  const std::optional<AnyConfig> inferred = infer_config(checkpoint);
  if (inferred && inferred == infer_config(wanted)) return cause + "\nAll others fit." + list;
  if (const auto preset = inferred ? preset_with_shapes(*inferred) : std::nullopt)
    return cause + "\nTheir sizes are those of the preset " + std::string(*preset) + "." + list;
  const bool only_missing = misfits.unexpected.empty() && misfits.misshapen.empty();
  if (only_missing && misfits.missing.size() < wanted.size())
    return cause + "\nAll others fit." + list;
  if (!inferred)
    return cause + "\nThey are not those of a CoCa or CLIP with a vision transformer." + list;
  return cause + "\nTheir sizes are those of no preset; a configuration for them is at the end." +
         list +
         "\nHeads, activations and what else is marked leave no trace in a checkpoint and are "
         "guessed:\n" +
         guessed_config_definition(*inferred, "my_model");
}

}  // namespace coca
