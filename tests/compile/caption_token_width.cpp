// expect: CoCaModel: the multimodal decoder's image_token_width must equal the pooler's width
#include "small_model.hpp"

constexpr coca::CoCaConfig without_pooler = [] {
  coca::CoCaConfig config = small;
  config.pooling.kind = coca::Pooling::class_token;
  return config;
}();

coca::CoCaModel<Encoder<small>, Pool<without_pooler>, Text<small>, Decoder<small>> model;
