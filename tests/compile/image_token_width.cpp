// expect: MultimodalConfig: width must equal the width of the image tokens
#include "small_model.hpp"

constexpr coca::CoCaConfig config = [] {
  coca::CoCaConfig changed = small;
  changed.embed_dim = 64;
  return changed;
}();

coca::CoCa<config, B> model;
