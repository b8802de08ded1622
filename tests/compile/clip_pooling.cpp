// expect: ClipConfig: pooling must be class_token, mean or map_head
#include "coca/models/clip.hpp"
#include "small_model.hpp"

constexpr coca::ClipConfig config{.embed_dim = 32,
                                  .vision = small.vision,
                                  .pooling = {.kind = coca::Pooling::single},
                                  .text = small.text};

coca::Clip<config, B> model;
