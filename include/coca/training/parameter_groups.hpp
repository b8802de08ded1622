#pragma once
/// @file
/// What an optimizer does differently from parameter to parameter: weight decay or none, smaller
/// learning rates for layers nearer to the input, and parameters that are frozen. All this
/// follows from the path and the shape of a parameter.

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/models/initialize.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// Choices for all parameters.
struct ParameterGroupOptions {
  float weight_decay = 0.2f;  ///< of those that decay, as in OpenCLIP
  /// Factor of the learning rate from each layer to the one before it (BEiT,
  /// arXiv 2106.08254; timm's param_groups_layer_decay); 1: the same everywhere.
  float layer_decay = 1.0f;
};

/// Choices for one parameter.
struct ParameterGroup {
  float weight_decay = 0.0f;
  float rate_scale = 1.0f;  ///< factor of the learning rate

  friend bool operator==(const ParameterGroup&, const ParameterGroup&) = default;
};

/// Whether weights of that path and shape decay. As in OpenCLIP's training, numbers and vectors
/// (biases, norms, layer scale, class tokens, logit_scale, logit_bias) do not. Beyond it, as in
/// CLIP's paper and for the same reason (they are not multiplied with activations), positions do
/// not, and neither do the queries of attentional poolers, which are embeddings of positions in
/// their output and go through a norm at once. Word embeddings do, as in OpenCLIP.
inline bool is_decayed(std::string_view path, const Shape& shape) {
  if (shape.rank() < 2) return false;
  const std::string_view name = path.substr(path.rfind('.') + 1);
  constexpr std::array<std::string_view, 7> undecayed{
      "bias",      "positional_embedding", "query", "cls_emb", "class_embedding", "logit_scale",
      "logit_bias"};
  return std::find(undecayed.begin(), undecayed.end(), name) == undecayed.end();
}

namespace detail {

/// "visual", "text_decoder" or "text" (CLIP's has no prefix).
inline std::string_view tower_of(std::string_view path) {
  if (path.starts_with("visual.")) return "visual";
  return path.starts_with("text_decoder.") ? "text_decoder" : "text";
}

/// N of "...resblocks.N..." or "...cross_attn.N...".
inline std::optional<std::size_t> block_of(std::string_view path) {
  for (const std::string_view list :
       {std::string_view("resblocks."), std::string_view("cross_attn.")}) {
    const std::size_t begin = path.find(list);
    if (begin == std::string_view::npos) continue;
    std::size_t number = 0, at = begin + list.size();
    const std::size_t first = at;
    for (; at < path.size() && at < first + 6 && std::isdigit(static_cast<unsigned char>(path[at]));
         ++at)
      number = 10 * number + static_cast<std::size_t>(path[at] - '0');
    if (at != first) return number;
  }
  return std::nullopt;
}

/// Whether a parameter comes before the first block.
inline bool is_embedding(std::string_view path) {
  for (const std::string_view name : {"conv1.weight", "class_embedding", "positional_embedding",
                                      "token_embedding.weight", "cls_emb"})
    if (path.ends_with(name)) return true;
  return path.find(".ln_pre.") != std::string_view::npos;
}

}  // namespace detail

/// How deep parameters lie. Each tower (`visual`, `text`, `text_decoder`) counts its own layers:
/// embeddings and ln_pre are layer 0, block N is layer N + 1, what follows the blocks (norms,
/// poolers, projections) and logit_scale have the number after the last block's.
class LayerNumbers {
 public:
  /// @param paths all parameters of the model, frozen ones too
  explicit LayerNumbers(const std::vector<std::string>& paths) {
    for (const std::string& path : paths)
      if (const auto block = detail::block_of(path)) {
        std::size_t& blocks = blocks_[std::string(detail::tower_of(path))];
        blocks = std::max(blocks, *block + 1);
      }
  }

  /// The layer that a parameter is part of.
  std::size_t layer(const std::string& path) const {
    if (const auto block = detail::block_of(path)) return *block + 1;
    return detail::is_embedding(path) ? 0 : last_layer(path);
  }

  /// The last layer of the parameter's tower.
  std::size_t last_layer(const std::string& path) const {
    const auto found = blocks_.find(std::string(detail::tower_of(path)));
    return found == blocks_.end() ? 1 : found->second + 1;
  }

 private:
  std::map<std::string, std::size_t> blocks_;
};

/// The choices for each of a model's trained parameters, in the order of entries().
/// @throws ArgumentError for a negative decay or a layer decay outside (0, 1].
template <class Model>
std::vector<ParameterGroup> parameter_groups(const Trainable<Model>& trainable,
                                             const ParameterGroupOptions& options) {
  if (!(options.weight_decay >= 0) || !(options.layer_decay > 0 && options.layer_decay <= 1))
    throw ArgumentError(
        "weight_decay must be 0 or more and layer_decay above 0 and at most 1, got " +
        std::to_string(options.weight_decay) + " and " + std::to_string(options.layer_decay));
  std::vector<std::string> paths;
  for (const auto* entries : {&trainable.entries(), &trainable.frozen_entries()})
    for (const TrainableEntry& entry : *entries) paths.push_back(entry.path);
  const LayerNumbers numbers(paths);
  std::vector<ParameterGroup> groups;
  for (const TrainableEntry& entry : trainable.entries()) {
    const std::size_t above = numbers.last_layer(entry.path) - numbers.layer(entry.path);
    groups.push_back(
        {.weight_decay = is_decayed(entry.path, entry.shape) ? options.weight_decay : 0.0f,
         .rate_scale = std::pow(options.layer_decay, static_cast<float>(above))});
  }
  return groups;
}

/// Whether `path` is `prefix` or lies below it: "visual" has "visual.proj", "text" has
/// "text.cls_emb" but nothing of "text_decoder", "resblocks.1" nothing of "resblocks.10".
inline bool has_prefix(std::string_view path, std::string_view prefix) {
  if (prefix.ends_with('.')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '.');
}

/// The predicate for Trainable: a parameter is trained if it has none of the prefixes.
/// @throws ArgumentError for a prefix that no parameter of the model has.
template <class Model>
std::function<bool(const std::string&)> all_but(const Model& model,
                                                const std::vector<std::string>& frozen_prefixes) {
  for (const std::string& prefix : frozen_prefixes) {
    bool known = false;
    for_each_parameter(model, [&](const auto& parameter) {
      known = known || has_prefix(parameter.path(), prefix);
    });
    if (!known)
      throw ArgumentError("no parameter of the model has the prefix \"" + prefix +
                          "\" that is to be frozen");
  }
  return [frozen_prefixes](const std::string& path) {
    return std::none_of(frozen_prefixes.begin(), frozen_prefixes.end(),
                        [&](const std::string& prefix) { return has_prefix(path, prefix); });
  };
}

}  // namespace coca
