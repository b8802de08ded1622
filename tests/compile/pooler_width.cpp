// expect: CoCaModel: the pooler's input_width must equal the image encoder's width
#include "small_model.hpp"

constexpr coca::CoCaConfig wide = [] {
  coca::CoCaConfig config = small;
  config.vision.width = 96;
  return config;
}();

coca::CoCaModel<Encoder<small>, Pool<wide>, Text<small>, Decoder<small>> model;
