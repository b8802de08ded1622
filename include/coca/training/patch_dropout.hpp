#pragma once
/// @file
/// Patch dropout: a step computes a random part of each picture's patches, which costs less and
/// keeps the encoder from memorising pictures (Li et al. 2022, arXiv 2212.00794; OpenCLIP's
/// `patch_dropout`).

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/core/error.hpp"
#include "coca/training/share.hpp"
#include "coca/training/step_samples.hpp"
#include "coca/training/task.hpp"

namespace coca {

/// A model whose image encoder can leave out patches.
template <class M>
concept DropsPatches = requires(const M model, Context<typename M::backend_type>& context,
                                const Array<typename M::backend_type> pixels,
                                const Indices<typename M::backend_type> kept) {
  model.encode_image(context, pixels, kept);
  { model.encoder_tokens } -> std::convertible_to<std::size_t>;
};

/// Patches that a picture keeps: OpenCLIP's max(1, floor(patches * (1 - dropout))).
inline std::size_t kept_patches(std::size_t patches, double dropout) {
  const auto kept = static_cast<std::size_t>(static_cast<double>(patches) * (1 - dropout));
  return std::clamp(kept, std::size_t{1}, patches);
}

/// The tokens that stay, [pictures, class tokens + kept patches], as rows of [pictures * tokens]:
/// the class tokens and as many patches of each picture, in their order.
/// @param tokens  of a picture, the class tokens first
/// @param dropout share of the patches that are dropped, 0 to below 1
/// @param class_tokens how many precede the patches, below `tokens`
inline std::vector<std::int32_t> draw_kept_tokens(const StepSamples& samples, std::size_t tokens,
                                                  double dropout, std::size_t class_tokens = 1) {
  const std::size_t kept = kept_patches(tokens - class_tokens, dropout);
  std::vector<std::int32_t> rows;
  rows.reserve(samples.count * (kept + class_tokens));
  std::vector<std::int32_t> order(tokens - class_tokens);
  for (std::size_t picture = 0; picture < samples.count; ++picture) {
    RandomDraws draws = samples.draws(picture, "patch_dropout");
    const auto first = static_cast<std::int32_t>(picture * tokens);
    std::iota(order.begin(), order.end(), first + static_cast<std::int32_t>(class_tokens));
    for (std::size_t i = 0; i < kept; ++i)
      std::swap(order[i], order[i + draws.below(order.size() - i)]);
    std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept));
    for (std::size_t i = 0; i < class_tokens; ++i)
      rows.push_back(first + static_cast<std::int32_t>(i));
    rows.insert(rows.end(), order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept));
  }
  return rows;
}

/// Encodes the pictures of a part of a batch, without the patches that the step leaves out.
/// @param pixels  [batch, 3, image_size, image_size], of the whole batch
/// @param dropout share of the patches that go; none where the part has no random numbers
template <class Model, DifferentiableBackend B>
auto encode_images(Context<B>& context, const Model& model, const Array<B>& pixels,
                   const BatchPart& part, double dropout) {
  const Array<B> some = pixels.slice(part.first, part.count);
  if constexpr (DropsPatches<Model>) {
    if (dropout > 0 && part.samples) {
      std::size_t class_tokens = 1;
      if constexpr (requires { model.image_encoder().class_tokens; })
        class_tokens = model.image_encoder().class_tokens;
      const auto kept =
          draw_kept_tokens(*part.samples, model.encoder_tokens, dropout, class_tokens);
      return model.encode_image(
          context, some, context.to_device(kept, Shape{part.count, kept.size() / part.count}));
    }
  }
  return model.encode_image(context, some);
}

/// @throws ArgumentError for a share outside its range, or one that the model cannot leave out.
template <class Model>
void expect_patch_dropout(double dropout) {
  expect_share(dropout, "patch_dropout");
  if (dropout > 0 && !DropsPatches<Model>)
    throw ArgumentError("patch_dropout: this model's image encoder cannot leave out patches");
}

}  // namespace coca
