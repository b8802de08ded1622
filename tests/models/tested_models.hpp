#pragma once
/// @file
/// The models that the tests of models share, their weights, and the backends they run on.

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backend/remote.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/losses/contrastive.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/coca.hpp"
#include "coca/models/presets.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

namespace coca::testing {

/// The same configuration with layer scale everywhere, which starts at 0.1.
constexpr CoCaConfig with_layer_scale(CoCaConfig config) {
  config.vision.layer_scale = config.text.layer_scale = config.multimodal.layer_scale = true;
  config.vision.layer_scale_init = config.text.layer_scale_init =
      config.multimodal.layer_scale_init = 0.1;
  return config;
}

/// The same configuration with a narrower vision transformer, and another pooling.
constexpr CoCaConfig with_pooling(CoCaConfig config, Pooling kind) {
  config.vision.width = 32;
  config.vision.heads = 2;
  config.vision.mlp_width = 128;
  config.pooling.kind = kind;
  return config;
}

/// The same configuration with the paper's multimodal decoder.
constexpr CoCaConfig with_paper_decoder(CoCaConfig config) {
  config.multimodal.design = MultimodalDesign::paper;
  return config;
}

/// The same configuration with the mask that OpenCLIP calls correct.
constexpr CoCaConfig with_correct_cls_mask(CoCaConfig config) {
  config.text.correct_cls_mask = true;
  return config;
}

// The variants of tests/data/variants/configs.json, in addition to `plain` and `plain_clip`.
inline constexpr CoCaConfig quick_gelu_variant = presets::quick_gelu(plain);
inline constexpr CoCaConfig layer_scale_variant = with_layer_scale(plain);
inline constexpr CoCaConfig same_width_variant = with_pooling(plain, Pooling::single);
inline constexpr CoCaConfig parallel_variant = with_pooling(plain, Pooling::parallel);
inline constexpr CoCaConfig cascade_variant = with_pooling(plain, Pooling::cascade);
inline constexpr ClipConfig quick_gelu_clip_variant = presets::quick_gelu(plain_clip);

// Designs that OpenCLIP's files cannot express, or that no variant has.
inline constexpr CoCaConfig class_token_config = [] {
  CoCaConfig config = with_pooling(plain, Pooling::class_token);
  config.pooling.queries = 256;
  config.pooling.heads = 8;
  return config;
}();
inline constexpr CoCaConfig paper_config = with_paper_decoder(cascade_variant);
inline constexpr CoCaConfig paper_layer_scale_config =
    with_layer_scale(presets::quick_gelu(with_paper_decoder(class_token_config)));
inline constexpr CoCaConfig correct_cls_mask_config = with_correct_cls_mask(plain);

/// A model with the weights of a checkpoint.
template <class Model>
Model model_of(const Checkpoint& weights, typename Model::backend_type backend = {}) {
  Model model(std::move(backend));
  load_weights(model, weights);
  return model;
}

/// A model with random weights whose every part is felt in its outputs: layer scale, which starts
/// small, is one half.
template <class Model>
Model random_model(std::uint64_t seed = 1, typename Model::backend_type backend = {}) {
  Model model(std::move(backend));
  initialize(model, seed);
  for_each_parameter(model, [&](auto& parameter) {
    if (!parameter.path().ends_with(".gamma")) return;
    const auto half = [&](std::size_t, std::size_t, float* out) {
      std::fill_n(out, parameter.shape().size(), 0.5f);
    };
    parameter.load(model.backend(), WeightSource{parameter.shape(), half});
  });
  return model;
}

/// Which kernels multiply on the Cpu backend in this build.
inline std::vector<GemmKind> gemm_kinds() {
  std::vector<GemmKind> kinds{GemmKind::packed, GemmKind::eigen};
  if (coca::detail::best_instruction_set() >= InstructionSet::avx2)
    kinds.push_back(GemmKind::fixed24);
  const WeightSource none{Shape{16, 16}, [](std::size_t, std::size_t count, float* out) {
                            std::fill_n(out, count * 16, 1.0f);
                          }};
  try {
    Cpu<float>(CpuOptions{.gemm = GemmKind::onednn}).pack(none, {.rows = 16});
    kinds.push_back(GemmKind::onednn);
  } catch (const UnavailableError&) {
  }
  return kinds;
}

/// Integers of a file as tokens.
inline Tokens tokens_of(const Checkpoint& file, const std::string& name, std::size_t rows) {
  const auto ids = file.read_int64(name);
  const std::size_t length = file.tensor(name).shape[1];
  return {{ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(rows * length)}, rows, length};
}

/// The first `rows` entries of a tensor of a file.
inline std::vector<float> rows_of(const Checkpoint& file, const std::string& name,
                                  std::size_t rows) {
  const WeightSource source = file.source(name);
  std::vector<float> values(rows * source.row_size());
  source.read(0, rows, values.data());
  return values;
}

/// The first `rows` entries of a tensor of a file, on a backend.
template <Backend B>
Array<B> device_rows(Context<B>& context, const Checkpoint& file, const std::string& name,
                     std::size_t rows) {
  Shape shape{rows};
  const Shape& stored = file.tensor(name).shape;
  for (std::size_t axis = 1; axis < stored.rank(); ++axis) shape.push_back(stored[axis]);
  return context.to_device(rows_of(file, name, rows), shape);
}

/// Cosine of the angle between two arrays; NaN if their sizes differ.
inline double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    ab += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    aa += static_cast<double>(a[i]) * static_cast<double>(a[i]);
    bb += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return a.size() == b.size() ? ab / std::sqrt(aa * bb) : std::nan("");
}

/// The model, with the bias that SigLIP's loss needs.
template <class Model>
Model& ready_for(ContrastiveKind kind, Model& model) {
  if (kind == ContrastiveKind::sigmoid) model.add_logit_bias();
  return model;
}

/// All weights of a model as floats, in the order of the walk.
template <class Model>
std::vector<float> all_weights(const Model& model) {
  std::vector<float> all;
  for_each_parameter(model, [&](const auto& parameter) {
    const WeightSource source = parameter.store(model.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    all.insert(all.end(), values.begin(), values.end());
  });
  return all;
}

}  // namespace coca::testing
