#pragma once
/// @file
/// Model, implemented by one composition of the library. Compiled once for each preset.

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/initialize.hpp"
#include "coca/pipelines/load.hpp"
#include "model.hpp"

namespace coca_examples {

template <class M>
class TypedModel final : public Model {
 public:
  TypedModel(ModelInfo info, M model)
      : Model(std::move(info)), model_(std::move(model)), context_(model_.backend()) {}

  std::vector<std::vector<coca::Caption>> caption(std::span<const coca::Pixels> pictures,
                                                  const coca::GenerationOptions& options) override {
    if constexpr (coca::CaptionModel<M>)
      return coca::caption(context_, model_, info().tokenizer, pictures, options);
    else
      throw no_captioner();
  }

  std::vector<coca::AttentionMap> attention_maps(const coca::Pixels& picture,
                                                 const std::vector<std::int32_t>& ids) override {
    if constexpr (coca::CaptionModel<M>)
      return coca::attention_maps(context_, model_, picture, ids);
    else
      throw no_captioner();
  }

  coca::Embeddings embed_images(std::span<const coca::Pixels> pictures) override {
    return coca::embed_images(context_, model_, pictures);
  }

  coca::Embeddings embed_texts(std::span<const std::string> texts) override {
    return coca::embed_texts(context_, model_, info().tokenizer, texts);
  }

  coca::ZeroShotClassifier classifier(std::vector<std::string> labels,
                                      std::span<const std::string> templates) override {
    return {context_, model_, info().tokenizer, std::move(labels), templates};
  }

  coca::IndexUpdate update(
      coca::SearchIndex& index, const std::string& folder,
      const std::function<void(std::size_t, std::size_t)>& on_progress) override {
    const auto read = [this](const std::string& path) { return read_pixels(path); };
    return index.update(context_, model_, folder, read, on_progress);
  }

 private:
  UsageError no_captioner() const {
    return UsageError("the model " + info().preset + " has no captioner; captions need a CoCa");
  }

  M model_;
  coca::Context<typename M::backend_type> context_;
};

/// The composition that a configuration stands for.
template <auto config, class Backend>
struct CompositionOf {
  using type = coca::Clip<config, Backend>;
};
template <auto config, class Backend>
requires std::same_as<std::remove_cvref_t<decltype(config)>, coca::CoCaConfig>
struct CompositionOf<config, Backend> {
  using type = coca::CoCa<config, Backend>;
};

template <class M>
std::unique_ptr<Model> make_typed_model(ModelInfo info, const ModelOptions& options,
                                        const std::string& weights) {
  M model(typename M::backend_type(coca::CpuOptions{.threads = options.threads}));
  if (weights == "random")
    coca::initialize(model, options.seed);
  else
    coca::load_weights(model, coca::open_checkpoint(weights),
                       {.interpolate_positions = options.interpolate_positions});
  return std::make_unique<TypedModel<M>>(std::move(info), std::move(model));
}

template <auto config>
std::unique_ptr<Model> make_model(ModelInfo info, const ModelOptions& options,
                                  const std::string& weights) {
  using F32 = typename CompositionOf<config, coca::Cpu<float>>::type;
  using Bf16 = typename CompositionOf<config, coca::Cpu<coca::bfloat16>>::type;
  return options.precision == "bf16" ? make_typed_model<Bf16>(std::move(info), options, weights)
                                     : make_typed_model<F32>(std::move(info), options, weights);
}

}  // namespace coca_examples
