#pragma once
/// @file
/// A model whose configuration and precision are chosen at run time, behind one interface.
/// A program that knows its model needs none of this: CoCa<config, Backend> is a type.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/image.hpp"
#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/models/config.hpp"
#include "coca/pipelines/attention_map.hpp"
#include "coca/pipelines/caption.hpp"
#include "coca/pipelines/classify.hpp"
#include "coca/pipelines/image_features.hpp"
#include "coca/pipelines/model_identity.hpp"
#include "coca/pipelines/search_index.hpp"
#include "coca/pipelines/video.hpp"

namespace coca {

/// Everything about a model but its weights.
struct ModelInfo {
  std::string preset;              ///< name of its configuration, or its path if it has no name
  std::string identity{};          ///< differs between models that give different embeddings
  IdentityParts identity_parts{};  ///< of which that is composed
  AnyTokenizer tokenizer;
  PreprocessConfig preprocessing{};
  bool open_clip_preprocessing = false;
  ReadOptions reading{};                    ///< of picture files
  bool captions = false;                    ///< a CoCa; CLIP has none
  std::vector<std::string> classes{};       ///< names by number; of a classifier only
  std::optional<std::size_t> min_length{};  ///< of captions, if the model's folder says so
  std::size_t context_length = 0;
  std::size_t vocab_size = 0;
  std::size_t embed_dim = 0;

  /// Whether it was trained to tell classes apart, and reads no texts.
  bool is_classifier() const noexcept { return !classes.empty(); }
};

/// A model that open_model() made. Not for several threads at once.
class AnyModel {
 public:
  explicit AnyModel(ModelInfo info) : info_(std::move(info)) {}
  virtual ~AnyModel() = default;
  AnyModel(const AnyModel&) = delete;
  AnyModel& operator=(const AnyModel&) = delete;

  const ModelInfo& info() const noexcept { return info_; }

  /// A picture file as the model reads it: [3, image_size, image_size]. @throws FileError
  Pixels read_pixels(const std::string& path) const {
    if (info_.open_clip_preprocessing)
      return preprocess_like_open_clip(path, info_.preprocessing, info_.reading.decoding());
    return preprocess(read_image(path, info_.reading), info_.preprocessing);
  }

  /// The picture that such pixels show.
  Image to_image(const Pixels& pixels) const {
    Image image(pixels.width, pixels.height);
    const std::size_t area = pixels.width * pixels.height;
    for (std::size_t i = 0; i < area * pixels.channels; ++i) {
      const std::size_t channel = i / area;
      const double value = double{pixels.values[i]} * info_.preprocessing.std[channel] +
                           info_.preprocessing.mean[channel];
      image.data()[i % area * pixels.channels + channel] =
          static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
    }
    return image;
  }

  /// Ids of a text: start token, words, end token; cut to the context, without padding.
  std::vector<std::int32_t> encode(const std::string& text) const {
    std::vector<std::int32_t> ids = tokenize(info_.tokenizer, text, info_.context_length).ids;
    // What pads may be a word too, so padding is counted, not searched for.
    ids.resize(std::min(ids.size(), info_.tokenizer.encode(text).size() + 2));
    return ids;
  }

  /// Each picture's captions, best first. @throws ArgumentError if the model has no captioner
  virtual std::vector<std::vector<Caption>> caption(std::span<const Pixels> pictures,
                                                    const GenerationOptions& options) = 0;
  /// Captions of one video, best first; see caption_clip(). @throws ArgumentError as caption()
  virtual std::vector<Caption> caption_clip(std::span<const Pixels>, const GenerationOptions&) {
    throw ArgumentError("the model " + info_.preset + " captions no videos");
  }
  /// One map per word after the start token. @throws ArgumentError as caption()
  virtual std::vector<AttentionMap> attention_maps(const Pixels& picture,
                                                   const std::vector<std::int32_t>& ids) = 0;
  /// [pictures, embed_dim]
  virtual Embeddings embed_images(std::span<const Pixels> pictures) = 0;
  /// [pictures, width], not normalised. @throws ArgumentError if the model gives none
  virtual Embeddings image_features(std::span<const Pixels>, ImageFeature) {
    throw ArgumentError("the model " + info_.preset +
                        " gives no features of its image encoder, only embeddings");
  }
  /// [texts, embed_dim]
  virtual Embeddings embed_texts(std::span<const std::string> texts) = 0;
  virtual ZeroShotClassifier classifier(std::vector<std::string> labels,
                                        std::span<const std::string> templates) = 0;
  /// Logits of a classifier's own classes, [pictures, classes].
  /// @throws ArgumentError if the model is no classifier; Error if they are not finite
  virtual std::vector<float> class_logits(std::span<const Pixels>) {
    throw ArgumentError("the model " + info_.preset +
                        " has no classes of its own; it is not a classifier trained on labels");
  }
  virtual IndexUpdate update(SearchIndex& index, const std::string& folder,
                             const std::function<void(std::size_t, std::size_t)>& on_progress) = 0;

 private:
  ModelInfo info_;
};

namespace detail {

/// AnyModel, implemented by one type of model.
template <class Model>
class HeldModel final : public AnyModel {
 public:
  HeldModel(ModelInfo info, Model model)
      : AnyModel(std::move(info)), model_(std::move(model)), context_(model_.backend()) {}

  std::vector<std::vector<Caption>> caption(std::span<const Pixels> pictures,
                                            const GenerationOptions& options) override {
    if constexpr (CaptionModel<Model>)
      return coca::caption(context_, model_, info().tokenizer, pictures, options);
    else
      throw no_captioner();
  }

  std::vector<Caption> caption_clip(std::span<const Pixels> frames,
                                    const GenerationOptions& options) override {
    if constexpr (CaptionModel<Model>)
      return coca::caption_clip(context_, model_, info().tokenizer, frames, options);
    else
      throw no_captioner();
  }

  std::vector<AttentionMap> attention_maps(const Pixels& picture,
                                           const std::vector<std::int32_t>& ids) override {
    if constexpr (CaptionModel<Model>)
      return coca::attention_maps(context_, model_, picture, ids);
    else
      throw no_captioner();
  }

  Embeddings embed_images(std::span<const Pixels> pictures) override {
    return coca::embed_images(context_, model_, pictures);
  }

  Embeddings image_features(std::span<const Pixels> pictures, ImageFeature kind) override {
    return coca::image_features(context_, model_, pictures, kind);
  }

  Embeddings embed_texts(std::span<const std::string> texts) override {
    return coca::embed_texts(context_, model_, info().tokenizer, texts);
  }

  ZeroShotClassifier classifier(std::vector<std::string> labels,
                                std::span<const std::string> templates) override {
    return {context_, model_, info().tokenizer, std::move(labels), templates};
  }

  IndexUpdate update(SearchIndex& index, const std::string& folder,
                     const std::function<void(std::size_t, std::size_t)>& on_progress) override {
    const auto read = [this](const std::string& path) { return read_pixels(path); };
    return index.update(context_, model_, folder, read, on_progress);
  }

 private:
  ArgumentError no_captioner() const {
    return ArgumentError("the model " + info().preset + " has no captioner; captions need a CoCa");
  }

  Model model_;
  Context<typename Model::backend_type> context_;
};

}  // namespace detail

}  // namespace coca
