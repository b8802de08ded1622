#pragma once
/// @file
/// Zero-shot classification: which of several labels fits a picture best.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/pipelines/class_embeddings.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/imagenet_templates.hpp"
#include "coca/pipelines/probabilities.hpp"
#include "coca/text/prompt_template.hpp"

namespace coca {

/// A label and its probability: among all labels, or separately if the model has a logit_bias.
struct LabelProbability {
  std::string label;
  float probability = 0;
};

/// Labels as embeddings, ready to classify any number of pictures.
class ZeroShotClassifier {
 public:
  /// Each label's embedding is the normalised mean of its embeddings in all templates, as in CLIP's
  /// and OpenCLIP's zero-shot evaluation.
  /// @throws ArgumentError without labels or templates; Error if embeddings or the model's
  /// logit_scale or logit_bias are not finite numbers.
  template <class Model>
  ZeroShotClassifier(Context<typename Model::backend_type>& context, const Model& model,
                     const AnyTokenizer& tokenizer, std::vector<std::string> labels,
                     std::span<const std::string> templates)
      : labels_(std::move(labels)) {
    if (labels_.empty()) throw ArgumentError("there are no labels to choose from");
    if (templates.empty()) throw ArgumentError("there are no prompt templates");
    const auto number = [&](const auto& array) {
      return static_cast<float>(context.to_host(array).front());
    };
    const float logit_scale = number(model.logit_scale());
    scale_ = finite(std::exp(logit_scale), "logit_scale", logit_scale);
    if constexpr (requires { model.has_logit_bias(); })
      if (model.has_logit_bias()) {
        const float logit_bias = number(model.logit_bias());
        bias_ = finite(logit_bias, "logit_bias", logit_bias);
      }
    for (const std::string& label : labels_) {
      std::vector<std::string> prompts;
      for (const std::string& text : templates) prompts.push_back(fill_template(text, label));
      detail::add_class(embed_texts(context, model, tokenizer, prompts), embeddings_);
    }
  }

  const std::vector<std::string>& labels() const noexcept { return labels_; }

  /// The embedding of each label, [labels, embed_dim], normalised.
  const Embeddings& embeddings() const noexcept { return embeddings_; }

  /// The factor of similarities in logits.
  float logit_scale() const noexcept { return scale_; }

  /// Probabilities of all labels for a picture's embedding, most probable first: a softmax; for a
  /// model trained with SigLIP's loss a sigmoid for each, like Hugging Face's SiglipModel.
  /// @throws Error for an embedding that holds NaN or infinity.
  std::vector<LabelProbability> operator()(std::span<const float> image) const {
    std::vector<float> logits;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      logits.push_back(scale_ * similarity(image, embeddings_[i]));
    if (!std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }))
      throw Error(
          "the logits of the labels are NaN: the picture's embedding holds NaN or "
          "infinity");
    const std::span<const float> all(logits);
    const std::vector<double> probabilities =
        bias_ ? sigmoid(all, *bias_) : softmax_probabilities(all);
    std::vector<LabelProbability> result;
    for (const std::size_t i : descending_order(all))  // of logits: probabilities may be equal
      result.push_back({labels_[i], static_cast<float>(probabilities[i])});
    return result;
  }

 private:
  static std::vector<double> sigmoid(std::span<const float> logits, float bias) {
    std::vector<double> result;
    for (const float logit : logits)
      result.push_back(1 / (1 + std::exp(-(double{logit} + double{bias}))));
    return result;
  }

  /// The effect of a weight of the model on logits.
  static float finite(float factor, const char* name, float weight) {
    if (std::isfinite(factor)) return factor;
    std::ostringstream value;
    value << weight;
    throw Error(std::string("the model's ") + name + " is " + value.str() +
                ", so that its logits are not finite");
  }

  std::vector<std::string> labels_;
  Embeddings embeddings_;
  float scale_ = 1;
  std::optional<float> bias_;
};

}  // namespace coca
