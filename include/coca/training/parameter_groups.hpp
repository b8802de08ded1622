#pragma once
/// @file
/// What an optimizer does differently from parameter to parameter: weight decay or none, smaller
/// learning rates for layers nearer to the input or for parts of a model, and parameters that do
/// not change at all. The first two follow from what a parameter says of itself, its role and
/// depth.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/models/initialize.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// A factor of the learning rate of the parameters below a prefix of their names.
struct RateFactor {
  std::string prefix;
  float factor = 1.0f;
};

/// Choices for all parameters.
struct ParameterGroupOptions {
  float weight_decay = 0.2f;  ///< of those that decay, as in OpenCLIP
  /// Factor of the learning rate from each layer to the one before it (BEiT,
  /// arXiv 2106.08254; timm's param_groups_layer_decay); 1: the same everywhere.
  float layer_decay = 1.0f;
  /// Of several prefixes of a parameter the longest counts; multiplied with its layer's factor.
  std::vector<RateFactor> rates{};
};

/// Choices for one parameter.
struct ParameterGroup {
  float weight_decay = 0.0f;
  float rate_scale = 1.0f;  ///< factor of the learning rate

  friend bool operator==(const ParameterGroup&, const ParameterGroup&) = default;
};

/// Whether a parameter of that role and shape decays. As in OpenCLIP's training, numbers and
/// vectors (biases, norms, layer scale, class tokens, logit_scale, logit_bias) do not. Beyond it,
/// as in CLIP's paper and for the same reason (they are not multiplied with activations), positions
/// do not, and neither do the queries of attentional poolers, which are embeddings of positions in
/// their output and go through a norm at once. Word embeddings do, as in OpenCLIP.
inline bool is_decayed(ParameterRole role, const Shape& shape) {
  if (shape.rank() < 2) return false;
  return role == ParameterRole::weight || role == ParameterRole::embedding;
}

/// Whether `path` is `prefix` or lies below it: "visual" has "visual.proj", "text" has
/// "text.cls_emb" but nothing of "text_decoder", "resblocks.1" nothing of "resblocks.10".
inline bool has_prefix(std::string_view path, std::string_view prefix) {
  if (prefix.ends_with('.')) prefix.remove_suffix(1);
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '.');
}

/// The factor of the longest prefix that `path` has, or 1.
inline float rate_factor(std::string_view path, const std::vector<RateFactor>& rates) {
  const RateFactor* longest = nullptr;
  for (const RateFactor& rate : rates)
    if (has_prefix(path, rate.prefix) &&
        (longest == nullptr || rate.prefix.size() >= longest->prefix.size()))
      longest = &rate;
  return longest == nullptr ? 1.0f : longest->factor;
}

/// @throws ArgumentError if neither a trained nor a frozen parameter has the prefix.
template <class Model>
void expect_prefix(const Trainable<Model>& trainable, const std::string& prefix) {
  for (const auto* entries : {&trainable.entries(), &trainable.frozen_entries()})
    for (const TrainableEntry& entry : *entries)
      if (has_prefix(entry.path, prefix)) return;
  throw ArgumentError("no parameter of the model has the prefix \"" + prefix +
                      "\" whose learning rate is to be scaled");
}

/// The choices for each of a model's trained parameters, in the order of entries().
/// @throws ArgumentError for a negative decay, a layer decay outside (0, 1], and a prefix that no
/// parameter has.
template <class Model>
std::vector<ParameterGroup> parameter_groups(const Trainable<Model>& trainable,
                                             const ParameterGroupOptions& options) {
  if (!(options.weight_decay >= 0) || !(options.layer_decay > 0 && options.layer_decay <= 1))
    throw ArgumentError(
        "weight_decay must be 0 or more and layer_decay above 0 and at most 1, got " +
        std::to_string(options.weight_decay) + " and " + std::to_string(options.layer_decay));
  for (const RateFactor& rate : options.rates) {
    expect_prefix(trainable, rate.prefix);
    if (!(rate.factor > 0) || !std::isfinite(rate.factor))
      throw ArgumentError("the factor of the learning rate of \"" + rate.prefix +
                          "\" must be above 0, got " + std::to_string(rate.factor));
  }
  std::vector<ParameterGroup> groups;
  for (const TrainableEntry& entry : trainable.entries())
    groups.push_back(
        {.weight_decay = is_decayed(entry.role, entry.shape) ? options.weight_decay : 0.0f,
         .rate_scale = rate_factor(entry.path, options.rates) *
                       std::pow(options.layer_decay, static_cast<float>(entry.depth))});
  return groups;
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
