// expect: ImageEncoder
#include "small_model.hpp"

coca::CoCaModel<Text<small>, coca::PoolerFor<small, B>, Text<small>, Decoder<small>> model;
