#pragma once
/// @file
/// Zero-shot classification: which of some labels describes a picture.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/imagenet_templates.hpp"

namespace coca {

/// A label and how likely it is among all labels.
struct LabelProbability {
  std::string label;
  float probability = 0;
};

/// Puts a label into a template, whose "{}" it replaces.
/// @throws ArgumentError for a template without "{}".
inline std::string fill_template(std::string_view text, std::string_view label) {
  const std::size_t place = text.find("{}");
  if (place == std::string_view::npos)
    throw ArgumentError("the prompt template \"" + std::string(text) +
                        "\" has no {} for the label to stand in");
  return std::string(text.substr(0, place)) + std::string(label) +
         std::string(text.substr(place + 2));
}

/// Labels as embeddings, ready to classify any number of pictures.
class ZeroShotClassifier {
 public:
  /// Each label's embedding is the normalised mean of its embeddings in all templates, as in CLIP's
  /// and OpenCLIP's zero-shot evaluation.
  /// @throws ArgumentError without labels or templates; Error where embeddings or the model's
  /// logit_scale are not finite numbers.
  template <class Model>
  ZeroShotClassifier(Context<typename Model::backend_type>& context, const Model& model,
                     const AnyTokenizer& tokenizer, std::vector<std::string> labels,
                     std::span<const std::string> templates)
      : labels_(std::move(labels)) {
    if (labels_.empty()) throw ArgumentError("there are no labels to choose from");
    if (templates.empty()) throw ArgumentError("there are no prompt templates");
    scale_ = finite_scale(static_cast<float>(context.to_host(model.logit_scale()).front()));
    for (const std::string& label : labels_) {
      std::vector<std::string> prompts;
      for (const std::string& text : templates) prompts.push_back(fill_template(text, label));
      add(embed_texts(context, model, tokenizer, prompts));
    }
  }

  const std::vector<std::string>& labels() const noexcept { return labels_; }

  /// The embedding of each label, [labels, embed_dim], normalised.
  const Embeddings& embeddings() const noexcept { return embeddings_; }

  /// Probabilities of all labels for a picture's embedding, likeliest first.
  /// @throws Error for an embedding that holds NaN or infinity.
  std::vector<LabelProbability> operator()(std::span<const float> image) const {
    std::vector<float> logits;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      logits.push_back(scale_ * similarity(image, embeddings_[i]));
    if (!std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }))
      throw Error(
          "the logits of the labels are not numbers: the picture's embedding holds NaN or "
          "infinity");
    const float largest = *std::max_element(logits.begin(), logits.end());
    double total = 0;
    for (const float logit : logits) total += std::exp(double{logit} - double{largest});
    std::vector<LabelProbability> result;
    for (std::size_t i = 0; i < labels_.size(); ++i)
      result.push_back(
          {labels_[i], static_cast<float>(std::exp(double{logits[i]} - double{largest}) / total)});
    std::stable_sort(result.begin(), result.end(),
                     [](const auto& a, const auto& b) { return a.probability > b.probability; });
    return result;
  }

 private:
  static float finite_scale(float logit_scale) {
    const float scale = std::exp(logit_scale);
    if (std::isfinite(scale)) return scale;
    std::ostringstream value;
    value << logit_scale;
    throw Error("the model's logit_scale is " + value.str() +
                ", so that its logits are not finite numbers");
  }

  void add(const Embeddings& prompts) {
    std::vector<double> mean(prompts.width, 0);
    for (std::size_t i = 0; i < prompts.values.size(); ++i)
      mean[i % prompts.width] += double{prompts.values[i]};
    double norm = 0;
    for (const double value : mean) norm += value * value;
    norm = std::max(std::sqrt(norm), 1e-12);
    for (const double value : mean) embeddings_.values.push_back(static_cast<float>(value / norm));
    embeddings_.width = prompts.width;
    ++embeddings_.count;
  }

  std::vector<std::string> labels_;
  Embeddings embeddings_;
  float scale_ = 1;
};

}  // namespace coca
