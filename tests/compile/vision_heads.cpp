// expect: VisionConfig: width must be a multiple of heads
#include "small_model.hpp"

constexpr coca::CoCaConfig config = [] {
  coca::CoCaConfig changed = small;
  changed.vision.heads = 5;
  return changed;
}();

coca::CoCa<config, B> model;
