// expect: VisionConfig: image_size must be a multiple of patch_size
#include "small_model.hpp"

constexpr coca::CoCaConfig config = [] {
  coca::CoCaConfig changed = small;
  changed.vision.patch_size = 7;
  return changed;
}();

coca::CoCa<config, B> model;
