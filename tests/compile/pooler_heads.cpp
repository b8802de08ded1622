// expect: SinglePooler: embed_dim must be a multiple of the pooler's heads
#include "small_model.hpp"

constexpr coca::CoCaConfig config = [] {
  coca::CoCaConfig changed = small;
  changed.pooling.heads = 7;
  return changed;
}();

coca::CoCa<config, B> model;
