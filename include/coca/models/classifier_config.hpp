#pragma once
/// @file
/// What a classifier of pictures or videos has beyond the configuration of its image encoder.

#include <array>
#include <cstddef>
#include <cstdint>

#include "coca/models/config.hpp"

namespace coca {

/// What turns the tokens of an image encoder into the vector that a classifier's linear layer
/// reads.
enum class ClassifierHead : std::uint8_t {
  linear,  ///< the pooler of the configuration: the layer reads what embeddings are made of
  pooler,  ///< a new attentional pooler with one query (arXiv 2205.01917, section 3.3)
};

/// All heads, with their names in files and on command lines.
constexpr auto choices_of(ClassifierHead) {
  return std::array<NamedChoiceOf<ClassifierHead>, 2>{
      {{ClassifierHead::linear, "linear", "linear"}, {ClassifierHead::pooler, "pooler", "pooler"}}};
}

/// A classifier of pictures, apart from its image encoder.
struct ClassifierConfig {
  ClassifierHead head = ClassifierHead::linear;
  std::size_t classes = 0;

  friend constexpr bool operator==(const ClassifierConfig&, const ClassifierConfig&) = default;
};

/// A classifier of videos, apart from its image encoder.
struct VideoConfig {
  std::size_t classes = 0;
  std::size_t frames = 16;          ///< of a clip
  bool temporal_positions = false;  ///< whether the order of frames has an effect

  friend constexpr bool operator==(const VideoConfig&, const VideoConfig&) = default;
};

}  // namespace coca
