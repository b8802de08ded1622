// expect: CoCaModel: text decoder and multimodal decoder must have the same width
#include "small_model.hpp"

constexpr coca::CoCaConfig narrow = [] {
  coca::CoCaConfig config = small;
  config.text.width = 16;
  return config;
}();

coca::CoCaModel<Encoder<small>, Pool<small>, Text<narrow>, Decoder<small>> model;
