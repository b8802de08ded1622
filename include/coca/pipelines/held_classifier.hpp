#pragma once
/// @file
/// A trained classifier as an AnyModel: it classifies and embeds pictures, and reads no texts.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/models/standard_classifier.hpp"
#include "coca/pipelines/any_model.hpp"
#include "coca/pipelines/load.hpp"

namespace coca {

/// The encoder of a classifier, used like that of a CLIP: the embedding is what its linear layer
/// reads, normalised.
template <class Classifier>
struct ClassifierEncoder {
  using backend_type = typename Classifier::backend_type;
  using B = backend_type;

  const Classifier& model;
  std::size_t embed_dim = model.embed_dim;

  /// pixels [batch, 3, image_size, image_size] -> embedding [batch, embed_dim]
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels) const {
    const Array<B> pooled = model.encode_image(context, pixels);
    return {pooled, l2_normalize(context, pooled), {}};
  }
};

namespace detail {

/// AnyModel, implemented by a classifier.
template <Backend B>
class HeldClassifier final : public AnyModel {
 public:
  HeldClassifier(ModelInfo info, StandardClassifier<B> model)
      : AnyModel(std::move(info)), model_(std::move(model)), context_(model_.backend()) {}

  std::vector<std::vector<Caption>> caption(std::span<const Pixels>,
                                            const GenerationOptions&) override {
    throw reads_no_texts();
  }
  std::vector<Caption> caption_clip(std::span<const Pixels>, const GenerationOptions&) override {
    throw reads_no_texts();
  }
  std::vector<AttentionMap> attention_maps(const Pixels&,
                                           const std::vector<std::int32_t>&) override {
    throw reads_no_texts();
  }
  Embeddings embed_texts(std::span<const std::string>) override { throw reads_no_texts(); }
  ZeroShotClassifier classifier(std::vector<std::string>, std::span<const std::string>) override {
    throw reads_no_texts();
  }

  Embeddings embed_images(std::span<const Pixels> pictures) override {
    return coca::embed_images(context_, encoder(), pictures);
  }

  Embeddings image_features(std::span<const Pixels> pictures, ImageFeature kind) override {
    return coca::image_features(context_, model_, pictures, kind);
  }

  std::vector<float> class_logits(std::span<const Pixels> pictures) override {
    if (pictures.empty()) return {};
    const Array<B> pooled = model_.encode_image(context_, to_device(context_, pictures));
    const auto values = context_.to_host(model_.classify(context_, pooled));
    std::vector<float> logits(values.begin(), values.end());
    if (!all_finite(logits))
      throw Error(
          "the logits of the classes hold NaN or infinity: so do the picture's values or "
          "the classifier's weights");
    return logits;
  }

  IndexUpdate update(SearchIndex& index, const std::string& folder,
                     const std::function<void(std::size_t, std::size_t)>& on_progress) override {
    const auto read = [this](const std::string& path) { return read_pixels(path); };
    return index.update(context_, encoder(), folder, read, on_progress);
  }

 private:
  ClassifierEncoder<StandardClassifier<B>> encoder() const { return {model_}; }

  ArgumentError reads_no_texts() const {
    return ArgumentError("the model " + info().preset +
                         " is a classifier of pictures: it reads and writes no texts");
  }

  StandardClassifier<B> model_;
  Context<B> context_;
};

}  // namespace detail

}  // namespace coca
