#pragma once
/// @file
/// What probes read of a picture: vectors of an image encoder, not normalised.

#include <cstdint>
#include <span>

#include "coca/pipelines/encode.hpp"

namespace coca {

/// Which vector.
enum class ImageFeature : std::uint8_t {
  pooled,     ///< before the projection into the space of embeddings: CLIP's linear probes
  embedding,  ///< after it, before it is normalised
};

/// Features of pictures, [pictures, width]. @throws Error if they are not finite; ShapeError for
/// pictures of different sizes, or none
template <class Model>
Embeddings image_features(Context<typename Model::backend_type>& context, const Model& model,
                          std::span<const Pixels> pictures, ImageFeature kind) {
  const auto tokens = model.image_encoder()(context, to_device(context, pictures));
  const auto features = kind == ImageFeature::pooled ? model.pooler().unprojected(context, tokens)
                                                     : model.pooler()(context, tokens);
  return detail::to_embeddings(context, features.pooled);
}

}  // namespace coca
