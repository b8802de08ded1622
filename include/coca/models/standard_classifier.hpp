#pragma once
/// @file
/// The classifier with the image encoder of any configuration.

#include <utility>
#include <variant>

#include "coca/models/classifier_config.hpp"
#include "coca/models/classifier_pooler.hpp"
#include "coca/models/image_classifier.hpp"
#include "coca/models/vision_transformer.hpp"

namespace coca {

/// A vision transformer with either head: one type for all configurations.
template <Backend B>
using StandardClassifier = ImageClassifier<VisionTransformer<B>, ClassifierPooler<B>>;

/// A classifier without weights: load them, or call initialize.
/// @param config of the CoCa or CLIP whose image encoder it has, under the same names
/// @throws ArgumentError for a configuration that does not fit together, and fewer than two classes
template <Backend B>
StandardClassifier<B> make_classifier(const AnyConfig& config, const ClassifierConfig& classifier,
                                      B backend = B{}) {
  return std::visit(
      [&](const auto& known) {
        const VisionConfig& vision = known.vision;
        auto pooler = [&]() -> ClassifierPooler<B> {
          if (classifier.head == ClassifierHead::linear) return configured_pooler<B>(known);
          return QueryPooler<B>(
              {.width = detail::size(vision.width), .heads = detail::size(vision.heads)});
        };
        return StandardClassifier<B>(classifier.classes, VisionTransformer<B>(vision, "visual"),
                                     pooler(), std::move(backend));
      },
      config);
}

}  // namespace coca
