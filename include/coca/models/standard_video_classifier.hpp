#pragma once
/// @file
/// The classifier of videos with the image encoder of any configuration.

#include <utility>
#include <variant>

#include "coca/models/block_options.hpp"
#include "coca/models/classifier_config.hpp"
#include "coca/models/config.hpp"
#include "coca/models/video_classifier.hpp"
#include "coca/models/vision_transformer.hpp"

namespace coca {

/// One type for all configurations.
template <Backend B>
using StandardVideoClassifier = VideoClassifier<VisionTransformer<B>>;

/// A classifier without weights: load them, or call initialize.
/// @param config of the CoCa or CLIP whose image encoder it has, under the same names; its pooler
///        has as many heads as that encoder
/// @throws ArgumentError for a configuration that does not fit together, fewer than two classes and
///         no frames
template <Backend B>
StandardVideoClassifier<B> make_video_classifier(const AnyConfig& config, const VideoConfig& video,
                                                 B backend = B{}) {
  const VisionConfig& vision =
      std::visit([](const auto& known) -> const VisionConfig& { return known.vision; }, config);
  return StandardVideoClassifier<B>({.classes = video.classes,
                                     .frames = video.frames,
                                     .heads = detail::size(vision.heads),
                                     .temporal_positions = video.temporal_positions},
                                    VisionTransformer<B>(vision, "visual"), std::move(backend));
}

}  // namespace coca
